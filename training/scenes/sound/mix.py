"""The mixing desk: places mono sounds by constant-power panning, adds stereo beds, sends both to one room, filters, limits.

Levels   a sound of peak 1 placed with gain 1 peaks at −3 dBFS; nothing leaves above −1 dBFS (the whole clip is scaled then,
         so that the proportions stay).
Room     convolution with decaying noise, low frequencies lasting longer, and a few early reflections; one response an ear.
"""
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal

from . import SAMPLE_RATE
from .noise import bed, lowpass

REFERENCE = 10 ** (-3 / 20)
CEILING = 10 ** (-1 / 20)


@dataclass(frozen=True)
class Room:
    """Reverberation: 60 dB decay in `t60_s`, energy of the tail over that of the direct sound `wet`, and where that is."""

    t60_s: float
    wet: float
    name: str

    def response(self, rng) -> np.ndarray:
        """Impulse response float32 [2, n] without the direct sound, energy 1 per channel."""
        num_samples = int(SAMPLE_RATE * self.t60_s)
        times = np.arange(num_samples, dtype=np.float32) / SAMPLE_RATE
        fast, slow = np.exp(-6.9 * times / (0.6 * self.t60_s)), np.exp(-6.9 * times / self.t60_s)
        low = bed(rng, lowpass(1500.0, 1), num_samples)
        out = 0.7 * low * slow + 0.3 * bed(rng, lowpass(9000.0, 1), num_samples) * fast
        for _ in range(6):
            delay = int(SAMPLE_RATE * rng.uniform(0.004, 0.02 + 0.05 * self.t60_s))
            if delay < num_samples:
                out[rng.integers(2), delay] += rng.uniform(0.3, 1.0) * rng.choice([-1, 1])
        out[:, : min(num_samples, 176)] *= np.linspace(0, 1, min(num_samples, 176), dtype=np.float32)
        return out / np.sqrt((out**2).sum(1, keepdims=True) + 1e-12)


class Mix:
    """Sums the sounds of one clip of `num_samples`."""

    def __init__(self, num_samples: int):
        self.num_samples = num_samples
        self.dry = np.zeros((2, num_samples), np.float32)
        self.send = np.zeros(num_samples, np.float32)

    def place(self, wave, time_s: float, gain: float, x: float = 0.0, wet: float = 1.0) -> None:
        """Mono `wave` [n] from `time_s` on, at x = −1 (left) … 1 (right); what falls outside the clip is dropped."""
        start = round(time_s * SAMPLE_RATE)
        first, last = max(start, 0), min(start + len(wave), self.num_samples)
        if last <= first:
            return
        piece = wave[first - start : last - start] * np.float32(gain * REFERENCE)
        left, right = pan(x)
        self.dry[0, first:last] += np.float32(left) * piece
        self.dry[1, first:last] += np.float32(right) * piece
        self.send[first:last] += np.float32(wet) * piece

    def add(self, stereo, gain: float = 1.0, wet: float = 0.3) -> None:
        """Stereo [2, num_samples], rms or peak as it is."""
        self.dry += np.float32(gain) * stereo
        if wet:
            self.send += np.float32(0.5 * gain * wet) * (stereo[0] + stereo[1])

    def add_moving(self, wave, x, gain=1.0, wet: float = 0.6) -> None:
        """Mono [num_samples] whose place x [num_samples] moves."""
        left, right = pan(x)
        self.add(np.stack([wave * left, wave * right]).astype(np.float32), gain, wet)

    def finish(self, room: Room, rng) -> np.ndarray:
        """float32 [2, num_samples] with the room's reverberation, a 5 ms fade at both ends, at most −1 dBFS."""
        out = self.dry
        if room.wet > 0 and self.send.any():
            response = room.response(rng)
            length = scipy.fft.next_fast_len(self.num_samples + response.shape[1], real=True)
            spectrum = scipy.fft.rfft(response, length) * scipy.fft.rfft(self.send, length)
            out = out + np.float32(np.sqrt(room.wet)) * scipy.fft.irfft(spectrum, length)[:, : self.num_samples]
        out = scipy.signal.lfilter([1, -1], [1, -0.998], out.astype(np.float64), axis=1)  # nothing below 14 Hz leaves
        ramp = np.linspace(0, 1, 220, dtype=np.float32)
        out[:, :220] *= ramp
        out[:, -220:] *= ramp[::-1]
        peak = np.abs(out).max()
        return (out * np.float32(CEILING / peak) if peak > CEILING else out).astype(np.float32)


def pan(x):
    """Gains (left, right) of constant power, √2 · (cos, sin), so that the centre has gain 1 in both; |x| beyond 0.9 is held."""
    angle = (np.clip(x, -0.9, 0.9) + 1) * (np.pi / 4)
    return np.sqrt(2) * np.cos(angle), np.sqrt(2) * np.sin(angle)
