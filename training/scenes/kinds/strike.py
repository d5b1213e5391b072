"""A hammer or a stick swings and strikes an object at rest. The farther it is raised, the faster and louder the blow."""
import numpy as np

from ..draw.matter import base_colour, block, ground
from ..draw.motion import blows, pulse
from ..draw.style import hsv
from ..sound.modal import MATERIALS, Body
from .base import Kind, Words, choose, rhythm

OBJECTS = {
    "wood": ("plank", "block"),
    "metal": ("pan", "pipe", "plate"),
    "glass": ("bottle", "jar"),
    "stone": ("stone", "brick"),
    "skin": ("drum",),
}


class Strike(Kind):
    name = "strike"
    SWING_S = 0.09  # from the top of the swing to the contact

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("wood", "metal", "glass", "stone", "skin", "skin"))
        self.object = choose(rng, OBJECTS[self.material])
        self.tool = "stick" if self.material == "skin" else choose(rng, ("hammer", "stick", "mallet"))
        self.size = rng.random()
        self.place = self.x(rng, 0.6)
        self.side = choose(rng, (-1, 1))
        interval = np.exp(rng.uniform(np.log(0.24), np.log(1.3)))
        times = rhythm(rng, rng.uniform(0.15, 0.7), stage.duration_s, interval, choose(rng, (0.02, 0.2)))
        self.lifts = rng.uniform(0.25, 1.0, len(times))
        for time, lift in zip(times, self.lifts):
            self.emit(time, "strike", 0.15 + 0.85 * lift, self.place)
        self.body = Body(rng, self.material, self.size)
        self.use_recordings(rng, f"impact_{self.material}")

    def sound(self, rng, mix):
        for event in self.events:
            mix.place(self.hit(rng, self.body, event.strength), event.time_s, self.level * event.strength, event.x)

    def draw(self, canvas, style, rng):
        t = canvas.times
        hits = [e.time_s for e in self.events]
        scale = 0.55 + 0.45 * self.stage.half
        half = (0.16 + 0.14 * self.size) * scale
        floor = rng.uniform(-0.8, -0.5)
        height = half * rng.uniform(0.5, 1.0)
        ground(canvas, rng, style, self.stage, floor)
        give = 0.03 * scale * pulse(t, hits, 0.06)
        top = floor + 2 * height
        if self.material == "skin":
            canvas.box(self.place, floor + height - give / 2, half, height, base_colour(rng, style, "rubber"))
            canvas.ellipse(self.place, top - give, half, 0.3 * half, hsv(rng.uniform(0.08, 0.14), 0.15, 0.95))
            canvas.ring(self.place, top - give, half, 0.3 * half, 0.03, np.full(3, 0.25))
        else:
            block(canvas, rng, style, self.material, self.place, floor + height - give / 2, half, height)
        lift = 1.15 * blows(t, hits, self.lifts, self.SWING_S, rest=0.25)  # rad above the contact
        length = rng.uniform(0.55, 0.8) * scale
        pivot_x, pivot_y = self.place + self.side * length, top + 0.12 * scale
        lean = np.arcsin(0.12 * scale / length)
        reach = np.sqrt(length**2 + (0.12 * scale) ** 2)
        angle = np.pi + lean - lift if self.side > 0 else -lean + lift
        tip_x, tip_y = pivot_x + reach * np.cos(angle), pivot_y + reach * np.sin(angle)
        wood = base_colour(rng, style, "wood")
        canvas.line(pivot_x, pivot_y, tip_x, tip_y, 0.05 * scale, wood)
        if self.tool != "stick":
            canvas.box(
                tip_x,
                tip_y + 0.05 * scale,
                0.06 * scale,
                0.1 * scale,
                np.full(3, 0.3) if self.tool == "hammer" else wood,
                angle,
            )
        canvas.disc(
            pivot_x, pivot_y, 0.08 * scale, hsv(rng.uniform(0.03, 0.1), rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.95))
        )

    def words(self, rng):
        m = MATERIALS[self.material]
        thing = self.object if self.object in ("drum", "stone", "brick") else f"{m.adjective} {self.object}"
        verb = choose(rng, ("strikes", "hits", "beats on", "strikes"))
        clause = choose(
            rng,
            (
                f"a {self.tool} {verb} a {thing}",
                f"someone {choose(rng, ('hits', 'strikes'))} a {thing} with a {self.tool}",
                f"a {thing} is struck with a {self.tool}",
            ),
        )
        return Words(clause, f"a {self.tool} swinging at a {thing}", choose(rng, m.words), ("footsteps", "engine noise"))
