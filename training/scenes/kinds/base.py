"""What every kind of source shares."""
from dataclasses import dataclass

import numpy as np

from .. import recordings
from ..scene import Event, Stage
from ..sound import SAMPLE_RATE


@dataclass(frozen=True)
class Words:
    """What a kind says of itself.

    clause  a finite clause with its subject: "a wooden ball bounces on the floor"
    seen    what the picture shows, a noun phrase
    sound   how it sounds, a phrase to follow "it sounds"
    absent  sounds that must not be heard
    """

    clause: str
    seen: str
    sound: str
    absent: tuple


class Kind:
    """One source of sound. The constructor draws the plan (geometry, times, speeds) that picture, sound and words share.

    Subclasses define `name`, `sound(rng, mix)`, `draw(canvas, rng)` and `words(rng)`, and fill `events`.
    """

    name = ""
    outdoor: bool | None = None  # None: either
    bed = False  # continuous sound

    def __init__(self, rng: np.random.Generator, stage: Stage):
        self.stage = stage
        self.material = "none"
        self.events: list[Event] = []
        self.takes: list[recordings.Take] = []
        self.level = 10 ** (rng.uniform(-6, 0) / 20)  # distance of the microphone: same picture, somewhat louder or softer

    def emit(self, time_s: float, kind: str, strength: float, x: float, seen_s: float | None = None) -> None:
        """Adds an onset, if it falls inside the clip; its cause is seen at `seen_s`, by default at once, unless outside."""
        if 0 <= time_s < self.stage.duration_s - 0.02:
            seen = time_s if seen_s is None else seen_s
            visible = self.stage.visible and abs(x) < 1.1
            self.events.append(
                Event(float(time_s), kind, float(min(strength, 1)), float(x), float(seen) if visible else None)
            )

    def use_recordings(self, rng, label: str) -> None:
        """Takes a series of recordings of `label` for this clip where the stage asks for real sound and there are some."""
        if self.stage.real:
            self.takes = recordings.family(rng, label, self.stage.split)

    def take(self, rng) -> np.ndarray:
        """One recording of the family, mono float32 [n], peak 1, pitch moved by at most 4 %."""
        chosen = self.takes[rng.integers(len(self.takes))]
        return recordings.stretched(chosen.one_shot(), rng.uniform(0.96, 1.04))

    def bed_take(self, rng, num_samples: int) -> np.ndarray:
        """A recorded ambience, stereo float32 [2, num_samples], rms 1."""
        return self.takes[rng.integers(len(self.takes))].bed(rng, num_samples)

    def hit(self, rng, body, speed: float) -> np.ndarray:
        """A recorded contact where the clip uses recordings, else the body's own; peak 1."""
        return self.take(rng) if self.takes else body.strike(rng, speed)

    def x(self, rng, margin: float = 0.35) -> float:
        """A place inside the kind's share of the picture."""
        room = max(self.stage.half - margin * min(self.stage.half, 0.8), 0.02)
        return self.stage.centre + rng.uniform(-room, room)


def rhythm(rng, start_s: float, stop_s: float, interval_s: float, jitter: float = 0.08) -> np.ndarray:
    """Times from `start_s` up to `stop_s` about `interval_s` apart, each interval off by a share of `jitter`."""
    count = max(1, int((stop_s - start_s) / interval_s * 1.5) + 2)
    steps = interval_s * np.exp(rng.normal(0, jitter, count))
    times = start_s + np.concatenate([[0], np.cumsum(steps)])
    return times[times < stop_s]


def choose(rng, options):
    """One of `options`."""
    return options[int(rng.integers(len(options)))]


def sample_times(num_samples: int) -> np.ndarray:
    """Seconds of each sample, float32 [num_samples]."""
    return np.arange(num_samples, dtype=np.float32) / SAMPLE_RATE


def rms(db: float) -> float:
    """Amplitude of a level in dBFS."""
    return 10 ** (db / 20)
