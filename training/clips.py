"""Clips of the scene generator, made once on all cores and kept as memory-mapped arrays.

    python3 -m clips --count 6000 --duration 4 -o build/training/train-4s            (--sound-only draws no pictures)

A folder of clips holds
    mel.npy       float16 [count, 8·N, 2·bands]    log-mel y of docs/mel-codec.md
    frames.npy    uint8 [count, T, 64, 64, 3]      24 pictures a second
    clips.jsonl   a line a clip: seed, class_name, classes, material, caption, cot, events; clips.tmp until all are there
in the order of the seeds, which start at --first.
"""
import argparse
import itertools
import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

import scenes
from resident import mark_ready
from twin import mel_codec

SAMPLE_RATE, HOP = 44100, 2048


def latent_len(duration_s: float) -> int:
    """Latents that cover `duration_s` seconds of sound."""
    return -(-round(SAMPLE_RATE * duration_s) // HOP)


def log_mel(audio: np.ndarray) -> np.ndarray:
    """y float32 [8·N, 2·bands] of stereo sound [2, num_samples], zeros appended to N whole latents."""
    padded = np.zeros((2, -(-audio.shape[1] // HOP) * HOP), np.float32)
    padded[:, : audio.shape[1]] = audio
    return mel_codec.analyse(torch.from_numpy(padded)[None])[0].numpy()


class Clips:
    """One such folder, opened for reading."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.mel = np.load(self.folder / "mel.npy", mmap_mode="r")
        frames = self.folder / "frames.npy"
        self.frames = np.load(frames, mmap_mode="r") if frames.exists() else None
        self.lines = [json.loads(line) for line in open(self.folder / "clips.jsonl")]
        if len(self.lines) != len(self.mel):
            raise ValueError(f"{folder}: {len(self.lines)} lines for {len(self.mel)} spectrograms; make the folder again")

    def __len__(self):
        return len(self.lines)


class Lines:
    """The lines of a folder in their order, as far as they are there; `clips.tmp` is read while the folder is being made."""

    def __init__(self, folder: Path):
        whole = folder / "clips.jsonl"
        self.file = open(whole if whole.exists() else folder / "clips.tmp", encoding="utf-8")

    def take(self, count: int) -> list[dict]:
        return [json.loads(line) for line in itertools.islice(self.file, count)]


def describe(scene) -> dict:
    return {"seed": scene.seed, "class_name": scene.class_name, "classes": list(scene.classes), "material": scene.material,
            "caption": scene.caption, "cot": scene.cot, "events": [event.as_dict() for event in scene.events]}


def _clip(job):
    seed, duration_s, split, pictures = job
    torch.set_num_threads(1)
    scene = scenes.generate(seed, duration_s, split=split, pictures=pictures)
    return log_mel(scene.audio).astype(np.float16), scene.frames if pictures else None, json.dumps(describe(scene))


def make(folder: Path, count: int, duration_s: float, split: str, *, pictures: bool = True, first: int = 0, workers: int | None = None) -> None:
    """Makes a folder of clips; what is there already is kept if it is whole."""
    if (folder / "clips.jsonl").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    mel = np.lib.format.open_memmap(folder / "mel.npy", "w+", np.float16, (count, 8 * latent_len(duration_s), 2 * mel_codec.MelConfig().num_bands))
    frames = None
    jobs = ((first + index, duration_s, split, pictures) for index in range(count))
    with multiprocessing.Pool(workers or os.cpu_count()) as pool, open(folder / "clips.tmp", "w") as lines:
        for index, (y, pictures_of_clip, line) in enumerate(pool.imap(_clip, jobs, chunksize=8)):
            mel[index] = y
            if pictures_of_clip is not None:
                if frames is None:
                    frames = np.lib.format.open_memmap(folder / "frames.npy", "w+", np.uint8, (count, *pictures_of_clip.shape))
                frames[index] = pictures_of_clip
            lines.write(line + "\n")
            if (index + 1) % 20 == 0:
                lines.flush()
                mark_ready(folder, index + 1)
            if (index + 1) % 200 == 0:
                print(f"{folder.name}: {index + 1} of {count} clips", flush=True)
    mark_ready(folder, count)
    (folder / "clips.tmp").rename(folder / "clips.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--duration", type=float, default=4.0, help="seconds of each clip")
    parser.add_argument("--split", default="train", choices=["train", "val", "test"])
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--sound-only", action="store_true")
    parser.add_argument("--workers", type=int)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # takes the workers along
    make(options.output, options.count, options.duration, options.split, pictures=not options.sound_only, first=options.first, workers=options.workers)


if __name__ == "__main__":
    main()
