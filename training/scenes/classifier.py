"""A small judge of what is heard, independent of the generator's networks: statistics of the log-mel → 128 → classes.

    python3 -m scenes.classifier --count 6000 -o build/training/classifier.pt       trains on true audio and prints accuracy

Statistics    of 64 bands: mean, deviation, 98th percentile, mean rise and mean fall, relative level kept; plus the spectrum of
              the level's fluctuation in 16 octave-spaced bins from 0.5 to 40 Hz. 336 numbers for any length.
Judge fairly  a classifier that has heard only true sound judges the codec, not the generator: give `fit` the statistics of
              codec-reconstructed sound too (`dataset(..., restore=codec)`).
Features      `embed`, 128 numbers, serve the Fréchet distance and the variety of seeds (quality.py).
"""
import argparse
import multiprocessing
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .compose import generate
from .kinds import CLASSES
from .onsets import RATE_HZ, log_mel

NUM_STATISTICS = 64 * 5 + 16
HIDDEN = 128


def statistics(audio) -> np.ndarray:
    """float32 [336] of stereo sound [2, num_samples]."""
    return summary(log_mel(audio))


def summary(mel) -> np.ndarray:
    """`statistics` of an onsets.log_mel."""
    change = np.diff(mel, axis=0)
    level = mel.mean(1)
    swing = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(len(level)))) * 2 / len(level)
    freqs = np.fft.rfftfreq(len(level), 1 / RATE_HZ)
    edges = np.geomspace(0.5, 40, 17)
    bins = [
        np.sqrt(np.mean(swing[(freqs >= a) & (freqs < b)] ** 2)) if ((freqs >= a) & (freqs < b)).any() else 0.0
        for a, b in zip(edges, edges[1:])
    ]
    return np.concatenate(
        [
            mel.mean(0),
            mel.std(0),
            np.percentile(mel, 98, axis=0),
            np.maximum(change, 0).mean(0) * 20,
            np.maximum(-change, 0).mean(0) * 20,
            np.asarray(bins) * 4,
        ]
    ).astype(np.float32)


class Classifier(nn.Module):
    """Statistics [B, 336] → logits [B, classes]; `embed` gives [B, 128]."""

    def __init__(self, classes=CLASSES):
        super().__init__()
        self.classes = tuple(classes)
        self.register_buffer("mean", torch.zeros(NUM_STATISTICS))
        self.register_buffer("scale", torch.ones(NUM_STATISTICS))
        self.body = nn.Sequential(
            nn.Linear(NUM_STATISTICS, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, HIDDEN), nn.ReLU()
        )
        self.head = nn.Linear(HIDDEN, len(self.classes))

    def embed(self, x):
        return self.body((x - self.mean) / self.scale)

    def forward(self, x):
        return self.head(self.embed(x))

    @torch.no_grad()
    def judge(self, audios):
        """(class indices [n], logits [n, classes], features [n, 128]) as arrays, of a list of stereo sounds."""
        self.eval()
        x = torch.from_numpy(np.stack([statistics(a) for a in audios]))
        features = self.embed(x)
        logits = self.head(features)
        return logits.argmax(1).numpy(), logits.numpy(), features.numpy()

    def save(self, path) -> None:
        partial = Path(f"{path}.tmp")
        torch.save({"classes": self.classes, "state": self.state_dict()}, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path) -> "Classifier":
        stored = torch.load(path, map_location="cpu")
        model = cls(stored["classes"])
        model.load_state_dict(stored["state"])
        return model.eval()


def fit(x, labels, classes=CLASSES, epochs: int = 40, seed: int = 0) -> Classifier:
    """Trains on statistics [n, 336] and class indices [n]: AdamW, cosine rate, inputs jittered."""
    torch.manual_seed(seed)
    x, labels = torch.as_tensor(np.asarray(x)), torch.as_tensor(np.asarray(labels))
    model = Classifier(classes)
    model.mean.copy_(x.mean(0))
    model.scale.copy_(x.std(0) + 1e-3)
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.02)
    steps = epochs * (-(-len(x) // 64))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for batch in order.split(64):
            noisy = x[batch] + 0.1 * model.scale * torch.randn(len(batch), x.shape[1])
            noisy[:, :64] += 0.2 * torch.randn(len(batch), 1)  # louder or softer is no other class
            loss = nn.functional.cross_entropy(model(noisy), labels[batch], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def _example(job):
    seed, duration_s, class_name, split, companions = job
    return generate(seed, duration_s, class_name, split, pictures=False, companions=companions).audio


def dataset(
    count: int, split: str, duration_s: float = 4.0, companions: bool = False, restore=None, workers: int | None = None
):
    """(statistics [n, 336], labels [n]) of `count` scenes, classes in turn; with `restore` (audio → audio) also its restored twin.

    Scenes are made by `workers` processes; `restore` runs in this one.
    """
    jobs = [(seed, duration_s, CLASSES[seed % len(CLASSES)], split, companions) for seed in range(count)]
    x, labels = [], []
    with multiprocessing.Pool(workers or os.cpu_count()) as pool:
        for seed, audio in enumerate(pool.imap(_example, jobs, chunksize=8)):
            for sound in (audio,) if restore is None else (audio, restore(audio)):
                x.append(statistics(sound))
                labels.append(seed % len(CLASSES))
    return np.stack(x), np.asarray(labels)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m scenes.classifier", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=6000, help="training scenes")
    parser.add_argument("--test", type=int, default=660, help="test scenes")
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    o = parser.parse_args()
    model = fit(*dataset(o.count, "train", o.duration))
    x, labels = dataset(o.test, "test", o.duration)
    with torch.no_grad():
        guess = model(torch.from_numpy(x)).argmax(1).numpy()
    for k, name in enumerate(CLASSES):
        wrong = [CLASSES[g] for g in guess[(labels == k) & (guess != k)]]
        print(f"{name:12} {np.mean(guess[labels == k] == k):.3f}  {', '.join(sorted(set(wrong)))}")
    print(f"{'all':12} {np.mean(guess == labels):.3f}")
    o.output.parent.mkdir(parents=True, exist_ok=True)
    model.save(o.output)


if __name__ == "__main__":
    main()
