"""Synthetic sounds with their onsets and flux, which hold the detector of managed/ThinkSound.Rendering to scenes.onsets.

    PYTHONPATH=training /usr/bin/python3 tests/training/onset_cases.py        writes the file anew

The file has for each case its recipe, so that both sides make the same sound: bursts a · exp(−t/decay), rising over `attack`
seconds, of a sine (hz) or of noise (hz 0), each with a gain per channel.
"""
import json
from pathlib import Path

import numpy as np

from scenes import onsets

FILE = Path(__file__).parents[1] / "managed/ThinkSound.Rendering.Tests/Analysis/onset_cases.json"
RATE = 44100


def burst(at_s, gains, hz=0, decay_s=0.05, attack_s=0.0):
    return {"at_s": at_s, "gains": gains, "hz": hz, "decay_s": decay_s, "attack_s": attack_s}


CASES = {
    "clicks in stereo": (3.0, 2, [burst(t, [a, b], decay_s=0.01) for t, a, b in ((0.3, 0.5, 0.1), (0.55, 0.02, 0.2), (1.0, 0.9, 0.9), (1.0801, 0.5, 0), (2.7, 0.004, 0.004))]),
    "bells over noise": (3.0, 1, [burst(0.0, [0.01], decay_s=100)] + [burst(t, [0.3], hz, 0.4) for t, hz in ((0.5, 440), (1.25, 1200), (1.9, 523.25), (2.3, 3000))]),
    "quick and fading": (2.0, 1, [burst(round(0.2 + 0.07 * i, 2), [round(0.6 * 0.75**i, 5)], decay_s=0.02) for i in range(18)]),
    "a swell": (2.0, 1, [burst(0.0, [0.1], 440, 100, 1.0)]),
    "silence": (0.5, 2, []),
}


def noise(count):
    """x ← 1664525 x + 1013904223 mod 2³², from 1 on, as −1 … 1."""
    x, out = 1, np.empty(count)
    for i in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out[i] = x / 2**31 - 1
    return out


def sound(duration_s, channels, bursts):
    """float32 [channels, num_samples]."""
    count = round(RATE * duration_s)
    hiss, out = noise(count), np.zeros((channels, count))
    for b in bursts:
        first = round(RATE * b["at_s"])
        t = np.arange(count - first) / RATE
        shape = np.exp(-t / b["decay_s"]) * (np.minimum(1, t / b["attack_s"]) if b["attack_s"] else 1)
        wave = shape * (np.sin(2 * np.pi * b["hz"] * t) if b["hz"] else hiss[: len(t)])
        out[:, first:] += np.asarray(b["gains"])[:, None] * wave
    return out.astype(np.float32)


def compute():
    cases = []
    for name, (duration_s, channels, bursts) in CASES.items():
        audio = sound(duration_s, channels, bursts)
        found, flux = onsets.detect(audio), onsets.flux(onsets.log_mel(audio))
        frames = sorted({*range(0, len(flux), 40), *(round((t + onsets.DELAY_S) * onsets.RATE_HZ) for t in found)})
        cases.append(
            {
                "name": name,
                "duration_s": duration_s,
                "channels": channels,
                "bursts": bursts,
                "onsets_s": [round(float(t), 4) for t in found],
                "num_frames": len(flux),
                "flux": {str(frame): round(float(flux[frame]), 5) for frame in frames},
            }
        )
    return cases


if __name__ == "__main__":
    FILE.write_text("[\n" + ",\n".join(json.dumps(case) for case in compute()) + "\n]\n", encoding="utf-8")
