"""A cricket in the night: wings rub, and each rub is a train of pulses at 4 to 5 kHz; others answer from farther away."""
import numpy as np

from ..draw.canvas import along
from ..draw.style import hsv
from ..sound import SAMPLE_RATE
from ..sound.noise import bed, resonance
from ..sound.tone import oscillator
from .base import Kind, Words, choose, rhythm, rms


class Insects(Kind):
    name = "insects"
    outdoor = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.place = self.x(rng, 0.7)
        self.pitch_hz = rng.uniform(3800, 5200)
        self.pulse_hz = rng.uniform(26, 45)
        self.pulses = int(rng.integers(3, 9))
        self.chirp_s = self.pulses / self.pulse_hz
        interval = self.chirp_s + rng.uniform(0.15, 0.7)
        self.ground_y = rng.uniform(-0.7, -0.3)
        for time in rhythm(rng, rng.uniform(0.05, 0.6), stage.duration_s, interval, 0.04):
            self.emit(time, "trill", rng.uniform(0.35, 0.5), self.place)
        self.chorus = rng.random() < 0.6
        self.use_recordings(rng, "insects")

    def trill(self, length_s: float, pitch_hz: float) -> np.ndarray:
        n = int(length_s * SAMPLE_RATE)
        t = np.arange(n) / SAMPLE_RATE
        gate = (
            np.clip(np.sin(2 * np.pi * self.pulse_hz * t - 0.3) + 0.25, 0, 1) ** 0.7
            * np.sin(np.pi * (0.1 + 0.9 * t / length_s)) ** 0.5
        )
        return (oscillator(np.full(n, pitch_hz) * (1 - 0.01 * (t * self.pulse_hz % 1)), [1, 0.08, 0.05]) * gate).astype(
            np.float32
        )

    def sound(self, rng, mix):
        for event in self.events:
            mix.place(
                self.trill(self.chirp_s, self.pitch_hz), event.time_s, 0.9 * self.level * event.strength, event.x, wet=0.6
            )
        if self.takes:  # others of the night, recorded
            mix.add(self.bed_take(rng, self.stage.num_samples), rms(-36) * self.level, wet=0.2)
        elif self.chorus:
            n = self.stage.num_samples
            far = bed(
                rng,
                resonance(np.array(self.pitch_hz * rng.uniform(0.8, 1.1)), 0.06)
                + 0.5 * resonance(np.array(self.pitch_hz * rng.uniform(0.9, 1.3)), 0.05),
                n,
            )
            mix.add(far * (rms(-40) * self.level / far.std()), wet=0.2)

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = 0.5 + 0.5 * self.stage.half
        night = hsv(rng.uniform(0.5, 0.75), rng.uniform(0.2, 0.7), rng.uniform(0.04, 0.2))
        wide = 1.3 if self.stage.half >= 1 else self.stage.half
        canvas.box(self.stage.centre, 0, wide, 1.5, night, alpha=0.9, held=True)
        if rng.random() < 0.6:
            canvas.disc(
                self.stage.centre + rng.uniform(-0.7, 0.7) * wide,
                rng.uniform(0.5, 0.8),
                rng.uniform(0.1, 0.2) * scale,
                np.array([0.95, 0.95, 0.8]),
            )
        canvas.box(self.stage.centre, self.ground_y - 0.5, wide, 0.5, hsv(rng.uniform(0.2, 0.4), 0.6, 0.15))
        count, points = round(24 * wide), max(12, round(12 * canvas.size / 64))
        x0, h = self.stage.centre + wide * rng.uniform(-1, 1, count), rng.uniform(0.1, 0.5, count)
        lean = rng.uniform(-0.3, 0.3, count)
        px, py = along(x0[None], np.full((1, count), self.ground_y), x0[None] + lean * h, self.ground_y + h[None], points)
        canvas.strokes(px.repeat(len(t), 0), py.repeat(len(t), 0), 0.6 * 12 / points, hsv(rng.uniform(0.2, 0.4), 0.6, 0.3))
        sing = np.zeros_like(t)
        for event in self.events:
            sing = np.maximum(sing, (t >= event.time_s) & (t < event.time_s + max(self.chirp_s, 0.08)))
        buzz = sing * (0.5 + 0.5 * np.sin(2 * np.pi * 11 * t))
        colour = hsv(rng.uniform(0.05, 0.4), rng.uniform(0.3, 0.8), rng.uniform(0.5, 0.9))
        side = rng.choice([-1, 1])
        s = rng.uniform(0.5, 0.8) * scale
        x, y = self.place, self.ground_y + 0.16 * s
        for k in (-0.25, 0.1, 0.35):
            canvas.line(x + side * k * s, y, x + side * (k + 0.08) * s, self.ground_y - 0.02, 0.04 * s, colour * 0.6)
        canvas.line(x - side * 0.1 * s, y, x - side * 0.42 * s, y + 0.26 * s, 0.06 * s, colour * 0.7)
        canvas.line(x - side * 0.42 * s, y + 0.26 * s, x - side * 0.5 * s, self.ground_y, 0.05 * s, colour * 0.7)
        canvas.ellipse(x, y, 0.42 * s, 0.13 * s, colour)
        canvas.disc(x + side * 0.42 * s, y + 0.03 * s, 0.12 * s, colour * 0.85)
        canvas.line(x + side * 0.48 * s, y + 0.1 * s, x + side * 0.85 * s, y + 0.35 * s, 0.025 * s, colour)
        tilt = side * (-0.15 - 0.75 * sing - 0.25 * buzz)
        canvas.ellipse(
            x - side * 0.14 * s,
            y + (0.08 + 0.12 * sing) * s,
            0.32 * s,
            0.07 * s,
            np.minimum(colour * 1.4, 1),
            tilt,
            alpha=0.9,
        )

    def words(self, rng):
        clause = choose(
            rng,
            (
                "a cricket chirps at night",
                "crickets chirp in the grass",
                "an insect trills in the dark",
                "a cricket sings on a summer night",
            ),
        )
        return Words(
            clause, "a cricket rubbing its wings in the dark", "high thin trills in even groups", ("birds", "traffic")
        )
