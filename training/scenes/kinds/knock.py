"""A fist knocks on a door, in groups."""
import numpy as np

from ..draw.matter import block
from ..draw.motion import blows, pulse
from ..draw.style import hsv
from ..sound.modal import MATERIALS, Body
from .base import Kind, Words, choose, rhythm

NUMBER = {1: "one knock", 2: "two knocks", 3: "three knocks", 4: "four knocks", 5: "five knocks", 6: "six knocks"}


class Knock(Kind):
    name = "knock"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("wood", "wood", "wood", "metal", "glass"))
        self.place = self.x(rng, 0.6)
        self.side = choose(rng, (-1, 1))
        self.knock_y = rng.uniform(-0.1, 0.35)
        time = rng.uniform(0.2, 0.9)
        self.count = 0
        while time < stage.duration_s - 0.1:
            size, interval = int(rng.integers(2, 6)), rng.uniform(0.17, 0.36)
            force = rng.uniform(0.35, 1.0)
            for hit in rhythm(rng, time, min(time + size * interval - 0.5 * interval, stage.duration_s), interval, 0.05):
                self.emit(hit, "knock", force * rng.uniform(0.8, 1.0), self.place)
                self.count += 1
            time += size * interval + rng.uniform(0.7, 1.8)
        self.body = Body(rng, self.material, rng.uniform(0.5, 1.0))
        self.panel = Body(rng, "wood" if self.material == "wood" else "skin", 1.0)
        self.use_recordings(rng, f"impact_{self.material}")

    def sound(self, rng, mix):
        for event in self.events:
            if self.takes:
                mix.place(self.take(rng), event.time_s, self.level * event.strength, event.x)
                continue
            mix.place(
                self.body.strike(rng, 0.35 + 0.4 * event.strength), event.time_s, 0.6 * self.level * event.strength, event.x
            )
            mix.place(self.panel.strike(rng, 0.3), event.time_s, 0.6 * self.level * event.strength, event.x)

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = 0.55 + 0.45 * self.stage.half
        hits = [e.time_s for e in self.events]
        shiver = 0.012 * pulse(t, hits, 0.05)
        thick = rng.uniform(0.1, 0.2) * scale
        away = self.side  # the hand comes from this side
        surface = self.place - away * 0.2 * scale
        block(canvas, rng, style, self.material, surface - away * (thick + shiver), rng.uniform(-0.1, 0.1), thick, 0.92)
        canvas.disc(surface - away * thick, self.knock_y - 0.3, 0.05 * scale, np.full(3, 0.85) * style.near(np.ones(3)))
        gap = (
            scale
            * 0.34
            * blows(t, hits, np.array([0.35 + 0.5 * e.strength for e in self.events]), 0.07, rest=0.9, rise_s=0.2)
        )
        skin = hsv(rng.uniform(0.03, 0.1), rng.uniform(0.25, 0.7), rng.uniform(0.3, 0.95))
        r = 0.12 * scale
        x = surface + away * (gap + r)
        y = self.knock_y - 0.25 * gap
        canvas.line(x, y, x + away * 0.9 * scale, y - 0.5 * scale, 0.16 * scale, style.colour())
        canvas.ellipse(x, y, r, 0.9 * r, skin)
        for k in (-0.45, 0.0, 0.45):
            canvas.disc(x - away * 0.75 * r, y + k * r, 0.25 * r, skin * 0.85)

    def words(self, rng):
        m = MATERIALS[self.material]
        door = f"{m.adjective} door" if self.material != "glass" else "glass pane"
        options = [f"someone knocks on a {door}", f"a fist knocks on a {door}", f"a hand raps on a {door}"]
        if self.count in NUMBER:
            options.append(f"{NUMBER[self.count]} sound{'s' if self.count == 1 else ''} on a {door}")
        return Words(
            choose(rng, options),
            f"a fist moving against a {door}",
            f"{choose(rng, m.words)}, in quick groups",
            ("a creaking hinge", "music"),
        )
