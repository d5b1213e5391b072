"""Water runs: a brook that flows all the time, or a tap that is opened. Flow sets both the streaks' speed and the sound."""
import numpy as np

from ..draw.matter import base_colour
from ..draw.style import hsv
from ..sound.noise import bed, drift, frame_times, grains, highpass, lowpass, resonance
from ..sound.tone import smooth_gate
from .base import Kind, Words, choose, rms
from .drip import bubble


class Stream(Kind):
    name = "stream"
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.tap = rng.random() < 0.5
        self.flow = rng.uniform(0.15, 1.0)
        self.place = self.x(rng, 0.6) if self.tap else stage.centre
        self.gates = [(-1.0, stage.duration_s + 1)]  # (open_s, close_s)
        if self.tap and rng.random() < 0.7:
            self.gates, time = [], rng.uniform(0.2, 1.2)
            while time < stage.duration_s - 0.3:
                stop = time + rng.uniform(0.8, 3.0)
                self.gates.append((time, stop))
                self.emit(time, "pour", 0.3 + 0.4 * self.flow, self.place)
                time = stop + rng.uniform(0.5, 1.2)
        self.ripple = rng.uniform(0, 2 * np.pi, 4)
        self.depth_hz = rng.uniform(350, 1100)

    def open(self, times_s):
        """Share of the flow, 0 … 1, at each time."""
        return np.clip(sum(smooth_gate(times_s, a, b, 0.03, 0.12) for a, b in self.gates), 0, 1)

    def sound(self, rng, mix):
        n, duration = self.stage.num_samples, self.stage.duration_s
        times = frame_times(n)
        gate = self.open(times)
        wobble = 1 + 0.25 * drift(rng, times, 0.5)
        shape = resonance(self.depth_hz * (1 + 0.2 * drift(rng, times, 0.4)), 1.3) + 0.35 * resonance(
            np.full(len(times), 3600.0), 1.2
        )
        level = rms(-31 + 10 * self.flow) * self.level
        hiss = bed(rng, (gate * wobble)[:, None] * shape * highpass(180.0) * lowpass(9000.0), n, 0.4 if self.tap else 0.9)
        hiss *= level / (np.sqrt(np.mean(hiss**2)) / max(gate.mean() ** 0.5, 0.1) + 1e-9)
        mix.add(self.pan(hiss))
        for channel in range(2):  # bubbles, other ones in each ear
            count = rng.poisson((60 + 260 * self.flow) * duration)
            when = rng.uniform(0, duration, count)
            amps = rng.exponential(1.0, count) * np.interp(when, times, gate)
            bank = [bubble(rng, r) for r in np.exp(rng.uniform(np.log(0.0012), np.log(0.006), 10))]
            bubbles = grains(rng, when, amps, bank, n)
            stereo = np.zeros((2, n), np.float32)
            stereo[channel] = bubbles * (1.2 * level / (bubbles.std() / max(gate.mean() ** 0.5, 0.1) + 1e-9))
            mix.add(self.pan(stereo))

    def pan(self, stereo):
        tilt = 0.35 * np.clip(self.place, -1, 1)
        return stereo * np.array([[1 - tilt], [1 + tilt]], np.float32)

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = 0.55 + 0.45 * self.stage.half
        water = hsv(rng.uniform(0.5, 0.62), rng.uniform(0.15, 0.7), rng.uniform(0.4, 0.9))
        speed = 1.0 + 3.0 * self.flow  # picture units per second
        waves = rng.uniform(0.6, 1.6, (5, 2)) * np.array([9.0, 22.0])
        phases = self.ripple[0] + rng.uniform(0, 6.28, 5)
        wide = 1.3 if self.stage.half >= 1 else self.stage.half

        def flowing(along_x: bool):
            def shade(dx, dy, f):
                a, b = (dx, dy) if along_x else (-dy, dx)
                moved = a - speed * t[f, None, None]
                return 1 + 0.08 * sum(np.sin(p * moved + q * b + r) for (p, q), r in zip(waves, phases))

            return shade

        if not self.tap:
            y, half = rng.uniform(-0.5, 0.0), 0.18 + 0.3 * self.flow
            bank = hsv(rng.uniform(0.08, 0.35), rng.uniform(0.2, 0.6), rng.uniform(0.2, 0.6))
            canvas.box(self.stage.centre, y - 0.9, wide, 0.9 + half + 0.05, bank)
            way = rng.choice([-1, 1])
            shade = flowing(True)
            canvas.box(self.stage.centre, y, wide, half, water, shade=lambda dx, dy, f: shade(way * dx, dy, f))
            for _ in range(int(rng.integers(1, 4))):
                x = self.stage.centre + rng.uniform(-0.8, 0.8) * wide
                stone_y = y + rng.uniform(-0.8, 0.8) * half
                canvas.ellipse(x, stone_y, 0.12 * scale, 0.07 * scale, base_colour(rng, style, "stone"))
                canvas.ellipse(
                    x - way * 0.1 * scale,
                    stone_y,
                    0.05 + 0.03 * np.sin(20 * t),
                    0.05,
                    np.full(3, 0.95),
                    alpha=0.5,
                    soft=0.05,
                )
            return
        metal = base_colour(rng, style, "metal")
        top, basin = rng.uniform(0.5, 0.8), rng.uniform(-0.75, -0.5)
        half = (0.04 + 0.09 * self.flow) * scale
        open_at = np.array([self.open(t - 0.0)]).reshape(-1)
        canvas.box(self.place + 0.3 * scale, top + 0.1, 0.35 * scale, 0.07, metal)
        canvas.box(self.place, top + 0.05, half + 0.05, 0.1, metal)
        deep = (basin + 1.4) / 2
        canvas.box(self.stage.centre, basin - deep, wide, deep, style.near(water * 0.8, 0.1))
        canvas.box(
            self.place,
            (top + basin) / 2,
            half * (0.7 + 0.3 * open_at),
            (top - basin) / 2,
            water,
            alpha=0.9 * open_at,
            shade=flowing(False),
        )
        count = 40
        age = (t[:, None] * rng.uniform(1.6, 3.0, count) + rng.random(count)) % 1.0
        direction = rng.normal(0, 0.5 + 0.4 * self.flow, count)
        x = self.place + direction * age * 0.6 * scale
        y = basin + (1.6 * age - 2.0 * age**2) * rng.uniform(0.15, 0.45, count) * (0.5 + self.flow)
        canvas.strokes(x, y, 0.8 * open_at[:, None] * (y > basin), np.minimum(water + 0.35, 1))
        canvas.ellipse(
            self.place,
            basin,
            (0.15 + 0.2 * self.flow) * scale + 0.02 * np.sin(31 * t),
            0.06,
            np.full(3, 0.95),
            alpha=0.7 * open_at,
            soft=0.05,
        )

    def words(self, rng):
        amount = "a little " if self.flow < 0.35 else "a lot of " if self.flow > 0.8 else ""
        if self.tap:
            clause = choose(
                rng,
                (
                    f"{amount}water pours into a basin",
                    f"a tap is opened and {amount}water runs" if len(self.events) else f"{amount}water runs from a tap",
                    f"{amount}water runs into a sink",
                ),
            )
            seen = "a jet of water"
        else:
            clause = choose(
                rng,
                (
                    "a brook flows over stones",
                    "a small stream runs",
                    "a stream of water flows by",
                    "water flows in a creek",
                ),
            )
            seen = "water flowing by"
        return Words(
            clause,
            seen,
            choose(rng, ("a steady splashing with many small bubbles", "bubbling and rushing")),
            ("thunder", "single drops"),
        )
