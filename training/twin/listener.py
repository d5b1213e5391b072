"""The listener: how well words say what is heard. Latents and a caption become a vector each; near vectors fit.

    latents [B, N, latent_dim] ─ in (3 taps) ─ blocks [B, N, H] ─ norm ─ mean, max ─ sound.fc1 ─ gelu ─ sound.fc2 ─ s [B, embed_dim]
    CLIP text rows [B, T, text_dim] ─ mean over real tokens ─ text.fc1 ─ gelu ─ text.fc2 ──────────────────────── t [B, embed_dim]
    fit = sigmoid(scale · cos(s, t) + bias)

Blocks are those of the mel codec (7 taps each). It hears latents, so that a sound can be judged before it is decoded.
"""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from twin.mel_codec import blocks
from twin.recogniser import Mlp


@dataclass(frozen=True)
class ListenerConfig:
    """The `config` of the component "listener" in bundle.json."""
    latent_dim: int
    text_dim: int
    hidden_dim: int = 96
    embed_dim: int = 96
    num_blocks: int = 4
    expansion: int = 3


class Listener(nn.Module):
    def __init__(self, config: ListenerConfig):
        super().__init__()
        self.config = config
        hidden = config.hidden_dim
        self.add_module("in", nn.Conv1d(config.latent_dim, hidden, 3, padding=1))
        self.blocks = blocks(config.num_blocks, hidden, config.expansion)
        self.norm = nn.LayerNorm(hidden, eps=1e-6)
        self.sound = Mlp(2 * hidden, hidden, config.embed_dim)
        self.text = Mlp(config.text_dim, hidden, config.embed_dim)
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def of_sound(self, latents: torch.Tensor) -> torch.Tensor:
        """[B, N, latent_dim], standard deviation 1 in every channel → unit vectors [B, embed_dim]."""
        h = getattr(self, "in")(latents.transpose(1, 2)).transpose(1, 2)
        h = self.norm(self.blocks(h))                                                      # [B, N, H]
        return F.normalize(self.sound(torch.cat([h.mean(1), h.amax(1)], -1)), dim=-1)

    def of_text(self, rows: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """[B, T, text_dim] of the CLIP text tower, mask [B, T] (1 = real) → unit vectors [B, embed_dim]."""
        pooled = (rows * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(self.text(pooled), dim=-1)

    def logits(self, sounds: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """Unit vectors [B, embed_dim], [C, embed_dim] → [B, C]; sigmoid is the probability that the words fit."""
        return self.scale * sounds @ texts.t() + self.bias
