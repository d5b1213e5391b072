"""The recogniser: what is seen, of what material, and when something strikes, read off the features of a video.

    clip [B, C, clip_dim] ─ mean ─┐
    sync [B, S, sync_dim] ─ mean, max ─┴─ scene.fc1 ─ gelu ─ scene.fc2 ─ [B, classes + materials]
    sync [B, S, sync_dim] ─ onset.fc1 ─ gelu ─ onset.fc2 ─ [B, S, 4]     onsets in quarters of a sync step (1/96 s)

With `temporal_patch` 2 the onset head looks up what Synchformer saw at a moment. Row 8g + j of its features is about frames
8g + 2j and 8g + 2j + 1, and every moment lies in the first half of segment g and in the second half of segment g − 1: the two
rows side by side give the onsets of both frames (the first segment has no other before it, and its row stands twice).

Logits all of them: sigmoid for classes and onsets (several may hold at once), softmax for the material.
"""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class RecogniserConfig:
    """The `config` of the component "recogniser" in bundle.json."""
    classes: tuple[str, ...]
    materials: tuple[str, ...]
    clip_dim: int
    sync_dim: int
    hidden_dim: int = 96
    onsets_per_step: int = 4
    temporal_patch: int = 1  # frames that a row of sync features is about; 1 = row s is about step s
    onset_threshold: float = 0.5  # probability from which on an onset counts; the network itself does not know it


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int, out: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, out)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Recogniser(nn.Module):
    def __init__(self, config: RecogniserConfig):
        super().__init__()
        self.config = config
        self.scene = Mlp(config.clip_dim + 2 * config.sync_dim, config.hidden_dim, len(config.classes) + len(config.materials))
        views = 1 if config.temporal_patch == 1 else 2
        self.onset = Mlp(views * config.sync_dim, config.hidden_dim, config.temporal_patch * config.onsets_per_step)

    def summary(self, clip: torch.Tensor, sync: torch.Tensor) -> torch.Tensor:
        """→ [B, clip_dim + 2·sync_dim]."""
        return torch.cat([clip.mean(1), sync.mean(1), sync.amax(1)], -1)

    def moments(self, sync: torch.Tensor) -> torch.Tensor:
        """What the onset head reads of sync [B, S, sync_dim]: the same, or [B, S/p, 2·sync_dim], a row for p frames."""
        patch = self.config.temporal_patch
        if patch == 1:
            return sync
        segments = sync.unflatten(1, (-1, 8))                                            # [B, G, 8, D]
        early = segments[:, :, : 8 // patch]
        late = torch.cat([early[:, :1], segments[:, :-1, 8 - 8 // patch :]], 1)
        return torch.cat([early, late], -1).flatten(1, 2)

    def forward(self, clip: torch.Tensor, sync: torch.Tensor):
        """→ class logits [B, classes], material logits [B, materials], onset logits [B, S, onsets_per_step]."""
        scene = self.scene(self.summary(clip, sync))
        classes, materials = scene.split([len(self.config.classes), len(self.config.materials)], -1)
        return classes, materials, self.onset(self.moments(sync)).reshape(*sync.shape[:2], self.config.onsets_per_step)
