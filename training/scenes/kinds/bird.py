"""A bird opens its beak and chirps: short sweeps, in songs with pauses."""
import numpy as np

from ..sound import SAMPLE_RATE
from ..sound.tone import oscillator
from .base import Kind, Words, choose, rhythm


class Bird(Kind):
    name = "bird"
    outdoor = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.place = self.x(rng, 0.7)
        self.size = rng.random()
        self.branch_y = rng.uniform(-0.5, 0.1)
        self.centre_hz = 6000 * (2000 / 6000) ** self.size
        self.syllables = [(rng.uniform(0.06, 0.2), rng.uniform(0.75, 1.3), rng.uniform(0.7, 1.35), rng.choice([0, 0, 25, 45]), rng.uniform(0.03, 0.15))
                          for _ in range(3)]        # length, start and end pitch ratios, trill Hz, trill depth
        self.chirps = []
        time = rng.uniform(0.1, 0.7)
        while time < stage.duration_s - 0.1:
            count = int(rng.integers(1, 7))
            interval = rng.uniform(0.17, 0.34)
            which = int(rng.integers(3))
            for at in rhythm(rng, time, min(time + (count - 0.5) * interval, stage.duration_s), interval, 0.06):
                which = which if rng.random() < 0.7 else int(rng.integers(3))
                before = len(self.events)
                self.emit(at, "chirp", rng.uniform(0.35, 0.8), self.place)
                if len(self.events) > before:
                    self.chirps.append((which, self.syllables[which][0]))
            time += count * interval + rng.uniform(0.4, 1.5)
        self.use_recordings(rng, "bird")

    def chirp(self, rng, which: int) -> np.ndarray:
        length, start, stop, trill_hz, depth = self.syllables[which]
        n = int(length * SAMPLE_RATE)
        u = np.arange(n) / n
        freq = self.centre_hz * start * (stop / start) ** u * (1 + depth * np.sin(2 * np.pi * trill_hz * u * length + 1)) * rng.uniform(0.97, 1.03)
        gate = np.minimum(1, np.minimum(u * length / 0.008, (1 - u) * length / 0.03)) * (0.6 + 0.4 * np.sin(np.pi * u))
        return (oscillator(np.clip(freq, 800, 9500), [1, 0.25, 0.1]) * gate).astype(np.float32)

    def sound(self, rng, mix):
        for event, (which, _) in zip(self.events, self.chirps):
            mix.place(self.take(rng) if self.takes else self.chirp(rng, which), event.time_s, 0.6 * self.level * event.strength, event.x, wet=1.5)

    def words(self, rng):
        size = "small " if self.size < 0.4 else ""
        clause = choose(rng, (f"a {size}bird chirps", f"a {size}bird sings on a branch", f"a {size}bird tweets", f"a {size}songbird calls"))
        return Words(clause, f"a {size}bird opening its beak on a branch", "short bright sweeps in phrases with pauses", ("a whistle", "wind"))
