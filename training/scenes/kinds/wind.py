"""Wind: one gust curve bends the grass and moves the band of the noise, centre and gain together."""
import numpy as np

from ..draw.canvas import along
from ..draw.style import hsv
from ..scene import FPS
from ..sound.noise import bed, drift, frame_times, lowpass, resonance, tilt
from .base import Kind, Words, choose, rms


class Wind(Kind):
    name = "wind"
    outdoor = True
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.force = rng.random()
        self.period_s = rng.uniform(0.9, 2.5)
        self.seed = int(rng.integers(2**62))
        self.base_hz = rng.uniform(160, 420)
        self.flag = rng.random() < 0.4
        self.whistles = rng.random() < 0.4
        self.use_recordings(rng, "wind")

    def gust(self, times_s):
        """Strength of the wind 0 … 1 at each time."""
        rng = np.random.Generator(np.random.PCG64(self.seed))
        return np.clip(0.25 + 0.45 * self.force + 0.4 * drift(rng, times_s, self.period_s), 0.02, 1)

    def sound(self, rng, mix):
        n = self.stage.num_samples
        gust = self.gust(frame_times(n))
        level = rms(-38 + 16 * self.force) * self.level
        if self.takes:
            mix.add(self.bed_take(rng, n) * (1.5 * level), wet=0)
            return
        shape = resonance(self.base_hz * 2 ** (1.8 * gust), np.full(len(gust), 0.9)) + 0.25 * tilt(-0.6) * lowpass(
            2500.0, 1
        )
        if self.whistles:
            shape = shape + 0.8 * (gust**2)[:, None] * resonance(
                2.6 * self.base_hz * 2 ** (1.2 * gust), np.full(len(gust), 0.12)
            )
        leaves = (
            0.15
            * gust[:, None]
            * resonance(np.full(len(gust), 5000.0), 1.0)
            * (1 + 0.5 * rng.standard_normal((len(gust), 1)))
        )
        noise = bed(rng, (gust**1.3)[:, None] * (shape + leaves), n)
        mix.add(noise * (level / noise.std()), wet=0)

    def draw(self, canvas, style, rng):
        t = canvas.times
        gust = self.gust(t)
        scale = 0.55 + 0.45 * self.stage.half
        side = rng.choice([-1, 1])
        wide = 1.1 if self.stage.half >= 1 else self.stage.half
        grass = hsv(rng.uniform(0.1, 0.4), rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.75))
        floor = rng.uniform(-0.95, -0.75)
        if self.flag:
            pole, top = self.stage.centre - side * 0.55 * wide, rng.uniform(0.5, 0.85)
            canvas.box(pole, (top - 1) / 2, 0.03, (top + 1) / 2, np.full(3, rng.uniform(0.2, 0.8)))
            half_x, half_y = 0.42 * scale, 0.26 * scale
            colour, stripe = style.colour(), style.colour()
            lift = 0.15 + 0.85 * gust  # it hangs when the wind is weak
            phase = 2 * np.pi * np.cumsum(1.0 + 2.5 * gust) / FPS
            droop = (1 - lift) * 0.9

            def distance(dx, dy, f):
                u = (side * dx / half_x + 1) / 2  # 0 at the pole … 1 at the free end
                wave = 0.16 * scale * u * np.sin(9 * u - phase[f, None, None]) * lift[f, None, None]
                v = dy + u * droop[f, None, None] * 0.7 * scale - wave
                return np.maximum(np.abs(v) - half_y, np.abs(dx) - half_x * (0.5 + 0.5 * lift[f, None, None]))

            def shade(dx, dy, f):
                return 1 + 0.3 * np.sin(9 * (side * dx / half_x + 1) / 2 - phase[f, None, None] + 1.2)

            canvas.shape(distance, pole + side * half_x, top - half_y, half_x, half_y + 0.8 * scale, colour, shade=shade)
            canvas.shape(
                lambda dx, dy, f: np.maximum(
                    distance(dx, dy, f),
                    np.abs(dy + (side * dx / half_x + 1) / 2 * droop[f, None, None] * 0.7 * scale) - 0.3 * half_y,
                ),
                pole + side * half_x,
                top - half_y,
                half_x,
                half_y + 0.8 * scale,
                stripe,
                shade=shade,
            )
        count, points = round(46 * wide), max(18, round(18 * canvas.size / 64))
        x0 = self.stage.centre + wide * rng.uniform(-1, 1, count)
        height = rng.uniform(0.3, 0.95 if not self.flag else 0.4, count) * scale
        delay = 0.25 * side * x0
        flutter = (
            0.12
            * np.sin(2 * np.pi * rng.uniform(1.2, 2.2, count) * t[:, None] + rng.uniform(0, 6.28, count))
            * gust[:, None]
        )
        bend = (
            side
            * (0.1 + 1.1 * self.gust(t[:, None].repeat(count, 1).ravel() - np.tile(delay, len(t))).reshape(len(t), count))
            + flutter
        )
        u = (np.arange(points) + 0.5) / points
        x = x0[None, :, None] + height[None, :, None] * (0.8 * bend[..., None] * u**2)
        y = floor + height[None, :, None] * (u - 0.3 * np.minimum(np.abs(bend), 1.2)[..., None] * u**2)
        weight = 0.9 * 18 / points
        canvas.strokes(x.reshape(len(t), -1), y.reshape(len(t), -1), weight, grass)
        canvas.box(self.stage.centre, floor - 0.3, wide + 0.1, 0.32, grass * 0.7)
        leaves = 10
        drift_x = np.cumsum(gust)[:, None] / FPS * rng.uniform(1.0, 2.5, leaves) * side
        lx = (rng.uniform(-1, 1, leaves) + drift_x + 1.1) % 2.2 - 1.1
        ly = rng.uniform(-0.5, 0.8, leaves) + 0.15 * np.sin(5 * drift_x + rng.uniform(0, 6.28, leaves))
        inside = np.abs(lx * (1 if self.stage.half >= 1 else 1) - 0) < 1.1
        fx, fy = along(
            self.stage.centre + self.stage.half * lx - 0.04,
            ly,
            self.stage.centre + self.stage.half * lx + 0.04,
            ly + 0.02,
            6,
        )
        canvas.strokes(fx, fy, inside[..., None].repeat(6, -1).reshape(fx.shape) * 0.9, style.colour())

    def words(self, rng):
        how = "a light breeze" if self.force < 0.33 else "a strong wind" if self.force > 0.66 else "wind"
        clause = choose(
            rng,
            (
                f"{how} blows in gusts",
                f"{how} blows over a field",
                f"{how} moves the grass",
                f"{how} blows through {choose(rng, ('the trees', 'a meadow'))}",
            ),
        )
        return Words(
            clause,
            "a flag fluttering" if self.flag else "grass swaying",
            choose(rng, ("a rising and falling rush of air", "a soft howl that swells and fades")),
            ("rain", "engine noise"),
        )
