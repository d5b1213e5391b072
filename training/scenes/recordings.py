"""Real recordings placed into scenes: one-shots at the events' times, ambiences as beds.

training/data/manifest.jsonl names them; `use` says what for (impact_wood, footstep_snow, rain_light, ...), `series` which
belong together. Split by author: what `test` scenes hear, no training scene does; `val` shares the authors of `train`.
All are decoded once, by ffmpeg, into one memory-mapped int16 array [2, total] under build/training.
"""
import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from .sound import SAMPLE_RATE

DATA = Path(__file__).resolve().parents[1] / "data"
CACHE = Path(__file__).resolve().parents[2] / "build" / "training"


@dataclass(frozen=True)
class Take:
    """One recording; samples `start` … `stop` of the decoded array."""

    file: str
    use: str
    series: str
    split: str
    start: int
    stop: int

    def stereo(self) -> np.ndarray:
        """float32 [2, n], as recorded."""
        return decoded()[1][:, self.start : self.stop].astype(np.float32) / 32768

    def one_shot(self) -> np.ndarray:
        """Mono float32 [n], peak 1, from its onset on: the first 5 ms within 9 dB of the loudest, less 2 ms."""
        mono = self.stereo().mean(0)
        hop = SAMPLE_RATE // 200
        level = np.abs(mono[: len(mono) // hop * hop]).reshape(-1, hop).max(1)
        first = int(np.argmax(level > 0.35 * level.max())) * hop
        loud = np.flatnonzero(np.abs(mono[first : first + hop]) > 0.1 * level.max())
        start = max(0, first + (int(loud[0]) if len(loud) else 0) - SAMPLE_RATE // 500)
        mono = mono[start:]
        fade = min(len(mono), SAMPLE_RATE // 100)
        mono[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        return mono / (np.abs(mono).max() + 1e-9)

    def bed(self, rng, num_samples: int) -> np.ndarray:
        """Stereo float32 [2, num_samples], rms 1: from a random place on, repeated with crossfades of up to 0.5 s."""
        sound = self.stereo()
        fade = min(SAMPLE_RATE // 2, sound.shape[1] // 4)
        ramp = np.sin(np.linspace(0, np.pi / 2, fade, dtype=np.float32))
        loop = sound[:, :-fade].copy()
        loop[:, :fade] = loop[:, :fade] * ramp + sound[:, -fade:] * ramp[::-1]
        start = int(rng.integers(loop.shape[1]))
        index = (start + np.arange(num_samples)) % loop.shape[1]
        out = loop[:, index]
        return out / (np.sqrt(np.mean(out**2)) + 1e-9)


def family(rng, use: str, split: str) -> list:
    """The takes of one series for `use` that scenes of `split` may hear; empty where there are none."""
    mine = "test" if split == "test" else "train"
    takes = [t for t in decoded()[0] if t.use == use and t.split == mine]
    series = sorted({t.series for t in takes})
    if not series:
        return []
    chosen = series[int(rng.integers(len(series)))]
    return [t for t in takes if t.series == chosen]


def stretched(wave, ratio: float) -> np.ndarray:
    """`wave` played `ratio` times as fast, by linear interpolation (the ratio is within a few percent of 1)."""
    position = np.arange(0, len(wave) - 1, ratio)
    index = position.astype(np.int64)
    fraction = (position - index).astype(np.float32)
    return wave[index] + fraction * (wave[index + 1] - wave[index])


@lru_cache(maxsize=1)
def decoded():
    """(takes, int16 [2, total] memory-mapped); decodes at the first call, and again when the manifest has changed."""
    text = (DATA / "manifest.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    stem = CACHE / f"recordings-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    sound, index = stem.with_suffix(".npy"), stem.with_suffix(".json")
    if not (sound.exists() and index.exists()):
        CACHE.mkdir(parents=True, exist_ok=True)
        waves = [_decode(DATA / row["file"], row["sha256"]) for row in rows]
        stops = np.cumsum([w.shape[1] for w in waves]).tolist()
        for path, write in (
            (sound, lambda f: np.save(f, np.concatenate(waves, 1))),
            (index, lambda f: f.write(json.dumps(stops).encode())),
        ):
            partial = path.with_name(f"{path.name}.{os.getpid()}")
            with open(partial, "wb") as file:
                write(file)
            partial.replace(path)
    stops = json.loads(index.read_text())
    takes = [
        Take(row["file"], row["use"], row["series"], row["split"], start, stop)
        for row, start, stop in zip(rows, [0, *stops[:-1]], stops)
    ]
    return takes, np.load(sound, mmap_mode="r")


def _decode(path: Path, sha256: str) -> np.ndarray:
    """int16 [2, n] at 44.1 kHz."""
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path}: the checksum differs from the manifest's; restore the file from the repository")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "2", "-ar", str(SAMPLE_RATE), "-f", "s16le", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise ValueError(f"{path}: ffmpeg cannot decode it: {done.stderr.decode(errors='replace').strip()}")
    return np.frombuffer(done.stdout, "<i2").reshape(-1, 2).T.copy()
