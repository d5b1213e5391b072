"""What is heard in one sound: by the judge, by the onset detector, by the meters; and sums over many."""
from dataclasses import dataclass

import numpy as np
import torch

from scenes import onsets, quality
from scenes.classifier import Classifier, summary
from scenes.scene import Scene


@dataclass(frozen=True)
class Heard:
    """Of a sound that belongs to `scene`."""
    scene: Scene
    guess: str            # the judge's class
    logits: np.ndarray    # [classes]
    features: np.ndarray  # [128]
    onsets: np.ndarray    # seconds, detected
    times: np.ndarray     # seconds, the scene's events that count
    lag_s: float          # positive: the sound is late; nan without events
    hygiene: quality.Hygiene

    @property
    def right(self) -> bool:
        return self.guess == self.scene.class_name

    @property
    def clean(self) -> bool:
        return bool(self.hygiene.ok(silent=self.scene.class_name == "silence"))

    @property
    def hits(self) -> int:
        return len(onsets.match(self.onsets, self.times))


@torch.no_grad()
def listen(judge: Classifier, scene: Scene, audio: np.ndarray) -> Heard:
    """Hears `audio` [2, n] against `scene`."""
    hygiene = quality.hygiene(audio)
    if not hygiene.finite:
        audio = np.zeros_like(audio)
    mel = onsets.log_mel(audio)
    rise, times = onsets.flux(mel), onsets.event_times(scene.events)
    features = judge.embed(torch.from_numpy(summary(mel))[None])
    logits = judge.head(features)[0].numpy()
    lag = onsets.shift(rise, scene.events) if len(times) else float("nan")
    return Heard(scene, judge.classes[int(logits.argmax())], logits, features[0].numpy(), onsets.peaks(rise), times, lag, hygiene)


def accuracy(heard) -> float:
    return float(np.mean([one.right for one in heard]))


def timed(heard) -> list[Heard]:
    """Those that have events to be in time with."""
    return [one for one in heard if len(one.times)]


def f1(pairs, tolerance_s: float = onsets.TOLERANCE_S) -> float:
    """Over all onsets of (detected, wanted) pairs, matched one to one within ±`tolerance_s`."""
    pairs = list(pairs)
    hits = sum(len(onsets.match(found, wanted, tolerance_s)) for found, wanted in pairs)
    total = sum(len(found) + len(wanted) for found, wanted in pairs)
    return 2 * hits / total if total else 0.0


def sync_f1(heard) -> float:
    return f1([(one.onsets, one.times) for one in timed(heard)])


def mismatched_f1(heard) -> float:
    """Each sound against the events of the next scene that has any: what comes of chance alone."""
    kept = timed(heard)
    return f1([(one.onsets, other.times) for one, other in zip(kept, kept[1:] + kept[:1])])


def median_error_s(heard) -> float:
    """Of the matched onsets; nan if none matched."""
    errors = np.concatenate([np.abs(onsets.match(one.onsets, one.times)) for one in timed(heard)] or [np.zeros(0)])
    return float(np.median(errors)) if len(errors) else float("nan")


def median_lag_s(heard) -> float:
    return float(np.median([abs(one.lag_s) for one in timed(heard)])) if timed(heard) else float("nan")


def variety(seeds_of_scenes, true) -> float:
    """Spread of the sounds of one condition over that of the true sounds of a class; silence has none."""
    classes = {}
    for one in true:
        classes.setdefault(one.scene.class_name, []).append(one.features)
    spread = [features for name, features in classes.items() if name != "silence" and len(features) > 1]
    return quality.variety([[one.features for one in seeds] for seeds in seeds_of_scenes], spread)
