"""Rain: as many drops as streaks; light rain is single taps, heavy rain a roar. On a roof each drop rings."""
import numpy as np

from ..draw.canvas import along
from ..draw.matter import base_colour, grain
from ..sound.modal import contact_noise, damped_sines
from ..sound.noise import bed, drift, frame_times, grains, highpass, lowpass, resonance
from .base import Kind, Words, choose, rms

SURFACE = {
    "none": ("the ground", "the street", "a garden"),
    "metal": ("a tin roof", "a metal roof"),
    "wood": ("a wooden deck",),
    "glass": ("a window", "a glass roof"),
}


class Rain(Kind):
    name = "rain"
    outdoor = True
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("none", "none", "none", "metal", "wood", "glass"))
        self.density = rng.random()
        self.change = rng.uniform(-0.6, 0.6) if rng.random() < 0.4 else 0.0  # grows or fades over the clip
        self.slant = rng.uniform(-0.25, 0.25)
        self.use_recordings(rng, "rain_heavy" if self.density > 0.6 else "rain_light")

    def density_at(self, times_s):
        """Rain density 0.03 … 1 at each time."""
        return np.clip(self.density + self.change * (np.asarray(times_s) / self.stage.duration_s - 0.5), 0.03, 1)

    def sound(self, rng, mix):
        n, duration = self.stage.num_samples, self.stage.duration_s
        times = frame_times(n)
        density = self.density_at(times)
        level = rms(-36 + 15 * self.density) * self.level
        if self.takes:
            mix.add(self.bed_take(rng, n) * (1.6 * level), wet=0.2)
            return
        gain = (density / density.mean())[:, None] ** 0.5 * (1 + 0.1 * drift(rng, times, 0.8))[:, None]
        shape = highpass(500.0, 1) * lowpass(rng.uniform(6000, 11000), 1) + 0.6 * resonance(
            np.array(rng.uniform(1800, 4200)), 1.4
        )
        hiss = bed(rng, gain * shape, n)
        mix.add(hiss * (level / hiss.std()), wet=0.2)
        if self.material == "none":
            bank = [contact_noise(rng, rng.uniform(1500, 6000), 0.003) for _ in range(8)]
        else:
            ring = {"metal": (700, 4200, 0.09), "wood": (200, 900, 0.03), "glass": (1500, 5000, 0.05)}[self.material]
            bank = [
                damped_sines(rng.uniform(ring[0], ring[1], 4), np.full(4, ring[2]), rng.uniform(0.3, 1, 4), 3000)
                for _ in range(8)
            ]
        stereo = np.zeros((2, n), np.float32)
        for channel in range(2):
            count = rng.poisson((60 + 900 * self.density) * duration)
            when = rng.uniform(0, duration, count)
            amps = rng.exponential(1.0, count) * np.sqrt(np.interp(when, times, density))
            stereo[channel] = grains(rng, when, amps, bank, n)
        mix.add(stereo * (1.2 * level / (stereo.std() + 1e-9)), wet=0.3)

    def draw(self, canvas, style, rng):
        t = canvas.times
        wide = 1.15 if self.stage.half >= 1 else self.stage.half
        if self.material != "none":
            top = rng.uniform(-0.75, -0.45)
            colour = base_colour(rng, style, self.material)
            canvas.box(self.stage.centre, top - 0.5, wide, 0.5, colour, shade=grain(rng, self.material))
        else:
            top = rng.uniform(-0.95, -0.7)
        density = self.density_at(t)
        count, points = round(170 * min(1.0, self.density + abs(self.change) / 2 + 0.05) * wide), max(
            5, round(7 * canvas.size / 64)
        )
        speed = rng.uniform(2.6, 3.6)
        seeds = rng.random((3, count))
        pitch = 2.3  # streaks come again after falling this far
        fallen = t[:, None] * speed * (0.85 + 0.3 * seeds[0]) + seeds[1] * pitch
        turn = np.floor(fallen / pitch)
        y = 1.15 - fallen % pitch
        x = self.stage.centre + wide * (2 * ((seeds[2] + 0.618 * turn) % 1) - 1) + self.slant * (y - 0.5)
        length = rng.uniform(0.12, 0.24)
        alive = (np.arange(count)[None] < 170 * density[:, None] * wide) & (y - length > top)
        px, py = along(x, y, x - self.slant * length, y - length, points)
        light = np.clip(style.base * 0.3 + (0.75 if style.bright < 0.6 else 0.05), 0, 1)
        canvas.strokes(
            px, py, (alive * rng.uniform(0.3, 0.5) * 7 / points)[..., None].repeat(points, -1).reshape(px.shape), light
        )
        hits = (y - length < top + 0.25) & (np.arange(count)[None] < 170 * density[:, None] * wide)
        sx, sy = along(x - 0.05, np.full_like(y, top), x + 0.05, np.full_like(y, top + 0.02), points)
        canvas.strokes(sx, sy, (hits * 0.3 * 7 / points)[..., None].repeat(points, -1).reshape(sx.shape), light)

    def words(self, rng):
        how = "light" if self.density < 0.33 else "heavy" if self.density > 0.66 else "steady"
        where = choose(rng, SURFACE[self.material])
        clause = choose(
            rng,
            (
                f"{how} rain falls on {where}",
                f"it rains on {where}" if how == "steady" else f"{how} rain patters on {where}",
                f"{how} rain comes down on {where}",
            ),
        )
        return Words(
            clause,
            f"{how} streaks of rain",
            {"light": "scattered soft taps", "steady": "an even patter", "heavy": "a dense roar of drops"}[how],
            ("thunder", "footsteps"),
        )
