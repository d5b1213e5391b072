"""From log-mel back to sound: one phase for both channels, frame by frame with a look-ahead of three (docs/mel-codec.md).

    y [M, 2·bands] ─ bin_magnitudes ─ a [2, M, bins] ─ common_phase ─ φ [M, bins] ─ overlap-add ─ audio [2, hop·M]

Real-time iterative spectrogram inversion with look-ahead: Zhu, Beauregard and Wyse, "Real-time signal estimation from
modified short-time Fourier transform magnitude spectra", 2007. The reference in float64; the product does the same in
float32, and two phases that differ in their last bits drift apart, so sounds are compared by log-mel distance.
"""
import math

import numpy as np
import scipy.signal
import torch

from twin.mel_codec import FLOOR, MelConfig, band_centres_hz, hz_to_mel

LOOK_AHEAD = 3    # frames after the one being committed that are refined with it
MAX_LOG = 9       # of a magnitude: 78 dB above full scale, so that nothing a network says overflows
CUTOFF_HZ = 5     # below it is offset
LIMIT, RELEASE = 0.965, 0.02  # of full scale: −0.3 dBFS; of what is missing, a hop
WINDOW_SUM = 1.5  # of squared Hann windows a quarter of their length apart


def bin_magnitudes(y: np.ndarray, config: MelConfig = MelConfig()) -> np.ndarray:
    """y [M, 2·bands] → magnitude of every bin, f64 [2, M, n_fft/2 + 1], a full-scale sine 1.

    ln a is interpolated over the mel scale between the centres of the bands, constant below the first; 0 above max_hz, and in
    bin 0, which no band sees.
    """
    logs = (2 * np.asarray(y, np.float64) - 5).reshape(len(y), 2, config.num_bands).transpose(1, 0, 2)
    bins_hz = np.arange(config.n_fft // 2 + 1) * (config.sample_rate / config.n_fft)
    centres = hz_to_mel(band_centres_hz(config)).numpy()
    position = np.interp(hz_to_mel(torch.from_numpy(bins_hz)).numpy(), centres, np.arange(config.num_bands))
    lower = np.minimum(position.astype(int), config.num_bands - 2)
    weight = position - lower
    magnitude = np.exp(np.minimum(logs[..., lower] * (1 - weight) + logs[..., lower + 1] * weight, MAX_LOG)) - FLOOR
    return np.where((bins_hz > 0) & (bins_hz <= config.max_hz), np.maximum(magnitude, 0), 0)


def random_phase(frame: int, num_bins: int) -> np.ndarray:
    """f64 [num_bins] in [0, 2π), a function of frame and bin alone: the finaliser of splitmix64 over frame·2³² + bin."""
    x = (np.uint64(frame) << np.uint64(32)) + np.arange(num_bins, dtype=np.uint64)
    with np.errstate(over="ignore"):
        x = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(40)).astype(np.float64) * (2 * math.pi / 2**24)


def hann(n_fft: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(n_fft) / n_fft)


def overlap_add(frames: np.ndarray, hop: int) -> np.ndarray:
    """[..., M, n] → [..., hop·(M − 1) + n]."""
    num_frames, length = frames.shape[-2:]
    out = np.zeros((*frames.shape[:-2], hop * (num_frames - 1) + length))
    for m in range(num_frames):
        out[..., hop * m : hop * m + length] += frames[..., m, :]
    return out


def phase_of(spectrum: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Unit vectors e^{iφ} of a spectrum; `otherwise` where it is nothing (a sine of amplitude 1e-9 and less)."""
    size = np.abs(spectrum)
    nothing = size <= 1e-9 * 256
    return np.where(nothing, otherwise, spectrum / np.where(nothing, 1, size))


def common_phase(magnitude: np.ndarray, config: MelConfig = MelConfig(), iterations: int = 8) -> np.ndarray:
    """Unit vectors complex [M, bins] for the magnitudes [M, bins], each final once three later frames are known."""
    num_frames, num_bins = magnitude.shape
    n_fft, hop = config.n_fft, config.hop
    window = hann(n_fft)
    raw = magnitude * (n_fft / 4)
    units = np.ones((num_frames, num_bins), complex)
    # What committed frames have left in the span of the pending ones, which begins with the frame to be committed.
    tail = np.zeros(hop * LOOK_AHEAD + n_fft)

    def waves(first, last):
        """Windowed waves of frames first … last − 1 [count, n_fft]."""
        return np.fft.irfft(raw[first:last] * units[first:last], n_fft) * (window / WINDOW_SUM)

    def spectra(signal, count):
        segments = np.lib.stride_tricks.sliding_window_view(signal, n_fft)[::hop][:count]
        return np.fft.rfft(segments * window)

    def span(first, last):
        """What frames first … last − 1 and the committed ones before them add up to."""
        signal = tail.copy()
        if last > first:
            added = overlap_add(waves(first, last), hop)
            signal[: len(added)] += added
        return signal

    def enter(frame, first):
        """The first estimate of a new frame: the phase of what its neighbours already add up to."""
        offset = hop * (frame - first)
        spectrum = np.fft.rfft(span(first, frame)[offset : offset + n_fft] * window)
        units[frame] = phase_of(spectrum, np.exp(1j * random_phase(frame, num_bins)))

    for frame in range(min(LOOK_AHEAD, num_frames)):
        enter(frame, 0)
    for first in range(num_frames):
        last = min(first + LOOK_AHEAD + 1, num_frames)
        if first + LOOK_AHEAD < num_frames:
            enter(first + LOOK_AHEAD, first)
        for _ in range(iterations):
            units[first:last] = phase_of(spectra(span(first, last), last - first), units[first:last])
        tail[:n_fft] += waves(first, first + 1)[0]
        tail = np.concatenate([tail[hop:], np.zeros(hop)])
    return units


def centred(samples: np.ndarray, sample_rate: float) -> np.ndarray:
    """Each channel without its offset: a zero at 0 Hz, −3 dB at CUTOFF_HZ."""
    return scipy.signal.lfilter([1, -1], [1, 2 * math.pi * CUTOFF_HZ / sample_rate - 1], samples)


def limited(samples: np.ndarray, block: int) -> np.ndarray:
    """Sound [2, L] turned down around blocks that pass LIMIT: the gain each needs, given back by RELEASE, joined by lines."""
    blocks = -(-samples.shape[1] // block)
    padded = np.pad(np.abs(samples), ((0, 0), (0, blocks * block - samples.shape[1])))
    held = LIMIT / np.maximum(padded.reshape(2, blocks, block).max((0, 2)), LIMIT)
    for k in range(1, blocks):
        held[k] = min(held[k], held[k - 1] + RELEASE * (1 - held[k - 1]))
    edges = np.minimum(np.concatenate([held[:1], held]), np.concatenate([held, held[-1:]]))
    gain = np.interp(np.arange(samples.shape[1]), np.arange(blocks + 1) * block, edges)
    return samples * gain


def synthesise(y: np.ndarray, config: MelConfig = MelConfig(), iterations: int = 8) -> np.ndarray:
    """Log-mel y [M, 2·bands] → sound f64 [2, hop·M]. At both ends fewer windows overlap, and their sum is less."""
    magnitude = bin_magnitudes(y, config)
    units = common_phase(np.sqrt((magnitude**2).mean(0)), config, iterations)
    window = hann(config.n_fft)
    frames = np.fft.irfft(magnitude * units * (config.n_fft / 4), config.n_fft) * window
    reach = (config.n_fft - config.hop) // 2
    kept = slice(reach, reach + config.hop * len(y))
    sums = overlap_add(np.broadcast_to(window**2, (len(y), config.n_fft)), config.hop)
    return limited(centred(overlap_add(frames, config.hop)[:, kept] / sums[kept], config.sample_rate), config.hop)
