"""What a scene is: events, the stage a source of sound acts on, and the finished clip."""
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .sound import SAMPLE_RATE

FPS = 24
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Event:
    """One sound's onset.

    time_s    seconds, the first sample of the sound
    kind      what happens: bounce, strike, step, knock, ...
    strength  0 … 1, amplitude relative to the loudest of its kind
    x         place from −1 (left) … 1 (right); beyond when outside the picture
    seen_s    seconds at which its cause is seen (lightning: before the sound), None if it is not
    """

    time_s: float
    kind: str
    strength: float
    x: float
    seen_s: float | None

    @property
    def visible(self) -> bool:
        return self.seen_s is not None

    def as_dict(self) -> dict:
        return {
            "time_s": round(self.time_s, 4),
            "kind": self.kind,
            "strength": round(self.strength, 3),
            "x": round(self.x, 3),
            "visible": self.visible,
            "seen_s": None if self.seen_s is None else round(self.seen_s, 4),
        }


@dataclass(frozen=True)
class Stage:
    """Where and for how long a kind acts: the picture is −1 … 1 in x and y (up); a kind keeps to its share of the width."""

    duration_s: float
    split: str
    centre: float = 0.0
    half: float = 1.0
    real: bool = False  # may use recordings

    @property
    def num_samples(self) -> int:
        return round(SAMPLE_RATE * self.duration_s)

    @property
    def num_frames(self) -> int:
        return round(FPS * self.duration_s)

    @property
    def visible(self) -> bool:
        return abs(self.centre) - self.half < 1


@dataclass
class Scene:
    """One clip. `frames` and `audio` are computed when first read and kept.

    frames      uint8 [num_frames, size, size, 3], sRGB, 24 fps
    audio       float32 [2, num_samples], 44.1 kHz
    caption     one short sentence
    cot         two to four sentences: what is seen, when, how it sounds, what must be absent
    events      onsets in order of time
    class_name  the dominant source; `classes` has all
    material    of the dominant source, "none" where it has none
    """

    seed: int
    duration_s: float
    split: str
    size: int
    class_name: str
    classes: tuple
    material: str
    caption: str
    cot: str
    events: list
    real: tuple  # files of the recordings used
    sources: list = field(repr=False)
    room: object = field(repr=False)
    streams: dict = field(repr=False)  # name → SeedSequence

    @property
    def num_samples(self) -> int:
        return round(SAMPLE_RATE * self.duration_s)

    @cached_property
    def audio(self) -> np.ndarray:
        from .compose import mix_down

        return mix_down(self)

    @cached_property
    def frames(self) -> np.ndarray:
        return self.render(self.size)

    def render(self, size: int) -> np.ndarray:
        """Frames of another size, uint8 [num_frames, size, size, 3]."""
        from .compose import paint

        return paint(self, size)

    def as_dict(self) -> dict:
        """Everything but pictures and sound, ready for JSON."""
        return {
            "seed": self.seed,
            "split": self.split,
            "duration_s": self.duration_s,
            "fps": FPS,
            "class": self.class_name,
            "classes": list(self.classes),
            "material": self.material,
            "room": self.room.name,
            "caption": self.caption,
            "cot": self.cot,
            "recordings": list(self.real),
            "events": [e.as_dict() for e in self.events],
        }
