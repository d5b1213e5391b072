"""A ball or a box falls and bounces. Times from restitution: after an impact at speed v the next comes 2 e v / g later."""
import numpy as np

from ..draw.matter import ball, block, ground
from ..draw.motion import pulse
from ..sound.modal import MATERIALS, Body
from .base import Kind, Words, choose

GRAVITY = 9.81
FLOOR = ("floor", "ground", "table", "tiles")


class Bounce(Kind):
    name = "bounce"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("wood", "metal", "glass", "rubber", "stone"))
        self.size = rng.random()
        self.radius = (0.11 + 0.15 * self.size) * (0.6 + 0.4 * stage.half)
        self.box = rng.random() < 0.3
        self.floor_y = rng.uniform(-0.8, -0.35)
        self.restitution = rng.uniform(*MATERIALS[self.material].restitution)
        view_m = rng.uniform(0.9, 2.6)  # metres from floor to top of the picture
        self.unit_m = view_m / (1 - self.floor_y)  # metres per picture unit
        self.flights = []  # (start_s, x, vx, height, vy) pieces between impacts, picture units
        self._drop(rng, rng.uniform(0.0, 0.35) * min(1.0, stage.duration_s / 4))
        self.body = Body(rng, self.material, self.size)
        self.use_recordings(rng, f"impact_{self.material}")

    def _drop(self, rng, start_s: float) -> None:
        g = GRAVITY / self.unit_m
        height = rng.uniform(0.55, 1.0) * (1 - self.floor_y) - self.radius * rng.uniform(-1.5, 1)
        height = max(height - self.radius, 0.5)
        x = self.x(rng)
        aim = self.x(rng)
        full = np.sqrt(2 * GRAVITY * 2.2)  # impact speed, m/s, that counts as strength 1
        fall = np.sqrt(2 * height / g)
        vx = (aim - x) / (fall * 4)
        self.flights.append((start_s, x, 0.0, height, 0.0))
        self.hold_s = start_s
        time, v = start_s + fall, np.sqrt(2 * g * height)
        while time < self.stage.duration_s:
            strength = v * self.unit_m / full
            if strength < 0.03:
                break
            self.emit(time, "bounce", strength, x)
            v *= self.restitution * rng.uniform(0.94, 1.04)
            self.flights.append((time, x, vx, 0.0, v))
            flight = 2 * v / g
            x += vx * flight
            vx *= 0.85
            time += flight
        self.flights.append((time, x, 0.0, 0.0, 0.0))

    def sound(self, rng, mix):
        for event in self.events:
            mix.place(self.hit(rng, self.body, event.strength), event.time_s, self.level * event.strength**0.8, event.x)

    def path(self, times_s):
        """Centre x and height above the floor at each time, picture units."""
        g = GRAVITY / self.unit_m
        starts = np.array([f[0] for f in self.flights])
        piece = np.maximum(np.searchsorted(starts, times_s, side="right") - 1, 0)
        start, x, vx, height, v = (np.array(column)[piece] for column in zip(*self.flights))
        age = np.maximum(np.asarray(times_s) - start, 0)
        return x + vx * age, np.maximum(height + v * age - g * age * age / 2, 0)

    def draw(self, canvas, style, rng):
        x, height = self.path(canvas.times)
        ground(canvas, rng, style, self.stage, self.floor_y)
        r = self.radius
        impact = pulse(canvas.times, [e.time_s for e in self.events], 0.05) * np.interp(
            canvas.times, [e.time_s for e in self.events] or [0], [e.strength for e in self.events] or [0]
        )
        squash = 1 - (0.35 if self.material == "rubber" else 0.12) * impact
        near = np.clip(1 - height / 1.2, 0, 1)
        canvas.ellipse(
            x,
            self.floor_y - 0.02,
            r * (0.6 + 0.5 * near),
            0.03 + 0.02 * near,
            np.zeros(3),
            alpha=0.15 + 0.35 * near,
            soft=0.06,
        )
        y = self.floor_y + height + r * squash
        if self.box:
            block(canvas, rng, style, self.material, x, y, r / squash, r * squash)
        else:
            ball(canvas, rng, style, self.material, x, y, r / squash, r * squash)

    def words(self, rng):
        m = MATERIALS[self.material]
        size = "small " if self.size < 0.25 else "large " if self.size > 0.75 else ""
        thing = "box" if self.box else "ball"
        floor = choose(rng, FLOOR)
        verb = choose(
            rng,
            (
                "bounces on the {f}",
                "falls and bounces on the {f}",
                "drops onto the {f}",
                "is dropped on the {f} and bounces",
                "hits the {f} and bounces to rest",
            ),
        ).format(f=floor)
        return Words(
            f"a {size}{m.adjective} {thing} {verb}",
            f"a {size}{m.adjective} {thing} falling to the {floor}",
            f"{choose(rng, m.words)}, each bounce softer than the one before",
            ("footsteps", "breaking glass"),
        )
