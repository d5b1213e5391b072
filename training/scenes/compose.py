"""From a seed to a scene: which sources, where, in which room, in which words."""
import hashlib

import numpy as np

from .draw.canvas import Canvas
from .draw.style import Style, background, camera, develop
from .kinds import CLASSES, KINDS
from .kinds.base import choose
from .scene import FPS, SPLITS, Scene, Stage
from .sound.mix import Mix, Room
from .words import describe

TWO_SOURCES, OFF_SCREEN, REAL = 0.2, 0.1, 0.25
BESIDE = tuple(c for c in CLASSES if c not in ("silence", "thunder", "typing"))  # may share the picture
OUTSIDE = ("knock", "bell", "bird", "footsteps", "strike", "drip", "siren", "door")  # may be heard from outside of it


def generator(sequence: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(sequence))


def generate(
    seed: int,
    duration_s: float = 4.0,
    class_name: str | None = None,
    split: str = "train",
    *,
    size: int = 64,
    pictures: bool = True,
    companions: bool = True,
) -> Scene:
    """One scene; the same arguments give the same scene.

    seed        any integer ≥ 0; a seed of one split has nothing in common with the same seed of another
    duration_s  0.5 … 60
    class_name  one of CLASSES, or None for any
    size        pixels of a side, 16 … 512; the same picture, sharper or coarser
    pictures    False: frames are drawn only if asked for
    companions  False: one source only, always in the picture
    Raises ValueError for anything else.
    """
    if split not in SPLITS:
        raise ValueError(f"split is '{split}'; it can be {', '.join(SPLITS)}")
    if class_name is not None and class_name not in KINDS:
        raise ValueError(f"class '{class_name}' is not known; it can be {', '.join(CLASSES)}")
    if not 0.5 <= duration_s <= 60:
        raise ValueError(f"duration_s is {duration_s}; it can be 0.5 to 60")
    if not 16 <= size <= 512:
        raise ValueError(f"size is {size}; it can be 16 to 512")
    if seed < 0:
        raise ValueError(f"seed is {seed}; it can be 0 or more")
    key = f"{split}/{class_name}/{round(duration_s * 1000)}/{companions}"
    salt = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "little")
    names = ("plan", "sound", "room", "picture", "words")
    streams = dict(zip(names, np.random.SeedSequence([seed, salt]).spawn(len(names))))
    rng = generator(streams["plan"])

    first = class_name or choose(rng, CLASSES)
    stages, kinds = [Stage(duration_s, split, real=rng.random() < REAL)], [first]
    draw = rng.random()
    if companions and first != "silence" and draw < TWO_SOURCES + OFF_SCREEN:
        outside = draw >= TWO_SOURCES
        other = choose(rng, [c for c in (OUTSIDE if outside else BESIDE) if c != first])
        kinds.append(other)
        if outside:
            stages.append(Stage(duration_s, split, choose(rng, (-1.8, 1.8)), 0.4, rng.random() < REAL))
        else:
            side = choose(rng, (-0.5, 0.5))
            stages = [
                Stage(duration_s, split, side, 0.5, stages[0].real),
                Stage(duration_s, split, -side, 0.5, rng.random() < REAL),
            ]
    sources = [KINDS[kind](rng, stage) for kind, stage in zip(kinds, stages)]
    for companion in sources[1:]:
        companion.level *= 0.3 if companion.bed else 0.6  # the first one dominates
    room = choose_room(rng, [s.outdoor for s in sources])
    caption, cot = describe(generator(streams["words"]), sources, room)
    events = sorted((e for s in sources for e in s.events), key=lambda e: e.time_s)
    scene = Scene(
        seed,
        duration_s,
        split,
        size,
        first,
        tuple(kinds),
        sources[0].material,
        caption,
        cot,
        events,
        tuple(t.file for s in sources for t in s.takes),
        sources,
        room,
        streams,
    )
    if pictures:
        scene.frames
    return scene


def choose_room(rng, outdoor) -> Room:
    """A room that fits the first source with an opinion."""
    outside = next((o for o in outdoor if o is not None), rng.random() < 0.35)
    if outside:
        return Room(rng.uniform(0.15, 0.5), 10 ** (rng.uniform(-30, -16) / 10), "outdoors")
    t60 = np.exp(rng.uniform(np.log(0.12), np.log(1.2)))
    return Room(
        t60,
        10 ** (rng.uniform(-20, -7) / 10),
        "in a small room" if t60 < 0.25 else "in a room" if t60 < 0.6 else "in a large hall",
    )


def mix_down(scene: Scene) -> np.ndarray:
    """float32 [2, num_samples]."""
    mix = Mix(scene.num_samples)
    rng = generator(scene.streams["sound"])
    for source in scene.sources:
        source.sound(rng, mix)
    return mix.finish(scene.room, generator(scene.streams["room"]))


def paint(scene: Scene, size: int) -> np.ndarray:
    """uint8 [num_frames, size, size, 3]."""
    rng = generator(scene.streams["picture"])
    num_frames = scene.sources[0].stage.num_frames
    canvas = Canvas(num_frames, size, camera(rng, np.arange(num_frames) / FPS))
    style = Style(rng)
    background(rng, style, canvas)
    for source in sorted(scene.sources, key=lambda s: s.bed, reverse=True):  # weather and water behind things
        if source.stage.visible:
            source.draw(canvas, style, rng)
    return develop(rng, canvas)
