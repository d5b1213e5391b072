"""Wind: one gust curve bends the grass and moves the band of the noise, centre and gain together."""
import numpy as np

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
        shape = resonance(self.base_hz * 2 ** (1.8 * gust), np.full(len(gust), 0.9)) + 0.25 * tilt(-0.6) * lowpass(2500.0, 1)
        if self.whistles:
            shape = shape + 0.8 * (gust**2)[:, None] * resonance(2.6 * self.base_hz * 2 ** (1.2 * gust), np.full(len(gust), 0.12))
        leaves = 0.15 * gust[:, None] * resonance(np.full(len(gust), 5000.0), 1.0) * (1 + 0.5 * rng.standard_normal((len(gust), 1)))
        noise = bed(rng, (gust**1.3)[:, None] * (shape + leaves), n)
        mix.add(noise * (level / noise.std()), wet=0)

    def words(self, rng):
        how = "a light breeze" if self.force < 0.33 else "a strong wind" if self.force > 0.66 else "wind"
        clause = choose(rng, (f"{how} blows in gusts", f"{how} blows over a field", f"{how} moves the grass", f"{how} blows through {choose(rng, ('the trees', 'a meadow'))}"))
        return Words(clause, "a flag fluttering" if self.flag else "grass swaying", choose(rng, ("a rising and falling rush of air", "a soft howl that swells and fades")),
                     ("rain", "engine noise"))
