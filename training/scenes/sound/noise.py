"""Noise with a spectrum that moves: the stuff of wind, water, fire, friction and rooms.

`bed` draws random short spectra, shapes each by a gain per frame and frequency, and overlap-adds them with a window whose
squares sum to one, so the power at any time and frequency is that of the gain asked for. One batch of small inverse FFTs:
a time-varying filter of any shape at the cost of a fixed one.
"""
import numpy as np
import scipy.fft

from . import SAMPLE_RATE

FRAME = 1024
HOP = FRAME // 2
FREQS_HZ = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE).astype(np.float32)
_WINDOW = np.sin(np.pi * (np.arange(FRAME, dtype=np.float32) + 0.5) / FRAME)


def num_frames(num_samples: int) -> int:
    """Frames `bed` uses for that many samples."""
    return -(-num_samples // HOP) + 1


def frame_times(num_samples: int) -> np.ndarray:
    """Seconds of the middle of each frame, [num_frames]."""
    return (np.arange(num_frames(num_samples)) * HOP) / SAMPLE_RATE


def bed(rng, gain, num_samples: int, width: float = 1.0) -> np.ndarray:
    """Stereo noise float32 [2, num_samples].

    gain   amplitude per frequency [513] or per frame and frequency [num_frames, 513]; white noise of gain 1 has rms 1
    width  0 (mono) … 1 (channels independent)
    """
    count = num_frames(num_samples)
    gain = np.broadcast_to(np.asarray(gain, np.float32), (count, len(FREQS_HZ)))
    spectra = rng.standard_normal((2, count, len(FREQS_HZ), 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectra *= gain * np.float32(np.sqrt(FRAME / 2))
    frames = scipy.fft.irfft(spectra, FRAME, overwrite_x=True) * _WINDOW
    halves = frames.reshape(2, count, 2, HOP)
    out = np.zeros((2, count + 1, HOP), np.float32)
    out[:, :-1] = halves[:, :, 0]
    out[:, 1:] += halves[:, :, 1]
    left, right = out.reshape(2, -1)[:, HOP : HOP + num_samples]
    mid, side = np.sqrt(1 - width / 2), np.sqrt(width / 2)
    return np.stack([mid * left + side * right, mid * left - side * right])


def lowpass(corner_hz, order: float = 2.0) -> np.ndarray:
    """Amplitude [..., 513] of a smooth low-pass; `corner_hz` a number or an array [frames]."""
    corner = np.asarray(corner_hz, np.float32)[..., None]
    return 1 / np.sqrt(1 + (FREQS_HZ / corner) ** (2 * order))


def highpass(corner_hz, order: float = 2.0) -> np.ndarray:
    corner = np.asarray(corner_hz, np.float32)[..., None]
    return 1 / np.sqrt(1 + (corner / np.maximum(FREQS_HZ, 1)) ** (2 * order))


def resonance(centre_hz, octaves) -> np.ndarray:
    """Amplitude [..., 513] of a bell on the log-frequency axis, `octaves` wide."""
    centre = np.asarray(centre_hz, np.float32)[..., None]
    distance = np.log2(np.maximum(FREQS_HZ, 10) / centre) / np.asarray(octaves, np.float32)[..., None]
    return np.exp2(-2 * distance**2)


def tilt(power: float) -> np.ndarray:
    """Amplitude [513] ∝ f^power, 1 at 1 kHz; −0.5 is pink, −1 brown."""
    return (np.maximum(FREQS_HZ, 20) / 1000) ** power


def drift(rng, times_s, period_s: float) -> np.ndarray:
    """Smooth random curve at `times_s`, about −1 … 1, that changes over `period_s`: a few sines of random rate and phase."""
    rates = rng.uniform(0.35, 1.2, 4)[:, None] / period_s
    phases = rng.uniform(0, 2 * np.pi, 4)[:, None]
    return np.sin(2 * np.pi * rates * np.asarray(times_s)[None] + phases).sum(0) / 2.2


def grains(rng, times_s, amps, grain_bank, num_samples: int) -> np.ndarray:
    """Many short waves float32 [num_samples]: a random grain of the bank, times `amps[j]`, begins at `times_s[j]`."""
    longest = max(len(grain) for grain in grain_bank)
    out = np.zeros(num_samples + longest, np.float32)
    which = rng.integers(len(grain_bank), size=len(times_s)).tolist()
    starts = (np.asarray(times_s) * SAMPLE_RATE).astype(np.int64).tolist()
    for start, index, amp in zip(starts, which, np.asarray(amps, np.float32)):
        if 0 <= start < num_samples:
            grain = grain_bank[index]
            out[start : start + len(grain)] += amp * grain
    return out[:num_samples]
