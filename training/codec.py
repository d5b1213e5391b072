"""Trains the mel codec (docs/mel-codec.md) on spectrograms made by `clips`.

    python3 -m codec build/training/train-4s --minutes 30 -o build/training/codec

Loss: mean |ŷ − y| of the normalised log-mel, plus a little KL to keep the latents smooth for the flow model. Crops of
16 latents (0.74 s), gain and channel order random.
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from loop import Loop
from model import of_bundle
from twin.mel_codec import MelCodec

CROP = 16   # latents
KL_WEIGHT = 1e-4
FLOOR = 1e-4


def gained(y, gain):
    """Log-mel of the same sound `gain` times as loud; y [B, M, bands], gain [B]."""
    mel = torch.exp(2 * y - 5) - FLOOR
    return (torch.log(mel.clamp(min=0) * gain[:, None, None] + FLOOR) + 5) / 2


class Crops:
    """Random crops of memory-mapped spectrograms, [B, 8·CROP, 2·bands]."""

    def __init__(self, folders, seed: int):
        self.arrays = [np.load(folder / "mel.npy", mmap_mode="r") for folder in folders]
        self.weights = np.array([a.shape[0] * a.shape[1] for a in self.arrays], np.float64)
        self.random = np.random.default_rng(seed)

    def batch(self, size: int):
        rows = []
        for source in self.random.choice(len(self.arrays), size, p=self.weights / self.weights.sum()):
            array = self.arrays[source]
            clip, start = self.random.integers(array.shape[0]), 8 * self.random.integers(array.shape[1] // 8 - CROP + 1)
            rows.append(np.asarray(array[clip, start : start + 8 * CROP], np.float32))
        y = torch.from_numpy(np.stack(rows))
        y = gained(y, torch.from_numpy(np.exp(self.random.uniform(-1.2, 0.4, size)).astype(np.float32)))
        swap = torch.from_numpy(self.random.random(size) < 0.5)
        half = y.shape[2] // 2
        return torch.where(swap[:, None, None], torch.cat([y[..., half:], y[..., :half]], -1), y)


def losses(model, y):
    moments = model.encode(y)
    mean, raw = moments.chunk(2, -1)
    deviation = F.softplus(raw) + 1e-4
    kl = (mean.square() + deviation.square() - 2 * deviation.log() - 1).sum(-1).mean()
    restored = model.decode(mean + deviation * torch.randn_like(mean))
    l1 = (restored - y).abs().mean()
    return l1 + KL_WEIGHT * kl, {"l1": l1, "kl": kl}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--base", type=Path, help="bundle to start from, such as models/foley-small")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    torch.manual_seed(1)
    model = of_bundle(options.base).codec.train() if options.base else MelCodec()
    loop = Loop(model, options.output, minutes=options.minutes, lr=options.lr)
    crops = Crops(options.folders, seed=1 + loop.at)
    for _ in loop:
        loop.step(*losses(model, crops.batch(options.batch)))


if __name__ == "__main__":
    main()
