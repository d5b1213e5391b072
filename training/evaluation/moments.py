"""Onsets read off a recogniser's probabilities, and how many of a scene's events they find."""
import numpy as np

from evaluation import hearing

TOLERANCE_S = 0.08
APART_S = 0.06      # two onsets are at least that far apart
THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


def peaks(probabilities: np.ndarray, rate_hz: float, threshold: float) -> np.ndarray:
    """Times of the local maxima that reach `threshold`, of [n] probabilities `rate_hz` a second; the higher of two close ones."""
    inner = np.concatenate([[-1], probabilities, [-1]])
    candidates = np.flatnonzero((inner[1:-1] >= threshold) & (inner[1:-1] >= inner[:-2]) & (inner[1:-1] > inner[2:]))
    kept = []
    for at in candidates[np.argsort(-probabilities[candidates], kind="stable")]:
        if all(abs(at - other) >= APART_S * rate_hz for other in kept):
            kept.append(at)
    return (np.sort(np.array(kept, float)) + 0.5) / rate_hz


def f1(probabilities: list, lines: list[dict], rate_hz: float, threshold: float) -> float:
    """Over all clips together, against the events that can be seen."""
    return hearing.f1(((peaks(row, rate_hz, threshold), sorted(event["time_s"] for event in line["events"] if event["visible"]))
                       for row, line in zip(probabilities, lines)), TOLERANCE_S)


def best_f1(probabilities: list, lines: list[dict], rate_hz: float) -> tuple[float, float]:
    """(F1, threshold) of the best of THRESHOLDS."""
    return max((f1(probabilities, lines, rate_hz, threshold), threshold) for threshold in THRESHOLDS)
