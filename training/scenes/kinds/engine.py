"""An engine: its rate turns the wheel, shakes the car and sets the pitch. Standing, speeding up, or passing by with Doppler."""
import numpy as np

from ..draw.matter import grain, ground
from ..scene import FPS
from ..sound import SAMPLE_RATE
from ..sound.noise import bed, frame_times, lowpass, resonance
from ..sound.tone import oscillator, smooth_gate
from .base import Kind, Words, choose, rms, sample_times

SOUND_SPEED = 340.0


class Engine(Kind):
    name = "engine"
    bed = True
    outdoor = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.mode = choose(rng, ("idle", "rev", "pass", "pass"))
        self.idle_hz = rng.uniform(24, 42)  # firing rate
        self.cruise_hz = rng.uniform(50, 110)
        self.place = self.x(rng, 0.6)
        self.direction = choose(rng, (-1, 1))
        self.size = rng.uniform(0.25, 0.4) * (0.6 + 0.4 * stage.half)
        self.ground_y = rng.uniform(-0.75, -0.35)
        self.revs = []  # (start_s, length_s, height) of pushes on the pedal
        if self.mode == "rev":
            time = rng.uniform(0.2, 0.8)
            while time < stage.duration_s - 0.4:
                length = rng.uniform(0.6, 1.5)
                self.revs.append((time, length, rng.uniform(0.5, 1.0)))
                time += length + rng.uniform(0.4, 1.2)
        self.pass_s = stage.duration_s * rng.uniform(0.35, 0.65)
        self.pass_speed = rng.uniform(0.5, 1.1) * 4 / max(stage.duration_s, 2.0)  # picture widths/2 per second
        self.unit_m = rng.uniform(4, 7)
        self.off_m = rng.uniform(2.5, 6)  # distance of the road
        self.harmonics = (
            rng.uniform(0.3, 1, 60) * np.arange(1, 61) ** -rng.uniform(0.7, 1.1) * np.exp(2j * np.pi * rng.random(60))
        )
        self.harmonics[1::2] *= rng.uniform(0.5, 1.2)
        self.use_recordings(rng, "engine")

    def rate(self, times_s):
        """Firing rate in Hz at each time, as the engine itself hears it."""
        times_s = np.asarray(times_s, np.float64)
        if self.mode == "pass":
            return np.full(times_s.shape, self.cruise_hz)
        push = sum(
            (h * smooth_gate(times_s, a, a + 0.55 * n, 0.35 * n, 0.45 * n) for a, n, h in self.revs),
            np.zeros(times_s.shape),
        )
        return self.idle_hz + (self.cruise_hz - self.idle_hz + 20) * push

    def position(self, times_s):
        """x at each time, picture units."""
        times_s = np.asarray(times_s, np.float64)
        if self.mode != "pass":
            return np.full(times_s.shape, self.place)
        return self.stage.centre + self.direction * self.pass_speed * (times_s - self.pass_s)

    def sound(self, rng, mix):
        n = self.stage.num_samples
        t = sample_times(n)
        rate = self.rate(t)
        x = self.position(t)
        level = rms(-20 + 4 * rng.uniform(-1, 1)) * self.level
        if self.mode == "pass":
            away = np.sqrt(self.off_m**2 + (self.unit_m * (x - self.stage.centre)) ** 2)
            closing = -np.gradient(away, 1 / SAMPLE_RATE)
            rate = rate * SOUND_SPEED / (SOUND_SPEED - np.clip(closing, -60, 60))
            gain = (self.off_m / away).astype(np.float32)
            level *= 1.6
        else:
            gain = (0.35 + 0.65 * rate / 130).astype(np.float32)
        knots = np.arange(0, n + 2048, 2048)
        uneven = 1 + 0.02 * np.interp(np.arange(n), knots, rng.standard_normal(len(knots)))
        if self.takes:
            wave = self.bed_take(rng, n).mean(0)
        else:
            tone = oscillator(rate * uneven, self.harmonics, 5000)
            half = oscillator(
                rate * uneven / 2, self.harmonics[:12], 3000
            )  # the cycle of four strokes: every second pulse differs
            load = np.interp(frame_times(n), t[::256], rate[::256])
            hiss = bed(rng, lowpass(500 + 6 * load, 1) + 0.12 * resonance(np.full(len(load), 2200.0), 1.2), n, 0.0)[0]
            wave = 0.8 * tone / tone.std() + 0.4 * half / half.std() + 0.35 * hiss / hiss.std() * (0.6 + 0.4 * tone)
        wave = (wave / wave.std() * gain).astype(np.float32)
        mix.add_moving(wave * level, np.clip(x, -0.9, 0.9).astype(np.float32), 1.0, wet=0.2)

    def draw(self, canvas, style, rng):
        t = canvas.times
        ground(canvas, rng, style, self.stage, self.ground_y)
        s = self.size
        paint, dark = style.colour((0.3, 1.0)), np.full(3, rng.uniform(0.05, 0.2), np.float32)
        rate = self.rate(t)
        tremble = np.random.Generator(np.random.PCG64(int(rng.integers(2**32)))).normal(0, 1, (2, len(t))) * (
            0.006 + 0.014 * rate / 110
        )
        if self.mode == "pass":
            x, y = self.position(t), self.ground_y + 0.2 * s + 0.3 * tremble[1]
            way = self.direction
            canvas.box(x, y + 0.3 * s, s * 1.15, 0.24 * s, paint)
            roof = np.array([(-0.75, 0.5), (0.45, 0.5), (0.2, 0.95), (-0.55, 0.95)]) * s * [way, 1]
            canvas.polygon(roof[None] + np.stack([x, y], -1)[:, None], paint * 0.85)
            window = np.array([(-0.5, 0.55), (0.3, 0.55), (0.12, 0.87), (-0.42, 0.87)]) * s * [way, 1]
            canvas.polygon(window[None] + np.stack([x, y], -1)[:, None], np.array([0.7, 0.85, 0.95]))
            canvas.disc(x + way * 1.1 * s, y + 0.35 * s, 0.08 * s, np.array([1, 1, 0.7]))
            turn = -self.direction * (x - x[0]) * self.direction / (0.27 * s)
            for side in (-0.68, 0.68):
                self._wheel(canvas, x + side * s, self.ground_y + 0.27 * s - 0.05 * s, 0.27 * s, turn, dark, style)
            return
        x, y = self.place + tremble[0], self.ground_y + 0.5 * s + tremble[1]  # a motor with a flywheel
        canvas.box(x, y, 0.95 * s, 0.5 * s, paint, shade=grain(rng, "metal"))
        for k in range(3):
            canvas.box(x + (0.5 * k - 0.5) * s, y + 0.62 * s, 0.17 * s, 0.14 * s, paint * 0.6)
        canvas.line(x - 0.95 * s, y + 0.2 * s, x - 1.3 * s, y + 0.75 * s, 0.12 * s, dark + 0.2)
        for k in range(5):  # exhaust
            age = (np.cumsum(rate) / FPS / 18 + k / 5) % 1
            canvas.disc(
                x - 1.3 * s - 0.3 * s * age,
                y + 0.8 * s + 0.8 * s * age,
                (0.06 + 0.14 * age) * (0.6 + s),
                np.full(3, 0.75),
                alpha=0.45 * (1 - age) * (0.3 + rate / 130),
                soft=0.08,
            )
        turn = -2 * np.pi * np.cumsum(rate) / FPS / 30  # geared down thirty times, to be seen
        self._wheel(canvas, x + 0.45 * s, y - 0.05 * s, 0.5 * s, turn, dark, style)

    def _wheel(self, canvas, x, y, radius, turn, dark, style):
        canvas.disc(x, y, radius, dark)
        canvas.disc(x, y, 0.68 * radius, np.full(3, 0.75))
        for k in range(3):
            a = turn + 2 * np.pi * k / 3
            canvas.line(
                x,
                y,
                x + 0.68 * radius * np.cos(a),
                y + 0.68 * radius * np.sin(a),
                0.22 * radius,
                dark + (0.45 if k == 0 else 0.1),
            )

    def words(self, rng):
        car = choose(rng, ("a car", "a truck" if self.cruise_hz < 70 else "a car", "a vehicle"))
        motor = choose(rng, ("an engine", "a motor", "a machine"))
        way = "to the right" if self.direction > 0 else "to the left"
        clause = {
            "idle": choose(rng, (f"{motor} idles", f"{motor} runs at rest", f"{motor} turns over slowly")),
            "rev": choose(rng, (f"{motor} is revved", f"{motor} speeds up and slows down", f"someone revs {motor}")),
            "pass": choose(rng, (f"{car} drives by", f"{car} passes by", f"{car} drives {way}")),
        }[self.mode]
        sound = {
            "idle": "a low steady rumble",
            "rev": "a growl that rises and falls in pitch",
            "pass": "a drone that swells, falls in pitch and fades",
        }[self.mode]
        seen = f"{car} driving {way}" if self.mode == "pass" else f"{motor} shaking, its wheel turning"
        return Words(clause, seen, sound, ("a siren", "birds"))
