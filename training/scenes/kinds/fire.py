"""A fire: brown rustle that follows the flame, and a crack for every spark that flies."""
import numpy as np

from ..draw.matter import base_colour, ground
from ..draw.style import hsv
from ..sound.modal import contact_noise
from ..sound.noise import bed, drift, frame_times, grains, lowpass, tilt
from .base import Kind, Words, choose, rms


class Fire(Kind):
    name = "fire"
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.size = rng.uniform(0.2, 1.0)
        self.place = self.x(rng, 0.7)
        self.floor_y = rng.uniform(-0.85, -0.5)
        self.seed = int(rng.integers(2**62))
        rate = rng.uniform(0.6, 3.0)
        times = np.cumsum(rng.exponential(1 / rate, int(4 * rate * stage.duration_s) + 4)) + 0.05
        last = -1.0
        self.sparks = []  # (direction, speed) of each spark
        for time in times[times < stage.duration_s]:
            if time - last > 0.16:
                before = len(self.events)
                self.emit(time, "crack", rng.uniform(0.3, 0.9) * (0.6 + 0.4 * self.size), self.place)
                if len(self.events) > before:
                    self.sparks.append((rng.normal(0, 0.45), rng.uniform(1.2, 2.2)))
                last = time
        self.use_recordings(rng, "fire")

    def flicker(self, times_s):
        """Height of the flame about 1 at each time."""
        rng = np.random.Generator(np.random.PCG64(self.seed))
        return 1 + 0.18 * drift(rng, times_s, 0.22) + 0.12 * drift(rng, times_s, 0.9)

    def sound(self, rng, mix):
        n, duration = self.stage.num_samples, self.stage.duration_s
        times = frame_times(n)
        flicker = self.flicker(times)
        level = rms(-36 + 8 * self.size) * self.level
        if self.takes:
            mix.add(self.bed_take(rng, n) * level, wet=0.1)
        else:
            noise = bed(rng, flicker[:, None] ** 2 * (tilt(-0.75) * lowpass(1800.0, 1) + 0.03), n, 0.7)
            mix.add(noise * (level / noise.std()), wet=0.1)
            crackle = np.zeros((2, n), np.float32)
            for channel in range(2):
                count = rng.poisson((8 + 30 * self.size) * duration)
                bank = [contact_noise(rng, rng.uniform(2500, 9000), rng.uniform(0.001, 0.003)) for _ in range(8)]
                crackle[channel] = grains(rng, rng.uniform(0, duration, count), rng.exponential(1.0, count), bank, n)
            mix.add(crackle * (0.4 * level / (crackle.std() + 1e-9)), wet=0.2)
        for event in self.events:
            crack = contact_noise(rng, rng.uniform(3000, 9000), rng.uniform(0.004, 0.012))
            mix.place(crack, event.time_s, self.level * event.strength, event.x + rng.normal(0, 0.1), wet=0.4)

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = (0.55 + 0.45 * self.stage.half) * (0.5 + 0.5 * self.size)
        ground(canvas, rng, style, self.stage, self.floor_y)
        flicker = self.flicker(t)
        height, width = 1.15 * scale * flicker, 0.36 * scale * (0.9 + 0.1 * flicker)
        canvas.disc(
            self.place,
            self.floor_y + 0.4 * scale,
            1.1 * scale,
            np.array([1.0, 0.5, 0.1]),
            alpha=0.28 * flicker,
            soft=1.0 * scale,
        )
        for angle in (0.25, -0.3):
            canvas.box(
                self.place,
                self.floor_y + 0.05 * scale,
                0.42 * scale,
                0.06 * scale,
                base_colour(rng, style, "wood") * 0.6,
                angle,
            )
        waves = rng.uniform(0, 6.28, 3)
        rate = rng.uniform(9, 14)
        base = self.floor_y

        def flame(part):
            def distance(dx, dy, f):
                v = (dy + 0.5 * height[f, None, None] * part) / (
                    height[f, None, None] * part
                )  # 0 at the foot … 1 at the tip
                inside = np.clip(v, 0, 1)
                tongue = (
                    0.16
                    * scale
                    * inside
                    * (
                        np.sin(6 * inside - rate * t[f, None, None] + waves[0])
                        + 0.6 * np.sin(11 * inside - 1.7 * rate * t[f, None, None] + waves[1])
                    )
                )
                half = width[f, None, None] * part * np.sqrt(np.clip(v * 6, 0, 1)) * (1 - inside) ** 0.7
                return np.maximum(np.abs(dx - tongue) - half, np.maximum(-v, v - 1) * height[f, None, None] * part)

            return distance

        hue = rng.uniform(0.0, 0.06)
        for part, colour, alpha in (
            (1.0, hsv(hue, 0.9, 0.95), 0.85),
            (0.68, hsv(hue + 0.06, 0.85, 1.0), 0.9),
            (0.4, hsv(hue + 0.11, 0.5, 1.0), 0.95),
        ):
            canvas.shape(
                flame(part),
                self.place,
                base + 0.5 * height * part,
                width * part + 0.26 * scale,
                0.55 * height * part,
                colour,
                alpha=alpha,
                soft=0.06,
            )
        for event, (vx, vy) in zip(self.events, self.sparks):
            age = t - event.time_s
            alive = (age >= 0) & (age < 0.55)
            y0 = self.floor_y + 0.45 * scale
            canvas.disc(
                self.place,
                y0,
                0.22 * scale * event.strength,
                np.array([1.0, 0.95, 0.7]),
                alpha=(age >= 0) * np.exp(-np.maximum(age, 0) / 0.05) * 0.9,
                soft=0.1,
            )
            for k in (-0.5, 0.0, 0.6):
                x, y = self.place + (vx + 0.5 * k) * age, y0 + (vy * (1 - 0.25 * abs(k))) * age - 0.7 * age**2
                canvas.disc(
                    x,
                    y,
                    0.035 + 0.02 * event.strength,
                    np.array([1.0, 0.85, 0.35]),
                    alpha=alive * np.clip(1 - age / 0.55, 0, 1),
                )

    def words(self, rng):
        what = choose(
            rng,
            ("a campfire", "a bonfire", "a large fire") if self.size > 0.6 else ("a small fire", "a fire", "a campfire"),
        )
        clause = choose(rng, (f"{what} crackles", f"{what} burns and crackles", f"{what} burns, throwing sparks"))
        return Words(clause, f"flames of {what} with flying sparks", "a low rustle with sharp cracks", ("rain", "voices"))
