"""Periodic tones of moving pitch, by reading one period from a table.

A period holds harmonics 1 … K with given amplitudes; phase runs as the integral of the frequency. K is limited so that the
highest harmonic stays below `limit_hz` at the highest pitch: no aliasing.
"""
import numpy as np

from . import SAMPLE_RATE

TABLE = 4096


def oscillator(freq_hz, harmonics, limit_hz: float = 15000, phase: float = 0.0) -> np.ndarray:
    """float32 [n]: freq_hz [n] per sample, `harmonics` amplitudes (complex: with phase), peak of the period 1."""
    freq_hz = np.asarray(freq_hz)
    count = int(max(1, min(len(harmonics), limit_hz // max(freq_hz.max(), 1.0))))
    spectrum = np.zeros(TABLE // 2 + 1, np.complex128)
    spectrum[1 : count + 1] = np.asarray(harmonics)[:count]
    period = np.fft.irfft(spectrum)
    period = (period / np.abs(period).max()).astype(np.float32)
    turns = phase + np.cumsum(freq_hz, dtype=np.float64) / SAMPLE_RATE
    position = ((turns % 1.0) * TABLE).astype(np.float32)
    index = position.astype(np.int32)
    fraction = position - index
    index &= TABLE - 1
    low = period[index]
    return low + fraction * (period[(index + 1) & (TABLE - 1)] - low)


def smooth_gate(times_s, start_s: float, stop_s: float, rise_s: float, fall_s: float) -> np.ndarray:
    """0 → 1 at `start_s` over `rise_s`, back at `stop_s` over `fall_s`; raised-cosine slopes."""
    up = np.clip((np.asarray(times_s) - start_s) / rise_s, 0, 1)
    down = np.clip((stop_s + fall_s - np.asarray(times_s)) / fall_s, 0, 1)
    return (0.25 * (1 - np.cos(np.pi * up)) * (1 - np.cos(np.pi * down))).astype(np.float32)
