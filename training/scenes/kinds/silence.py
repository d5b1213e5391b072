"""Nothing sounds: still things, or things that move without touching: a cloud, a turning shape, a falling leaf."""
import numpy as np

from .base import Kind, Words, choose


class Silence(Kind):
    name = "silence"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.thing = choose(rng, ("ball", "box", "cloud", "leaf", "shape"))
        self.still = self.thing in ("ball", "box") or rng.random() < 0.3
        self.place = self.x(rng, 0.5)
        self.y = rng.uniform(-0.4, 0.5)
        self.velocity = (0.0, 0.0) if self.still else (rng.uniform(-0.25, 0.25), rng.uniform(-0.06, 0.06))
        self.spin = 0.0 if self.still else rng.uniform(-1, 1)
        self.size = rng.uniform(0.12, 0.4)

    def sound(self, rng, mix):
        """Silence is exact: no noise floor."""

    def words(self, rng):
        what = {"ball": "a ball lies still", "box": "a box stands still", "cloud": "a cloud drifts across the sky", "leaf": "a leaf floats in the air",
                "shape": "a shape hovers"}[self.thing]
        clause = choose(rng, (f"silence while {what}", f"{what} in silence", f"{what} without a sound", f"{what}, nothing is heard"))
        return Words(clause, what.split(" ", 2)[0] + " " + what.split(" ", 2)[1], "of nothing at all", ("any sound", "noise", "music"))
