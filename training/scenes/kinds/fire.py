"""A fire: brown rustle that follows the flame, and a crack for every spark that flies."""
import numpy as np

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
        self.sparks = []                      # (direction, speed) of each spark
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
            mix.add(crackle * (0.8 * level / (crackle.std() + 1e-9)), wet=0.2)
        for event in self.events:
            crack = contact_noise(rng, rng.uniform(3000, 9000), rng.uniform(0.004, 0.012))
            mix.place(crack, event.time_s, 0.7 * self.level * event.strength, event.x + rng.normal(0, 0.1), wet=0.4)

    def words(self, rng):
        what = choose(rng, ("a campfire", "a bonfire", "a large fire") if self.size > 0.6 else ("a small fire", "a fire", "a campfire"))
        clause = choose(rng, (f"{what} crackles", f"{what} burns and crackles", f"{what} burns, throwing sparks"))
        return Words(clause, f"flames of {what} with flying sparks", "a low rustle with sharp cracks", ("rain", "voices"))
