"""A saw, file or brush goes back and forth: friction noise gated by its speed, the push louder than the pull."""
import numpy as np

from ..draw.matter import base_colour, block, grain, ground
from ..sound.noise import bed, frame_times, highpass, lowpass, resonance
from .base import Kind, Words, choose, rms, rhythm

TOOLS = {
    "wood": ("saw", "saws"),
    "metal": ("file", "files"),
    "stone": ("block", "scrapes over"),
    "none": ("broom", "sweeps"),
}


class Scrape(Kind):
    name = "scrape"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("wood", "wood", "metal", "stone", "none"))
        self.place = self.x(rng, 0.8)
        self.reach = rng.uniform(0.2, 0.42) * (0.4 + 0.6 * stage.half)
        self.height = rng.uniform(-0.4, 0.1)
        self.stroke_s = rng.uniform(0.24, 0.6)
        self.rest = rng.uniform(0.05, 0.35)  # share of each stroke at rest
        times = rhythm(rng, rng.uniform(0.1, 0.5), stage.duration_s, self.stroke_s, 0.06)
        self.strokes = list(times)
        self.push = choose(rng, (0, 1))
        self.force = rng.uniform(0.4, 1.0)
        for i, time in enumerate(times):
            self.emit(time, "stroke", self.force * (0.8 if i % 2 == self.push else 0.5), self.place)
        self.centre_hz = {"wood": 2200, "metal": 4200, "stone": 1500, "none": 3000}[self.material] * rng.uniform(0.7, 1.4)
        self.teeth_hz = rng.uniform(70, 160)

    def motion(self, times_s):
        """(offset −1 … 1, speed 0 … 1) of the tool at each time: each stroke is fast at once and slows to rest."""
        times_s = np.asarray(times_s, np.float64)
        offset, speed = np.full(times_s.shape, -1.0), np.zeros(times_s.shape)
        for i, start in enumerate(self.strokes):
            length = (self.strokes[i + 1] - start if i + 1 < len(self.strokes) else self.stroke_s) * (1 - self.rest)
            u = np.clip((times_s - start) / length, 0, 1)
            done = u * (2 - u)  # its derivative is the speed, 2 (1 - u)
            direction = 1 if i % 2 == 0 else -1
            after = times_s >= start
            offset = np.where(after, direction * (2 * done - 1), offset)
            speed = np.where(after, np.where(u < 1, 1 - u, 0), speed)
        return offset, speed

    def sound(self, rng, mix):
        n = self.stage.num_samples
        times = np.arange(n, dtype=np.float64)[::32] / 44100
        offset, speed = self.motion(times)
        stroke = np.searchsorted(self.strokes, times, side="right") - 1
        push = np.where(stroke % 2 == self.push, 0.8, 0.5)
        teeth = (
            1 + 0.5 * np.sin(2 * np.pi * self.teeth_hz * np.cumsum(speed) * 32 / 44100)
            if self.material in ("wood", "metal")
            else 1.0
        )
        gate = np.interp(np.arange(n), np.arange(len(times)) * 32, push * np.sqrt(speed) * teeth).astype(np.float32)
        frames_speed = self.motion(frame_times(n))[1]
        shape = resonance(self.centre_hz * (0.75 + 0.5 * frames_speed), np.full(len(frames_speed), 0.7)) + 0.25 * highpass(
            400.0
        ) * lowpass(7000.0, 1)
        noise = bed(rng, shape, n, 0.25)
        wave = noise / noise.std() * gate
        level = rms(-15) * self.level * self.force
        tilt = 0.35 * np.clip(self.place, -1, 1)
        mix.add(wave * np.array([[1 - tilt], [1 + tilt]], np.float32) * level, wet=0.6)

    def draw(self, canvas, style, rng):
        t = canvas.times
        offset, speed = self.motion(t)
        scale = 0.4 + 0.6 * self.stage.half
        x = self.place + self.reach * offset
        y = self.height
        wood = base_colour(rng, style, "wood")
        if self.material == "none":  # a broom on a floor
            ground(canvas, rng, style, self.stage, y - 0.3)
            canvas.line(x + 0.1 * offset, y - 0.15, self.place + 0.3 * x, 1.1, 0.05, wood)
            canvas.box(x, y - 0.2, 0.2 * scale, 0.1, style.colour(), shade=grain(rng, "grass"))
        elif self.material == "stone":  # a block on a floor
            ground(canvas, rng, style, self.stage, y - 0.2)
            block(canvas, rng, style, "stone", x, y - 0.2 + 0.2 * scale, 0.28 * scale, 0.2 * scale)
        else:  # saw or file on a piece held in place
            block(canvas, rng, style, self.material, self.place, y - 0.4, 0.3 * scale, 0.36)
            steel = base_colour(rng, style, "metal")
            canvas.box(x, y + 0.02, 0.6 * scale, 0.075 * (1.3 if self.material == "wood" else 0.6), steel)
            canvas.box(x + 0.68 * scale, y + 0.04, 0.12 * scale, 0.11, wood)
            for k in range(10 if self.material == "wood" else 0):
                canvas.disc(x + (k - 4.5) * 0.125 * scale, y - 0.08, 0.03, steel * 0.5)
        count = 24  # dust, as much as there is speed
        age = (1.7 * t[:, None] + rng.random(count)) % 1
        dust_x = (
            self.place
            + (0.0 if self.material in ("wood", "metal") else 1.0) * (x - self.place)[:, None]
            + rng.normal(0, 0.14, count) * (0.3 + age)
        )
        dust_y = (
            y
            - 0.12
            - 0.5 * age**2 * (1 if self.material in ("wood", "metal") else 0.2)
            + (0.0 if self.material in ("wood", "metal") else -0.1)
        )
        canvas.strokes(
            dust_x,
            dust_y,
            0.8 * speed[:, None] * (1 - age),
            np.clip(wood * 1.2, 0, 1) if self.material != "metal" else np.array([1.0, 0.8, 0.4]),
        )

    def words(self, rng):
        tool, verb = TOOLS[self.material]
        clause = {
            "wood": choose(rng, ("a saw cuts through wood", "someone saws a plank", "a hand saw goes back and forth")),
            "metal": choose(rng, ("a file rasps over metal", "someone files a metal bar")),
            "stone": choose(rng, ("a stone block scrapes over the floor", "stone grinds on stone")),
            "none": choose(rng, ("a broom sweeps the floor", "someone sweeps with a broom")),
        }[self.material]
        return Words(clause, f"a {tool} moving back and forth", "rough friction in even strokes", ("knocking", "an engine"))
