"""Held-out clips: scenes of the test split, whose recordings are of authors that training never heard; one source each."""
import multiprocessing
import os

import scenes
from scenes.scene import Scene

DURATION_S = 4.0
RECORDED_FROM = 100_000  # first seed of the clips that are chosen for their recordings


def _plan(seed: int, class_name: str) -> Scene:
    return scenes.generate(seed, DURATION_S, class_name, "test", companions=False, pictures=False)


def _draw(job):
    scene = _plan(*job)
    return scene.audio, scene.frames


def _finished(jobs, workers: int | None):
    """The scenes of `jobs`, (seed, class name) each, with sound and pictures made by several processes."""
    with multiprocessing.Pool(workers or os.cpu_count()) as pool:
        for job, (audio, frames) in zip(jobs, pool.imap(_draw, jobs, chunksize=2)):
            scene = _plan(*job)
            scene.audio, scene.frames = audio, frames
            yield scene


def held_out(count: int, workers: int | None = None) -> list[Scene]:
    """`count` scenes of 4 s, classes in turn: the first 22 have every class once."""
    return list(_finished([(seed, scenes.CLASSES[seed % len(scenes.CLASSES)]) for seed in range(count)], workers))


def plans(count: int) -> list[Scene]:
    """The scenes of `held_out`; sound and pictures are made when asked for."""
    return [_plan(seed, scenes.CLASSES[seed % len(scenes.CLASSES)]) for seed in range(count)]


def of_class(class_name: str, count: int) -> list[Scene]:
    """The first scenes of a class that `held_out` would have; sound and pictures are made when asked for."""
    first, step = scenes.CLASSES.index(class_name), len(scenes.CLASSES)
    return [_plan(seed, class_name) for seed in range(first, first + count * step, step)]


def recorded(per_class: int, workers: int | None = None) -> list[Scene]:
    """Scenes whose source is a real recording, of every class for which held-out authors left one."""
    jobs = []
    for class_name in scenes.CLASSES:
        seeds = (seed for seed in range(RECORDED_FROM, RECORDED_FROM + 60) if _plan(seed, class_name).real)
        jobs += [(seed, class_name) for seed, _ in zip(seeds, range(per_class))]
    return list(_finished(jobs, workers))


def words_of_another(held: list[Scene]) -> list[tuple[Scene, Scene]]:
    """(picture, words) of each of the first scenes, one a class: the words are those of the class half the list away."""
    first = [scene for scene in held[: len(scenes.CLASSES)] if scene.class_name != "silence"]
    return [(scene, first[(k + len(first) // 2) % len(first)]) for k, scene in enumerate(first)]


def generation_seed(base: int, scene: Scene, variation: int = 0) -> int:
    return base + scene.seed + 1_000_000 * variation
