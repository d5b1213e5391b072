"""Drops fall into water. Each entrains a bubble that rings at Minnaert's frequency, 3.26 m/s over its radius, rising a little."""
import numpy as np

from ..draw.matter import base_colour
from ..draw.style import hsv
from ..sound import SAMPLE_RATE
from .base import Kind, Words, choose, rhythm


def bubble(rng, radius_m: float) -> np.ndarray:
    """float32 [n], peak 1, one bubble; decay and rise after van den Doel, Physically based models for liquid sounds, 2005."""
    f = 3.26 / radius_m
    decay = 0.13 / radius_m + 0.0072 * radius_m**-1.5  # 1/s
    n = int(min(0.5, 7 / decay) * SAMPLE_RATE)
    times = np.arange(n) / SAMPLE_RATE
    rise = rng.uniform(0.02, 0.12) * decay
    phase = 2 * np.pi * f * (times + 0.5 * rise * times**2)
    wave = np.sin(phase) * np.exp(-decay * times) * np.minimum(1, times / 0.001)
    return (wave / np.abs(wave).max()).astype(np.float32)


class Drip(Kind):
    name = "drip"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.place = self.x(rng, 0.5)
        self.interval_s = np.exp(rng.uniform(np.log(0.3), np.log(1.3)))
        self.surface_y = rng.uniform(-0.7, -0.4)
        self.tap_y = rng.uniform(0.45, 0.8)
        self.fall_s = rng.uniform(0.3, 0.5)
        times = rhythm(rng, rng.uniform(0.2, 0.8), stage.duration_s, self.interval_s, choose(rng, (0.03, 0.25)))
        self.radius_m = rng.uniform(0.0015, 0.0045)
        self.sizes = rng.uniform(0.75, 1.3, len(times))
        for time, size in zip(times, self.sizes):
            self.emit(time, "drop", 0.5 * size * rng.uniform(0.7, 1.0), self.place)

    def sound(self, rng, mix):
        for event, size in zip(self.events, self.sizes):
            mix.place(bubble(rng, self.radius_m * size), event.time_s, self.level * event.strength, event.x)
            for _ in range(int(rng.integers(1, 4))):
                mix.place(
                    bubble(rng, self.radius_m * rng.uniform(0.4, 0.9)),
                    event.time_s + rng.uniform(0.008, 0.05),
                    0.35 * self.level * event.strength,
                    event.x + rng.normal(0, 0.1),
                )

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = 0.55 + 0.45 * self.stage.half
        water = hsv(rng.uniform(0.5, 0.62), rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.8))
        metal = base_colour(rng, style, "metal")
        wide = 1.3 if self.stage.half >= 1 else self.stage.half
        deep = (self.surface_y + 1.4) / 2
        canvas.box(self.stage.centre, self.surface_y - deep + 0.08, wide, deep, water)
        canvas.box(self.place, self.tap_y + 0.08, 0.07 * scale, 0.12, metal)
        canvas.box(self.place + 0.3 * scale, self.tap_y + 0.15, 0.3 * scale, 0.06, metal)
        drop = np.minimum(water * 1.4 + 0.1, 1) if style.bright < 0.5 else water * 0.6
        height = self.tap_y - 0.05 - self.surface_y
        g = 2 * height / self.fall_s**2
        for event, size in zip(self.events, self.sizes):
            left = event.time_s - t  # seconds to the impact
            r = 0.06 * size * scale
            hanging = np.clip(1 - (left - self.fall_s) / 0.25, 0, 1)
            y = self.tap_y - 0.05 - np.where(left < self.fall_s, g * (self.fall_s - np.maximum(left, 0)) ** 2 / 2, 0)
            stretch = 1 + 0.5 * np.clip((self.fall_s - left) / self.fall_s, 0, 1)
            canvas.ellipse(
                self.place,
                y,
                r * hanging + 1e-3,
                r * stretch * hanging + 1e-3,
                drop,
                alpha=(left > 0) & (left < self.fall_s + 0.25),
            )
            age = np.maximum(-left, 0)
            show = (left <= 0) * np.clip(1 - age / 0.7, 0, 1)
            for lag in (0.0, 0.12):
                grown = np.maximum(age - lag, 0)
                canvas.ring(
                    self.place,
                    self.surface_y,
                    0.03 + 0.75 * scale * grown,
                    0.012 + 0.2 * scale * grown,
                    0.045,
                    np.minimum(water + 0.4, 1),
                    alpha=show * (age >= lag),
                )
            jump = np.maximum(2.2 * age - 8 * age**2, 0) * size
            canvas.ellipse(self.place, self.surface_y + jump, 0.5 * r, 0.7 * r, drop, alpha=(left <= 0) & (age < 0.26))

    def words(self, rng):
        speed = "slowly " if self.interval_s > 0.9 else "quickly " if self.interval_s < 0.45 else ""
        clause = choose(
            rng,
            (
                f"water drips {speed}into a puddle",
                f"drops of water fall {speed}into a basin",
                f"a tap drips {speed}".rstrip(),
                f"single drops fall {speed}into water",
            ),
        )
        return Words(
            clause,
            "drops falling and rings spreading on water",
            "round plops of rising pitch",
            ("a running stream", "rain"),
        )
