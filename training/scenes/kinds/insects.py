"""A cricket in the night: wings rub, and each rub is a train of pulses at 4 to 5 kHz; others answer from farther away."""
import numpy as np

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
        gate = np.clip(np.sin(2 * np.pi * self.pulse_hz * t - 0.3) + 0.25, 0, 1) ** 0.7 * np.sin(np.pi * (0.1 + 0.9 * t / length_s)) ** 0.5
        return (oscillator(np.full(n, pitch_hz) * (1 - 0.01 * (t * self.pulse_hz % 1)), [1, 0.08, 0.05]) * gate).astype(np.float32)

    def sound(self, rng, mix):
        for event in self.events:
            mix.place(self.take(rng) if self.takes else self.trill(self.chirp_s, self.pitch_hz), event.time_s, 0.6 * self.level * event.strength, event.x, wet=0.6)
        if self.chorus:
            n = self.stage.num_samples
            far = bed(rng, resonance(np.array(self.pitch_hz * rng.uniform(0.8, 1.1)), 0.06) + 0.5 * resonance(np.array(self.pitch_hz * rng.uniform(0.9, 1.3)), 0.05), n)
            mix.add(far * (rms(-40) * self.level / far.std()), wet=0.2)

    def words(self, rng):
        clause = choose(rng, ("a cricket chirps at night", "crickets chirp in the grass", "an insect trills in the dark", "a cricket sings on a summer night"))
        return Words(clause, "a cricket rubbing its wings in the dark", "high thin trills in even groups", ("birds", "traffic"))
