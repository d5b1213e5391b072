"""A kettle: steam grows, the whistle starts as breath, glides up and holds with a slight tremble."""
import numpy as np

from ..draw.matter import base_colour, ground
from ..sound.noise import bed, drift, frame_times, highpass, lowpass, resonance
from ..sound.tone import oscillator
from .base import Kind, Words, choose, rms, sample_times


class Whistle(Kind):
    name = "whistle"
    outdoor = False
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.place = self.x(rng, 0.7)
        self.size = rng.uniform(0.24, 0.4) * (0.6 + 0.4 * stage.half)
        self.pitch_hz = rng.uniform(1400, 3000)
        self.start_s = rng.uniform(-1.0, 0.45 * stage.duration_s)
        self.rise_s = rng.uniform(0.5, 1.4)
        self.stop_s = self.start_s + rng.uniform(1.6, 5.0) if rng.random() < 0.35 else stage.duration_s + 2
        self.floor_y = rng.uniform(-0.8, -0.55)
        self.material = "metal"

    def steam(self, times_s):
        """Steam 0 … 1 at each time; the sound follows it."""
        times_s = np.asarray(times_s, np.float64)
        up = np.clip((times_s - self.start_s) / self.rise_s, 0, 1)
        down = np.clip((self.stop_s + 0.6 - times_s) / 0.6, 0, 1)
        return up**1.5 * down

    def sound(self, rng, mix):
        n = self.stage.num_samples
        t = sample_times(n)
        steam = self.steam(t)
        breath = self.steam(frame_times(n))
        freq = (
            self.pitch_hz
            * (0.72 + 0.28 * steam**0.6)
            * (1 + 0.004 * np.sin(2 * np.pi * 5.5 * t) + 0.004 * drift(rng, t[::441], 0.3).repeat(441)[:n])
        )
        tone = oscillator(freq, [1, 0.18, 0.06, 0.02]) * np.clip(steam * 1.6 - 0.25, 0, 1) ** 1.2
        hiss = bed(
            rng,
            breath[:, None]
            * (highpass(1500.0, 1) * lowpass(9000.0, 1) + resonance(np.full(len(breath), self.pitch_hz), 0.3)),
            n,
            0.3,
        )
        level = rms(-17) * self.level
        place = np.full(n, np.clip(self.place, -0.9, 0.9), np.float32)
        mix.add_moving((1.2 * level * tone).astype(np.float32), place, 1.0, wet=0.5)
        mix.add(hiss * (0.16 * level), wet=0.2)

    def draw(self, canvas, style, rng):
        t = canvas.times
        steam = self.steam(t)
        s, floor = self.size, self.floor_y
        ground(canvas, rng, style, self.stage, floor)
        colour, side = base_colour(rng, style, "metal") if rng.random() < 0.5 else style.colour(), rng.choice([-1, 1])
        canvas.box(self.place, floor + 0.08, 0.9 * s, 0.07, np.full(3, 0.2))
        for k in (-0.5, 0.0, 0.5):  # gas flames
            canvas.ellipse(
                self.place + k * s, floor + 0.17, 0.05, 0.05 + 0.015 * np.sin(23 * t + 9 * k), np.array([0.3, 0.5, 1.0])
            )
        base = floor + 0.22
        canvas.ring(self.place, base + 1.25 * s, 0.55 * s, 0.5 * s, 0.09 * s, np.full(3, 0.15))
        canvas.polygon(
            np.array([(0.5, 0.35), (0.55, 0.75), (1.25, 1.15), (1.15, 0.9)]) * s * [side, 1] + [self.place, base],
            colour * 0.85,
        )
        canvas.ellipse(self.place, base + 0.55 * s, 0.85 * s, 0.6 * s, colour, shade=lambda dx, dy, f: 1 + 0.35 * dx / s)
        canvas.disc(self.place, base + 1.17 * s + 0.02 * steam * np.sin(2 * np.pi * 9 * t), 0.1 * s, np.full(3, 0.15))
        tip_x, tip_y = self.place + side * 1.2 * s, base + 1.05 * s
        white = np.full(3, 0.97) if style.bright < 0.75 else np.full(3, 0.55)
        for k in range(9):
            age = (1.1 * t + k / 9) % 1
            born = np.interp(t - age / 1.1, t, steam)
            canvas.disc(
                tip_x + side * 0.5 * s * age + 0.05 * np.sin(7 * age + k),
                tip_y + 1.5 * s * age * (0.6 + 0.4 * born),
                (0.05 + 0.34 * age) * s * 1.4,
                white,
                alpha=0.75 * born * (1 - age) ** 0.7,
                soft=0.06 + 0.1 * s,
            )

    def words(self, rng):
        clause = choose(
            rng,
            (
                "a kettle whistles",
                "a kettle comes to the boil and whistles",
                "steam makes a kettle whistle",
                "a boiling kettle whistles",
            ),
        )
        return Words(
            clause, "a kettle with growing steam", "a high whistle that glides up over hissing steam", ("a siren", "a bird")
        )
