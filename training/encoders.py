"""Trains what sees and reads: CLIP vision tower, Synchformer and recogniser on drawn scenes, CLIP text tower and T5
encoder on their captions and chains of thought. Nothing is pre-trained: each tower learns to foretell the sound.

    python3 -m encoders build/training/train-4s --minutes 25 -o build/training/encoders

| tower | learns to foretell |
|---|---|
| Synchformer | of every sync step: onsets in quarters of a step, the level of eight bands in each quarter |
| vision | classes, materials, the spectrum's mean and spread over the clip |
| text, T5 | the same, and the coarse envelope of the loudness (from the times that a chain of thought names) |

Moving pictures and stills with words are two losses with no tower in common (the recogniser reads the vision tower's
features as they are), so a step runs them on two threads. All heads but the recogniser's are dropped afterwards.
"""
import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import model
import scenes
from clips import Clips
from loop import Loop
from twin.recogniser import Mlp

FPS, SEGMENT, HOP, QUARTERS = 24, 16, 8, 4     # pictures a second, frames of a segment and between segments
BANDS, STATS, ENVELOPE = 8, 48, 16             # of a quarter; mean and spread of 24 bands; steps of a coarse envelope
SEGMENTS, CLIP_FRAMES = 6, 4                   # drawn from each clip
STILLS, TEXTS = 4, 32                          # clips for the vision tower to each one for Synchformer; texts a step
MEL_RATE = 44100 / 256


class Targets:
    """What the towers are to foretell about each clip of a folder, from its spectrogram and its line."""

    def __init__(self, clips: Clips):
        mel = clips.mel.astype(np.float32)
        left, right = np.split(mel, 2, -1)
        mono = (left + right) / 2                                              # [n, M, 96]
        n, frames, bands = mono.shape
        self.steps = clips.frames.shape[1]
        quarter = (np.arange(self.steps * QUARTERS + 1) / (FPS * QUARTERS) * MEL_RATE).astype(int).clip(max=frames - 1)
        grouped = mono.reshape(n, frames, BANDS, bands // BANDS).mean(-1)
        self.levels = np.stack([grouped[:, a : max(a + 1, b)].mean(1) for a, b in zip(quarter, quarter[1:])], 1)  # [n, 4·T, 8]
        coarse = mono.reshape(n, frames, 24, bands // 24).mean(-1)
        self.stats = np.concatenate([coarse.mean(1), coarse.std(1)], -1)       # [n, 48]
        self.envelope = np.stack([part.mean((1, 2)) for part in np.array_split(mono, ENVELOPE, 1)], 1)
        self.onsets = np.zeros((n, self.steps * QUARTERS), np.float32)
        self.classes = np.zeros((n, len(scenes.CLASSES)), np.float32)
        self.materials = np.zeros(n, np.int64)
        for i, line in enumerate(clips.lines):
            for event in line["events"]:
                at = int(event["time_s"] * FPS * QUARTERS)
                if event["visible"] and 0 <= at < self.onsets.shape[1]:
                    self.onsets[i, at] = 1
            self.classes[i, [scenes.CLASSES.index(name) for name in line["classes"]]] = 1
            self.materials[i] = scenes.MATERIALS.index(line["material"])


NOISE = torch.randn(1 << 21, generator=torch.Generator().manual_seed(0))


def augmented(frames: torch.Tensor, random) -> torch.Tensor:
    """Brightness, contrast, tint and noise of whole clips; uint8 [B, ..., 64, 64, 3] → float32 in 0 … 255.

    Drawing fresh noise for every pixel would take longer than the towers do, so each picture takes a stretch of a long one.
    """
    out = frames.float()
    shape = (out.shape[0],) + (1,) * (out.dim() - 2) + (3,)
    def draw(low, high):
        return torch.from_numpy(random.uniform(low, high, shape).astype(np.float32))
    middle, contrast = out.flatten(1).mean(1).view(-1, *(1,) * (out.dim() - 1)), draw(0.8, 1.2)
    out.mul_(contrast).add_(middle * (1 - contrast) + draw(-20, 20))
    level, pictures = float(random.uniform(0, 6)), out.view(-1, *out.shape[-3:])
    for picture, start in zip(pictures, random.integers(0, len(NOISE) - pictures[0].numel(), len(pictures))):
        picture.add_(NOISE[start : start + picture.numel()].view_as(picture), alpha=level)
    return out.clamp_(0, 255)


class Pictures:
    """Batches of some segments and some frames of each of a few clips."""

    def __init__(self, clips: Clips, targets: Targets, seed: int):
        self.clips, self.targets, self.random = clips, targets, np.random.default_rng(seed)

    def _stills(self, rows, flip) -> torch.Tensor:
        chosen = self.random.integers(0, self.targets.steps // 3, (len(rows), CLIP_FRAMES)) * 3
        stills = np.stack([self.clips.frames[row][index] for row, index in zip(rows, chosen)])
        stills[flip] = stills[flip][..., ::-1, :].copy()
        return augmented(torch.from_numpy(stills), self.random)                            # [B, F, 64, 64, 3]

    def _labels(self, rows) -> dict:
        t = self.targets
        return {"classes": torch.from_numpy(t.classes[rows]), "materials": torch.from_numpy(t.materials[rows])}

    def stills(self, size: int) -> dict:
        rows = self.random.integers(len(self.clips), size=size)
        return {"clip": self._stills(rows, self.random.random(size) < 0.5), "stats": torch.from_numpy(self.targets.stats[rows]), **self._labels(rows)}

    def moving(self, size: int) -> dict:
        t, random = self.targets, self.random
        rows = random.integers(len(self.clips), size=size)
        segments = random.integers(t.steps // HOP, size=(size, SEGMENTS))
        chosen = (segments[..., None] * HOP + np.arange(SEGMENT)).clip(max=t.steps - 1)   # the last frame repeats
        flip = random.random(size) < 0.5
        sync = np.stack([self.clips.frames[row][index] for row, index in zip(rows, chosen)])  # [B, G, 16, 64, 64, 3]
        sync[flip] = sync[flip][..., ::-1, :].copy()
        steps = segments[..., None] * HOP + np.arange(HOP)                                # [B, G, 8]
        quarters = (steps[..., None] * QUARTERS + np.arange(QUARTERS)).reshape(size, -1)  # [B, G·32]
        def at(values):
            return torch.from_numpy(np.stack([values[row][index] for row, index in zip(rows, quarters)]))
        return {"sync": augmented(torch.from_numpy(sync), random), "clip": self._stills(rows, flip),
                "onsets": at(t.onsets), "levels": at(t.levels), **self._labels(rows)}


@torch.no_grad()
def accuracy(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Share of clips whose most likely class is one that they have."""
    return classes.gather(1, logits.argmax(-1, keepdim=True)).mean()


class Learners(nn.Module):
    """The towers that ship and the heads that do not."""

    def __init__(self, networks: model.Networks):
        super().__init__()
        self.vision, self.synchformer, self.recogniser = networks.clip_vision, networks.synchformer, networks.recogniser
        self.clip_text, self.t5 = networks.clip_text, networks.t5
        labels = len(scenes.CLASSES) + len(scenes.MATERIALS)
        self.sync_levels = nn.Linear(model.SYNC_DIM, QUARTERS * BANDS)
        self.clip_stats = Mlp(model.CLIP_DIM, 96, labels + STATS)
        self.text_heads = nn.ModuleDict({name: Mlp(model.TEXT_DIM, 128, labels + STATS + ENVELOPE) for name in ("clip_text", "t5")})

    def see_moving(self, batch):
        """Synchformer and recogniser: loss and figures."""
        size = batch["sync"].shape[0]
        sync = model.sync_features(self.synchformer, batch["sync"].flatten(0, 1)).reshape(size, SEGMENTS * 8, -1)
        with torch.no_grad():
            clip = model.clip_features(self.vision, batch["clip"].flatten(0, 1)).reshape(size, CLIP_FRAMES, -1)
        classes, materials, onsets = self.recogniser(clip, sync)
        levels = self.sync_levels(sync).reshape(size, -1, BANDS)
        figures = {
            "onset": F.binary_cross_entropy_with_logits(onsets.flatten(1), batch["onsets"], pos_weight=torch.tensor(4.0)),
            "levels": (levels - batch["levels"]).abs().mean(),
            "class": F.binary_cross_entropy_with_logits(classes, batch["classes"]), "material": F.cross_entropy(materials, batch["materials"]),
        }
        loss = 2 * figures["onset"] + figures["levels"] + 8 * figures["class"] + 0.2 * figures["material"]
        return loss, {**figures, "accuracy": accuracy(classes, batch["classes"])}

    def see_stills(self, batch):
        """Vision tower: loss and figures."""
        clip = model.clip_features(self.vision, batch["clip"].flatten(0, 1)).reshape(*batch["clip"].shape[:2], -1)
        classes, materials, stats = self.clip_stats(clip.mean(1)).split([len(scenes.CLASSES), len(scenes.MATERIALS), STATS], -1)
        figures = {"still_class": F.binary_cross_entropy_with_logits(classes, batch["classes"]),
                   "still_material": F.cross_entropy(materials, batch["materials"]), "stats": (stats - batch["stats"]).abs().mean()}
        loss = 8 * figures["still_class"] + 0.2 * figures["still_material"] + 0.5 * figures["stats"]
        return loss, {**figures, "still_accuracy": accuracy(classes, batch["classes"])}

    def read(self, name, tokens, mask, classes, materials, stats, envelope):
        features = (model.clip_text_features if name == "clip_text" else model.t5_features)(getattr(self, name), tokens, mask)
        pooled = (features * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        out = self.text_heads[name](pooled).split([len(scenes.CLASSES), len(scenes.MATERIALS), STATS, ENVELOPE], -1)
        loss = (2 * F.binary_cross_entropy_with_logits(out[0], classes) + 0.2 * F.cross_entropy(out[1], materials)
                + 0.5 * (out[2] - stats).abs().mean() + 0.5 * (out[3] - envelope).abs().mean())
        return loss, {name: loss.detach()}


class Texts:
    """Batches of tokens with the targets of their clips."""

    def __init__(self, clips: Clips, targets: Targets, tokenizers: dict, seed: int):
        self.targets, self.random = targets, np.random.default_rng(seed)
        self.tokens = {"clip_text": tokenizers["clip_text"]([line["caption"] for line in clips.lines]),
                       "t5": tokenizers["t5"]([line["cot"] for line in clips.lines])}

    def batch(self, name: str):
        rows = self.random.integers(len(self.targets.stats), size=TEXTS)
        tokens, mask = (x[rows] for x in self.tokens[name])
        t = self.targets
        return tokens, mask, *(torch.from_numpy(x[rows]) for x in (t.classes, t.materials, t.stats, t.envelope))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--vocabularies", type=Path, required=True)
    parser.add_argument("--base", type=Path, help="bundle to start from; the vocabularies must be its own")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=8, help="clips whose pictures are seen in a step")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    torch.manual_seed(1)
    clips = Clips(options.clips)
    targets = Targets(clips)
    learners = Learners(model.of_bundle(options.base).train() if options.base else model.Networks(options.vocabularies))
    loop = Loop(learners, options.output, minutes=options.minutes, lr=options.lr)
    moving, stills = (Pictures(clips, targets, seed=seed + 10 * loop.at) for seed in (1, 3))
    texts = Texts(clips, targets, model.text_tokenizers(options.vocabularies), seed=2 + 10 * loop.at)

    def watch(step):
        return learners.see_moving(moving.moving(options.batch))

    def look_and_read(step):
        loss, figures = learners.see_stills(stills.stills(STILLS * options.batch))
        name = ("clip_text", "t5")[step % 2]  # words are learned sooner than pictures: one of the readers a step is enough
        text_loss, text_figures = learners.read(name, *texts.batch(name))
        return loss + text_loss, {**figures, **text_figures}

    def part(work, step):
        loss, figures = work(step)
        return loss.detach(), figures, torch.autograd.grad(loss, loop.parameters, allow_unused=True)

    torch.set_num_threads(1)
    with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for step in loop:
            (loss, figures, gradients), (other_loss, other_figures, others) = pool.map(part, (watch, look_and_read), (step, step))
            loop.step(loss + other_loss, {**figures, **other_figures}, [a if b is None else b for a, b in zip(gradients, others)])


if __name__ == "__main__":
    main()
