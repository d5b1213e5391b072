"""Lightning, then thunder: the sound comes later by the distance over 340 m/s, duller the farther it is."""
import numpy as np

from ..draw.canvas import along
from ..draw.style import hsv
from ..sound import SAMPLE_RATE
from ..sound.noise import bed, drift, frame_times, lowpass, tilt
from .base import Kind, Words, choose


class Thunder(Kind):
    name = "thunder"
    outdoor = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.distance_m = rng.uniform(40, 420)
        self.flashes = []
        time = rng.uniform(0.1, 0.8)
        while time < stage.duration_s - 0.8:
            self.flashes.append(time)
            strength = float(np.clip(1.1 - self.distance_m / 600 + rng.uniform(-0.15, 0.1), 0.3, 1))
            self.emit(time + self.distance_m / 340, "thunder", strength, stage.centre, seen_s=time)
            time += rng.uniform(2.2, 3.6)
        self.flash_x = [self.x(rng, 0.3) for _ in self.flashes]
        self.bolt_seed = int(rng.integers(2**62))
        self.use_recordings(rng, "thunder")

    def roll(self, rng, seconds: float) -> np.ndarray:
        """Stereo [2, n]: a crack whose sharpness falls with distance, then several claps rolling off."""
        n = int(seconds * SAMPLE_RATE)
        times = frame_times(n)
        near = np.exp(-self.distance_m / 150)
        claps = np.zeros(len(times))
        for start in np.concatenate([[0], np.sort(rng.exponential(0.5, int(rng.integers(2, 6))))]):
            claps += np.where(times >= start, np.exp(-(times - start) / rng.uniform(0.2, 0.7)), 0) * (
                1.0 if start == 0 else rng.uniform(0.3, 0.8)
            )
        claps *= np.exp(-times / (0.35 * seconds)) * (1 + 0.3 * drift(rng, times, 0.15))
        corner = 110 + 350 * near + (500 + 4000 * near) * np.exp(-times / 0.15)
        noise = bed(rng, claps[:, None] * tilt(-0.9) * lowpass(corner, 1), n, 0.6)
        attack = np.minimum(1, np.arange(n) / (SAMPLE_RATE * (0.005 + 0.04 * (1 - near))))
        noise *= (attack * np.minimum(1, (n - np.arange(n)) / (0.3 * SAMPLE_RATE))).astype(np.float32)
        return noise / np.abs(noise).max()

    def sound(self, rng, mix):
        for event in self.events:
            wave = (
                np.stack([self.take(rng)] * 2)
                if self.takes
                else self.roll(rng, min(rng.uniform(2.5, 4.5), self.stage.duration_s - event.time_s + 1))
            )
            full = np.zeros((2, self.stage.num_samples), np.float32)
            start = round(event.time_s * SAMPLE_RATE)
            n = min(wave.shape[1], full.shape[1] - start)
            full[:, start : start + n] = wave[:, :n]
            mix.add(full, 0.8 * self.level * event.strength, wet=0.4)

    def draw(self, canvas, style, rng):
        t = canvas.times
        sky = hsv(rng.uniform(0.55, 0.8), rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.22))
        canvas.box(0, 0, 1.5, 1.5, sky, alpha=0.88, held=True)
        for _ in range(4):  # clouds
            x, y, r = rng.uniform(-1, 1), rng.uniform(0.3, 1.0), rng.uniform(0.3, 0.6)
            canvas.ellipse(
                x + rng.uniform(-0.03, 0.03) * t,
                y,
                r,
                0.45 * r,
                np.clip(sky * rng.uniform(1.2, 2.2), 0, 1),
                alpha=0.7,
                soft=0.2,
            )
        hill = rng.uniform(-0.8, -0.5)
        canvas.ellipse(rng.uniform(-0.5, 0.5), hill - 0.7, 1.6, 0.75, sky * 0.4)
        near = 1.1 - self.distance_m / 500
        bolts = np.random.Generator(np.random.PCG64(self.bolt_seed))
        for start, x in zip(self.flashes, self.flash_x):
            age = t - start
            glow = np.where(age >= 0, np.exp(-np.maximum(age, 0) / 0.09) + 0.6 * ((age > 0.1) & (age < 0.17)), 0)
            canvas.box(
                0, 0, 1.5, 1.5, np.array([0.85, 0.88, 1.0]), alpha=np.clip((0.4 + 0.5 * near) * glow, 0, 0.95), held=True
            )
            knots = 9
            ys = np.linspace(1.0, hill, knots)
            xs = x + np.cumsum(bolts.normal(0, 0.09, knots))
            points = max(14, round(14 * canvas.size / 64))
            px, py = along(xs[None, :-1], ys[None, :-1], xs[None, 1:], ys[None, 1:], points)
            canvas.strokes(
                px.repeat(len(t), 0),
                py.repeat(len(t), 0),
                1.6 * 14 / points,
                np.array([1.0, 1.0, 0.95]),
                opacity=np.clip(1.3 * glow, 0, 1) * (age < 0.3),
            )

    def words(self, rng):
        far = self.distance_m > 220
        clause = choose(
            rng,
            ("distant thunder rumbles", "far thunder rolls after lightning")
            if far
            else ("thunder cracks after lightning", "lightning strikes and thunder rolls", "loud thunder booms"),
        )
        return Words(
            clause,
            "a flash of lightning in a dark sky",
            "a low rumble that rolls away" if far else "a sharp crack and a deep roll",
            ("birds", "an engine"),
        )
