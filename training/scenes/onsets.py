"""Are the sounds where the events are? Onsets by spectral flux, compared with the events of scenes.

    python3 -m scenes.onsets --count 200 --split test        the anchors: true audio above, other clips' events below

Detector   log-mel of 64 bands every 5 ms; flux = rms over the bands of the rise in 10 ms (so narrow tones count); peaks above
           a local median (±0.4 s) plus a margin, at least 50 ms apart. After Böck, Krebs and Schedl, Evaluating the online
           capabilities of onset detection methods, 2012.
Scores     F1 of one-to-one matches within ±60 ms; median absolute error of the matches; lag of the best cross-correlation
           of flux and event track within ±0.5 s. Events fainter than MIN_STRENGTH or closer than 60 ms to a stronger one
           count neither way. Clips without events are left out: they have nothing to be in time with.
"""
import argparse
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.ndimage

from .sound import SAMPLE_RATE

RATE_HZ = 200
HOP = SAMPLE_RATE / RATE_HZ
FFT = 1024
BANDS = 64
TOLERANCE_S = 0.06
MIN_STRENGTH = 0.06
MARGIN = 0.4  # nat of rise above the local median; floor and margin chosen on the val split of 22 x 8 scenes
DELAY_S = -0.001  # of the flux peak, relative to the onset; measured on clicks, tests/training


@lru_cache(maxsize=4)
def mel_bank(bands: int = BANDS, low_hz: float = 40.0, high_hz: float = 16000.0, fft: int = FFT) -> np.ndarray:
    """Triangular filters float32 [bands, fft/2 + 1], evenly spaced on the HTK mel scale, each summing to one."""
    mel = np.linspace(2595 * np.log10(1 + low_hz / 700), 2595 * np.log10(1 + high_hz / 700), bands + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    freqs = np.fft.rfftfreq(fft, 1 / SAMPLE_RATE)
    rising = (freqs - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - freqs) / (edges[2:] - edges[1:-1])[:, None]
    bank = np.clip(np.minimum(rising, falling), 0, None)
    narrow = bank.sum(1) < 1e-6  # a band between two bins takes the nearer one
    bank[narrow, np.abs(freqs[None] - edges[1:-1][narrow, None]).argmin(1)] = 1
    return (bank / bank.sum(1, keepdims=True)).astype(np.float32)


def log_mel(audio) -> np.ndarray:
    """float32 [num_samples · 200 / 44100, 64] of stereo [2, n] or mono [n]: log amplitude, floor −54 dB below full scale."""
    channels = np.atleast_2d(np.asarray(audio, np.float32))
    count = int(channels.shape[1] / HOP) + 1
    starts = np.round(np.arange(count) * HOP).astype(int)
    window = np.hanning(FFT).astype(np.float32)
    total = 0.0
    for channel in channels:
        padded = np.pad(channel, (FFT // 2, FFT))
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[starts] * window
        total = total + np.abs(scipy.fft.rfft(frames)) * np.float32(4 / FFT)
    return np.log(total / len(channels) @ mel_bank().T + np.float32(2e-3))


def flux(mel) -> np.ndarray:
    """Onset strength float32 at 200 Hz of a `log_mel`: root mean square, over the bands, of its positive rise over two frames."""
    mel = scipy.ndimage.maximum_filter1d(mel, 3, axis=1)  # a partial that glides into the next band is no onset
    rise = np.zeros(len(mel), np.float32)
    rise[2:] = np.sqrt(np.square(np.maximum(mel[2:] - mel[:-2], 0)).mean(1))
    return rise


def detect(audio) -> np.ndarray:
    """Onset times in seconds."""
    return peaks(flux(log_mel(audio)))


def peaks(rise) -> np.ndarray:
    """Onset times in seconds, of a `flux`."""
    if not len(rise):
        return np.zeros(0)
    local = scipy.ndimage.median_filter(rise, int(0.8 * RATE_HZ) | 1, mode="nearest")
    peak = scipy.ndimage.maximum_filter1d(rise, int(0.05 * RATE_HZ) | 1, mode="nearest")
    frames = np.flatnonzero((rise == peak) & (rise > local + MARGIN))
    keep = []
    for frame in frames:
        if not keep or frame - keep[-1] >= 0.05 * RATE_HZ:
            keep.append(frame)
    return np.asarray(keep) / RATE_HZ - DELAY_S


def event_times(events) -> np.ndarray:
    """Times of the events that count."""
    kept = []
    for event in sorted(events, key=lambda e: -e.strength):
        if event.strength >= MIN_STRENGTH and all(abs(event.time_s - t) >= TOLERANCE_S for t in kept):
            kept.append(event.time_s)
    return np.sort(np.asarray(kept))


def match(found, wanted, tolerance_s: float = TOLERANCE_S):
    """Signed errors in seconds (found − wanted) of the one-to-one matches, closest pairs first."""
    pairs = sorted(
        (abs(f - w), i, j) for i, f in enumerate(found) for j, w in enumerate(wanted) if abs(f - w) <= tolerance_s
    )
    used_found, used_wanted, errors = set(), set(), []
    for _, i, j in pairs:
        if i not in used_found and j not in used_wanted:
            used_found.add(i)
            used_wanted.add(j)
            errors.append(found[i] - wanted[j])
    return np.asarray(errors)


def lag(audio, events, limit_s: float = 0.5) -> float:
    """Seconds by which the sound's onsets come after the events (positive: late), where the correlation is greatest."""
    return shift(flux(log_mel(audio)), events, limit_s)


def shift(rise, events, limit_s: float = 0.5) -> float:
    """`lag` of a `flux`."""
    rise = rise - rise.mean()
    track = np.zeros(len(rise))
    for time in event_times(events):
        frame = int(round((time + DELAY_S) * RATE_HZ))
        if 0 <= frame < len(track):
            track[frame] = 1
    track = scipy.ndimage.gaussian_filter1d(track, 2.0)
    limit = int(limit_s * RATE_HZ)
    shifts = np.arange(-limit, limit + 1)
    scores = [np.dot(rise[max(0, s) : len(rise) + min(0, s)], track[max(0, -s) : len(track) - max(0, s)]) for s in shifts]
    return float(shifts[int(np.argmax(scores))] / RATE_HZ)


@dataclass(frozen=True)
class Sync:
    """F1 over all onsets of all clips, median absolute error of the matches, median absolute lag of the clips."""

    f1: float
    median_error_s: float
    median_lag_s: float
    clips: int


def score(pairs) -> Sync:
    """Sync of (audio, events) pairs."""
    hits = found = wanted = clips = 0
    errors, lags = [], []
    for audio, events in pairs:
        times = event_times(events)
        if not len(times):
            continue
        onsets = detect(audio)
        matched = match(onsets, times)
        hits, found, wanted, clips = hits + len(matched), found + len(onsets), wanted + len(times), clips + 1
        errors.extend(np.abs(matched))
        lags.append(abs(lag(audio, events)))
    f1 = 2 * hits / (found + wanted) if found + wanted else 0.0
    return Sync(
        f1, float(np.median(errors)) if errors else float("nan"), float(np.median(lags)) if lags else float("nan"), clips
    )


def anchors(scenes):
    """(true, mismatched): the scenes' own audio against their events, and against those of the next scene that has any."""
    timed = [s for s in scenes if len(event_times(s.events))]
    return (
        score([(s.audio, s.events) for s in timed]),
        score([(s.audio, other.events) for s, other in zip(timed, timed[1:] + timed[:1])]),
    )


def main() -> None:
    from .compose import generate
    from .kinds import CLASSES
    from .scene import SPLITS

    parser = argparse.ArgumentParser(prog="python3 -m scenes.onsets", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--alone", action="store_true", help="one source per scene")
    o = parser.parse_args()
    scenes = [
        generate(seed, o.duration, CLASSES[seed % len(CLASSES)], o.split, pictures=False, companions=not o.alone)
        for seed in range(o.count)
    ]
    print(f"{'class':12} {'clips':>5} {'F1':>6} {'error ms':>9} {'lag ms':>7}")
    for name in CLASSES:
        own = score([(s.audio, s.events) for s in scenes if s.class_name == name])
        if own.clips:
            print(f"{name:12} {own.clips:5d} {own.f1:6.3f} {1000 * own.median_error_s:9.1f} {1000 * own.median_lag_s:7.1f}")
    for name, sync in zip(("true", "mismatched"), anchors(scenes)):
        print(f"{name:12} {sync.clips:5d} {sync.f1:6.3f} {1000 * sync.median_error_s:9.1f} {1000 * sync.median_lag_s:7.1f}")


if __name__ == "__main__":
    main()
