"""Struck bodies as sums of damped modes.

    s(t) = Σ_k a_k · 10^(−3 t / T_k) · sin(2π f_k t)        + a burst of noise at the contact

A body's modes are drawn once; each strike then varies only in where and how fast it lands: the faster and the harder, the
wider the spectrum of the contact force. The sum is one product of two small matrices, because
z^(aB + b) = z^(aB) · z^b with z = exp(−d + iω): num_modes · 2√n powers instead of num_modes · n sines.

Source   van den Doel, Kry and Pai, FoleyAutomatic, 2001 (modal contact sound, damping f_k · φ); mode ratios of bars,
         membranes and bells after Fletcher and Rossing, The Physics of Musical Instruments, 1998.
"""
from dataclasses import dataclass

import numpy as np

from . import SAMPLE_RATE

BLOCK = 256


def damped_sines(freqs_hz, t60_s, amps, num_samples: int) -> np.ndarray:
    """float32 [num_samples], Σ a · 10^(−3 t/T) · sin(2π f t); the three arguments are arrays of one length."""
    exponent = 2j * np.pi * np.asarray(freqs_hz) / SAMPLE_RATE - np.log(1000) / (np.asarray(t60_s) * SAMPLE_RATE)
    num_blocks = -(-num_samples // BLOCK)
    inner = np.exp(exponent[:, None] * np.arange(BLOCK))
    outer = np.exp(exponent[:, None] * (BLOCK * np.arange(num_blocks))) * np.asarray(amps)[:, None]
    left = np.concatenate([outer.imag, outer.real])
    right = np.concatenate([inner.real, inner.imag])
    left, right = (np.where(np.abs(m) < 1e-12, 0, m).astype(np.float32) for m in (left, right))  # denormals are slow
    return (left.T @ right).reshape(-1)[:num_samples]


@dataclass(frozen=True)
class Material:
    """How things of one matter ring, bounce and look."""

    name: str
    adjective: str
    ratios: tuple  # mode frequencies over the first
    f0_hz: tuple  # first mode of the largest and the smallest body
    t60_s: tuple  # decay of the first mode, shortest to longest
    damping_slope: float  # T_k = T_1 · (f_k/f_1)^−slope
    hardness_hz: float  # corner of the contact force at full speed
    noise: float  # share of contact noise
    restitution: tuple
    words: tuple  # how it sounds


BAR = (1, 2.76, 5.40, 8.93, 13.34, 18.64)
PLATE = (1, 1.53, 2.24, 2.95, 3.61, 4.33, 5.11, 6.02, 7.25, 8.4, 9.9, 11.6)
BOWL = (1, 2.32, 4.25, 6.63, 9.38, 12.22)
MEMBRANE = (1, 1.59, 2.14, 2.30, 2.65, 2.92, 3.16, 3.50, 3.60, 4.06)
LUMP = (1, 1.31, 1.83, 2.27, 2.9, 3.7, 4.6, 5.9)

MATERIALS = {
    m.name: m
    for m in (
        Material(
            "wood",
            "wooden",
            BAR,
            (170, 620),
            (0.08, 0.22),
            0.8,
            3200,
            0.35,
            (0.42, 0.6),
            ("dry and short", "hollow and woody", "a dull wooden knock"),
        ),
        Material(
            "metal",
            "metal",
            PLATE,
            (260, 1500),
            (0.7, 2.4),
            0.35,
            9000,
            0.15,
            (0.5, 0.7),
            ("bright and ringing", "a metallic clang", "a long metallic ring"),
        ),
        Material(
            "glass",
            "glass",
            BOWL,
            (900, 3000),
            (0.25, 0.8),
            0.55,
            11000,
            0.12,
            (0.5, 0.66),
            ("clear and high", "a glassy clink", "thin and bright"),
        ),
        Material(
            "rubber",
            "rubber",
            LUMP,
            (70, 190),
            (0.07, 0.16),
            1.0,
            700,
            0.25,
            (0.74, 0.87),
            ("soft and low", "a dull rubbery thump", "muffled and round"),
        ),
        Material(
            "stone",
            "stone",
            LUMP,
            (600, 1900),
            (0.03, 0.07),
            0.5,
            6500,
            0.6,
            (0.3, 0.48),
            ("hard and very short", "a dry stony click", "a heavy clack"),
        ),
        Material(
            "skin",
            "drum",
            MEMBRANE,
            (65, 230),
            (0.25, 0.6),
            0.7,
            1800,
            0.3,
            (0.4, 0.5),
            ("deep and booming", "a resonant drum beat", "a round drum tone"),
        ),
    )
}


class Body:
    """One object that can be struck; `size` 0 (small, high) … 1 (large, low)."""

    def __init__(self, rng, material: str, size: float):
        self.material = m = MATERIALS[material]
        low, high = m.f0_hz
        f0 = high * (low / high) ** size * rng.uniform(0.94, 1.06)
        ratios = np.array(m.ratios) * rng.normal(1, 0.025, len(m.ratios))
        self.freqs = f0 * np.append(ratios, ratios[:4] * rng.uniform(1.004, 1.02, 4))  # split modes beat a little
        self.freqs = self.freqs[self.freqs < 16000]
        t60 = rng.uniform(*m.t60_s)
        self.t60 = t60 * (self.freqs / f0) ** -m.damping_slope * rng.uniform(0.8, 1.2, len(self.freqs))
        self.shape = rng.uniform(0.4, 1, len(self.freqs)) * (self.freqs / f0) ** -0.35
        self.noise = m.noise * rng.uniform(0.6, 1.4)

    def strike(self, rng, speed: float) -> np.ndarray:
        """float32 [n] of one contact at relative `speed` 0 … 1: louder is left to the caller, brighter is done here. Peak 1."""
        corner = self.material.hardness_hz * (0.25 + 0.75 * speed**0.5)
        amps = self.shape * rng.uniform(0.55, 1, len(self.freqs)) * np.exp(-self.freqs / corner)
        num_samples = int(SAMPLE_RATE * min(self.t60.max() * 1.1, 3.5)) + 64
        wave = damped_sines(self.freqs, self.t60, amps, num_samples)
        wave /= np.abs(wave).max() + 1e-9
        burst = contact_noise(rng, corner, 0.012)
        wave[: len(burst)] += self.noise * burst[:num_samples]
        wave[-64:] *= np.linspace(1, 0, 64, dtype=np.float32)
        return wave / np.abs(wave).max()


def contact_noise(rng, corner_hz: float, t60_s: float) -> np.ndarray:
    """float32 [n], a burst of noise below `corner_hz` that decays by 60 dB in 3·`t60_s`; peak about 1."""
    n = int(SAMPLE_RATE * 3 * t60_s)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= 1 + (np.fft.rfftfreq(n, 1 / SAMPLE_RATE) / corner_hz) ** 2
    wave = np.fft.irfft(spectrum, n) * np.exp(-np.log(1000) * np.arange(n) / n)
    return (wave / (np.abs(wave).max() + 1e-9)).astype(np.float32)
