"""Trains the mel codec (docs/mel-codec.md) on spectrograms made by `clips`.

    python3 -m codec build/training/train-4s --minutes 30 -o build/training/codec

Loss: mean |ŷ − y| of the normalised log-mel, plus a little KL to keep the latents smooth for the flow model. Crops of
16 latents (0.74 s), gain and channel order random; classes that are restored worse are drawn more often.
"""
import argparse
from pathlib import Path

import torch
from torch.nn import functional as F

import scenes
from clips import Lines
from loop import Loop, fast_products
from model import of_bundle
from resident import Resident, wait_for
from twin.mel_codec import MelCodec

CROP = 16   # latents
KL_WEIGHT = 1e-5
FLOOR = 1e-4


def gained(y, gain):
    """Log-mel of the same sound `gain` times as loud; y [B, M, bands], gain [B]."""
    mel = torch.exp(2 * y - 5) - FLOOR
    return (torch.log(mel.clamp(min=0) * gain[:, None, None] + FLOOR) + 5) / 2


class Crops:
    """Random crops of the spectrograms of a folder, [B, 8·CROP, 2·bands], and their clips' first classes [B].

    A clip is drawn with the chance of its class: `worst` keeps how far each class is from its restored self, on the device.
    """

    def __init__(self, folder: Path, device, at_least: int = 1):
        wait_for(folder, at_least)
        lines = Lines(folder)

        def describe(first, last):
            return {"kind": torch.tensor([scenes.CLASSES.index(line["class_name"]) for line in lines.take(last - first)])}
        self.data = Resident(folder, ("mel",), device, describe, at_least)
        self.worst = torch.ones(len(scenes.CLASSES), device=device)

    def batch(self, size: int):
        data, device = self.data, self.data.device
        rows = data.draw(size, self.worst[data.kind])
        starts = 8 * (torch.rand(size, device=device) * (data.mel.shape[1] // 8 - CROP + 1)).long()
        y = data.mel[rows[:, None], starts[:, None] + torch.arange(8 * CROP, device=device)].float()
        y = gained(y, torch.exp(torch.rand(size, device=device) * 1.6 - 1.2))
        swapped = torch.rand(size, 1, 1, device=device) < 0.5
        return torch.where(swapped, y.roll(y.shape[2] // 2, 2), y), data.kind[rows]

    @torch.no_grad()
    def learned(self, kinds, distances) -> None:
        """Moves the classes' distances towards those of a batch."""
        sums, counts = torch.zeros_like(self.worst), torch.zeros_like(self.worst)
        sums.index_add_(0, kinds, distances)
        counts.index_add_(0, kinds, torch.ones_like(distances))
        self.worst.add_(torch.where(counts > 0, 0.05 * (sums / counts.clamp(min=1) - self.worst), torch.zeros_like(sums)))


def losses(model, y):
    """loss, figures, and the distance of every item [B]."""
    moments = model.encode(y)
    mean, raw = moments.chunk(2, -1)
    deviation = F.softplus(raw) + 1e-4
    kl = (mean.square() + deviation.square() - 2 * deviation.log() - 1).sum(-1).mean()
    restored = model.decode(mean + deviation * torch.randn_like(mean))
    distances = (restored - y).abs().mean((1, 2))
    l1 = distances.mean()
    return l1 + KL_WEIGHT * kl, {"l1": l1, "kl": kl}, distances.detach()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="made by clips, or in the making")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--base", type=Path, help="bundle to start from, such as models/foley-small")
    parser.add_argument("--at-least", type=int, default=1, help="clips to wait for")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    fast_products()
    torch.manual_seed(1)
    model = (of_bundle(options.base).codec.train() if options.base else MelCodec()).to(options.device)
    loop = Loop(model, options.output, minutes=options.minutes, lr=options.lr)
    crops = Crops(options.folder, options.device, options.at_least)

    def work(size):
        y, kinds = crops.batch(size)
        loss, figures, distances = losses(model, y)
        crops.learned(kinds, distances)
        return loss, figures
    loop.run([lambda: work(options.batch)])
    print("distance by class: " + ", ".join(f"{name} {value:.3f}" for name, value in zip(scenes.CLASSES, crops.worst.tolist())), flush=True)


if __name__ == "__main__":
    main()
