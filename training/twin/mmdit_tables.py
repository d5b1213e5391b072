"""The tables of the velocity network: rotary positions, timestep frequencies, resampling (spec 01 §§4, 6, 8).

Each is built in the float32 steps of the reference. The timestep table decides parity: its arguments reach 10⁴ rad, and
one ulp of a frequency moves the flow by up to 2.5e-4.
"""
from functools import lru_cache

import numpy as np
import torch


def _powers(exponents: np.ndarray) -> np.ndarray:
    """powf(10000, e), correctly rounded: in double, rounded once."""
    return np.power(10000.0, exponents.astype(np.float64)).astype(np.float32)


@lru_cache(64)
def rotations(length: int, head_dim: int, scale: float, device: torch.device) -> torch.Tensor:
    """Complex [length, head_dim/2]: e^{i·n·φ_k}, φ_k = scale · 10000^(−2k/head_dim)."""
    exponents = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
    angles = np.arange(length, dtype=np.float32)[:, None] * (np.float32(1) / _powers(exponents) * np.float32(scale))
    turns = np.cos(angles.astype(np.float64)).astype(np.float32) + 1j * np.sin(angles.astype(np.float64)).astype(np.float32)
    return torch.from_numpy(turns.astype(np.complex64)).to(device)


@lru_cache
def timestep_frequencies(width: int, v2: bool, device: torch.device) -> torch.Tensor:
    """f32 [width/2]: 10000 · 10000^(−2j/width); without v2 the factor in front is 1."""
    exponents = np.arange(0, width, 2, dtype=np.float32) / np.float32(width)
    frequencies = np.float32(10000 if v2 else 1) * (np.float32(1) / _powers(exponents))
    if v2 and width == 1024:  # where the reference's vectorised powf is not correctly rounded
        bits = frequencies.view(np.uint32)
        bits[444], bits[479], bits[509] = 0x40597C3F, 0x3FE7C05F, 0x3F8718FA
    return torch.from_numpy(frequencies).to(device)


def timestep_embedding(t: torch.Tensor, width: int, v2: bool) -> torch.Tensor:
    """t [B] → f32 [B, width], cosines first; the product t·f is rounded to float32 before cos and sin."""
    arguments = (t.float()[:, None] * timestep_frequencies(width, v2, t.device)).double()
    return torch.cat([arguments.cos(), arguments.sin()], -1).float()


@lru_cache(256)
def nearest_exact(source_len: int, target_len: int, device: torch.device) -> torch.Tensor:
    """i64 [target_len]: the source row of every target row, PyTorch's "nearest-exact" with its float32 rounding."""
    scale = np.float32(source_len) / np.float32(target_len)
    positions = (np.arange(target_len, dtype=np.float32) + np.float32(0.5)) * scale
    return torch.from_numpy(np.minimum(positions.astype(np.int64), source_len - 1)).to(device)


@lru_cache(64)
def natural_spline(source_len: int, target_len: int, device: torch.device) -> torch.Tensor:
    """f32 [target_len, source_len]: natural cubic spline between evenly spaced knots, both ends included."""
    if source_len < 2:
        raise ValueError(f"a spline needs two knots or more, not {source_len}")
    knots, queries = (fused_linspace(0, 9, count - 1).astype(np.float64) if count > 1 else np.zeros(1) for count in (source_len, target_len))
    gaps = np.diff(knots)
    system, differences = np.eye(source_len), np.zeros((source_len, source_len))
    for i in range(1, source_len - 1):
        before, after = gaps[i - 1], gaps[i]
        system[i, i - 1 : i + 2] = before, 2 * (before + after), after
        differences[i, i - 1 : i + 2] = 6 / before, -6 / before - 6 / after, 6 / after
    second = np.linalg.solve(system, differences)
    left = np.clip(np.searchsorted(knots, queries, "right"), 1, source_len - 1) - 1
    gap = gaps[left][:, None]
    a, b = (knots[left + 1] - queries)[:, None] / gap, (queries - knots[left])[:, None] / gap
    values = np.eye(source_len)
    matrix = a * values[left] + b * values[left + 1] + ((a**3 - a) * second[left] + (b**3 - b) * second[left + 1]) * gap**2 / 6
    return torch.from_numpy(matrix.astype(np.float32)).to(device)


def fused_linspace(start: float, end: float, steps: int) -> np.ndarray:
    """f32 [steps + 1], each point one fused multiply-add from the nearer end, as torch.linspace is compiled (spec 02 §2)."""
    step = float(np.float32((np.float32(end) - np.float32(start)) / np.float32(steps)))
    index = np.arange(steps + 1, dtype=np.float64)
    # A product of two float32 is exact in double, so the sum below is rounded to float32 as a fused one is.
    points = np.where(index < (steps + 1) // 2, start + step * index, end - step * (steps - index))
    return points.astype(np.float32)
