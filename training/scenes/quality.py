"""Measures of generated sound that need no ears: hygiene, distribution, variety.

hygiene     peak, DC, loudness (ITU-R BS.1770-4, gated), not-a-number; one clip
frechet     distance of two Gaussians fitted to features (Heusel et al., 2017; Kilgour et al., 2019, for audio)
variety     distance between seeds of one condition relative to that between true clips of one class
"""
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.signal

from .sound import SAMPLE_RATE


@dataclass(frozen=True)
class Hygiene:
    """peak_dbfs and loudness_lufs are −inf for digital silence; dc is the larger channel's absolute mean."""

    finite: bool
    peak_dbfs: float
    dc: float
    loudness_lufs: float

    def ok(self, silent: bool = False) -> bool:
        """Peak below −0.3 dBFS, DC below 10⁻³; a silent scene stays below −55 dBFS."""
        return self.finite and self.peak_dbfs < (-55 if silent else -0.3) and self.dc < 1e-3


def decibels(amplitude: float) -> float:
    return 20 * np.log10(amplitude) if amplitude > 0 else float("-inf")


def hygiene(audio) -> Hygiene:
    """Of stereo sound [2, num_samples] at 44.1 kHz."""
    audio = np.asarray(audio, np.float64)
    if not np.isfinite(audio).all():
        return Hygiene(False, float("nan"), float("nan"), float("nan"))
    return Hygiene(True, decibels(np.abs(audio).max(initial=0)), float(np.abs(audio.mean(1)).max()), loudness(audio))


def k_weighting(rate: float = SAMPLE_RATE) -> np.ndarray:
    """Second-order sections [2, 6] of BS.1770's shelf and high-pass for any rate (De Man, 2014)."""
    k, vh, vb = (
        np.tan(np.pi * 1681.974450955533 / rate),
        10 ** (3.999843853973347 / 20),
        10 ** (3.999843853973347 / 20 * 0.4996667741545416),
    )
    q = 0.7071752369554196
    norm = 1 + k / q + k * k
    shelf = [
        (vh + vb * k / q + k * k) / norm,
        2 * (k * k - vh) / norm,
        (vh - vb * k / q + k * k) / norm,
        1,
        2 * (k * k - 1) / norm,
        (1 - k / q + k * k) / norm,
    ]
    k, q = np.tan(np.pi * 38.13547087602444 / rate), 0.5003270373238773
    norm = 1 + k / q + k * k
    return np.array([shelf, [1, -2, 1, 1, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]])


def loudness(audio) -> float:
    """Integrated loudness in LUFS of [channels, num_samples]; −inf where every block is below the absolute gate of −70."""
    audio = np.asarray(audio, np.float64)
    block, step = int(0.4 * SAMPLE_RATE), int(0.1 * SAMPLE_RATE)
    if audio.shape[1] < block:
        audio = np.pad(audio, ((0, 0), (0, block - audio.shape[1])))
    power = np.concatenate([np.zeros((len(audio), 1)), np.cumsum(scipy.signal.sosfilt(k_weighting(), audio) ** 2, 1)], 1)
    starts = np.arange(0, audio.shape[1] - block + 1, step)
    blocks = ((power[:, starts + block] - power[:, starts]) / block).sum(0)
    loud = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(loud):
        return float("-inf")
    gated = loud[loud > 0.1 * loud.mean()]
    return float(-0.691 + 10 * np.log10(gated.mean()))


def frechet(a, b) -> float:
    """|μ_a − μ_b|² + tr(C_a + C_b − 2 (C_a C_b)^½) of features [n, d]; n should be several times d."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    roots = np.sqrt(np.maximum(scipy.linalg.eigvals(cov_a @ cov_b).real, 0))
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a) + np.trace(cov_b) - 2 * roots.sum())


def spread(features) -> float:
    """Mean Euclidean distance between all pairs of [n, d], n ≥ 2."""
    f = np.asarray(features, np.float64)
    distance = np.sqrt(np.maximum(((f[:, None] - f[None]) ** 2).sum(-1), 0))
    return float(distance.sum() / (len(f) * (len(f) - 1)))


def variety(seeds_of_conditions, clips_of_classes) -> float:
    """Mean spread over conditions (each [seeds, d]) over mean spread over classes (each [clips, d])."""
    return float(np.mean([spread(f) for f in seeds_of_conditions]) / np.mean([spread(f) for f in clips_of_classes]))


def divergence(true_logits, logits) -> float:
    """Mean KL(true ‖ generated) in nat of class posteriors, logits [n, classes]."""

    def log_softmax(x):
        x = np.asarray(x, np.float64)
        x = x - x.max(1, keepdims=True)
        return x - np.log(np.exp(x).sum(1, keepdims=True))

    p, q = log_softmax(true_logits), log_softmax(logits)
    return float((np.exp(p) * (p - q)).sum(1).mean())
