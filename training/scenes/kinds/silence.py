"""Nothing sounds: still things, or things that move without touching: a cloud, a turning shape, a falling leaf."""
import numpy as np

from ..draw.matter import ball, block, ground
from ..draw.style import hsv
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

    def draw(self, canvas, style, rng):
        t = canvas.times
        x, y = self.place + self.velocity[0] * t, self.y + self.velocity[1] * t
        r = self.size
        if self.thing in ("ball", "box"):
            floor = rng.uniform(-0.7, -0.3)
            ground(canvas, rng, style, self.stage, floor)
            material = choose(rng, ("wood", "metal", "rubber", "stone", "glass"))
            (ball if self.thing == "ball" else block)(
                canvas, rng, style, material, x, floor + r, np.full_like(t, r), np.full_like(t, r)
            )
        elif self.thing == "cloud":
            for _ in range(5):
                dx, dy, size = rng.uniform(-1, 1) * r, rng.uniform(-0.3, 0.3) * r, rng.uniform(0.5, 1.0) * r
                canvas.ellipse(x + dx, y + dy, size, 0.6 * size, np.full(3, rng.uniform(0.85, 1.0)), alpha=0.7, soft=0.15)
        elif self.thing == "leaf":
            canvas.ellipse(
                x + 0.1 * self.spin * np.sin(1.5 * t), y, r, 0.45 * r, hsv(rng.uniform(0.05, 0.4), 0.7, 0.6), self.spin * t
            )
        else:
            sides = int(rng.integers(3, 7))
            angle = 2 * np.pi * np.arange(sides) / sides + (self.spin * t)[:, None]
            canvas.polygon(np.stack([x[:, None] + r * np.cos(angle), y[:, None] + r * np.sin(angle)], -1), style.colour())

    def words(self, rng):
        what = {
            "ball": "a ball lies still",
            "box": "a box stands still",
            "cloud": "a cloud drifts across the sky",
            "leaf": "a leaf floats in the air",
            "shape": "a shape hovers",
        }[self.thing]
        clause = choose(
            rng, (f"silence while {what}", f"{what} in silence", f"{what} without a sound", f"{what}, nothing is heard")
        )
        return Words(
            clause,
            what.split(" ", 2)[0] + " " + what.split(" ", 2)[1],
            "of nothing at all",
            ("any sound", "noise", "music"),
        )
