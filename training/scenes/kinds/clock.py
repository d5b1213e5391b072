"""A clock ticks: a pendulum passing its middle, or a hand that jumps. Even times, tick and tock of two colours."""
import numpy as np

from ..sound.modal import contact_noise, damped_sines
from ..sound import SAMPLE_RATE
from .base import Kind, Words, choose


class Clock(Kind):
    name = "clock"
    outdoor = False

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.pendulum = rng.random() < 0.5
        self.rate_hz = rng.uniform(1.0, 2.2) if self.pendulum else choose(rng, (1.0, 2.0, 4.0)) * rng.uniform(0.95, 1.05)
        self.place = self.x(rng, 0.7)
        self.first_s = rng.uniform(0.05, 1 / self.rate_hz)
        self.direction = choose(rng, (-1, 1))
        strength = rng.uniform(0.25, 0.7)
        for i, time in enumerate(np.arange(self.first_s, stage.duration_s, 1 / self.rate_hz)):
            self.emit(time, "tock" if i % 2 else "tick", strength * (0.85 if i % 2 else 1.0), self.place)
        self.modes = rng.uniform(1300, 5200, 5), rng.uniform(0.015, 0.06, 5), rng.uniform(0.3, 1, 5)
        self.case = rng.uniform(220, 600)
        self.tock = rng.uniform(0.7, 0.92)
        self.use_recordings(rng, "clock")

    def tick(self, rng, ratio: float) -> np.ndarray:
        freqs, t60, amps = self.modes
        n = int(0.12 * SAMPLE_RATE)
        wave = damped_sines(np.append(freqs, self.case) * ratio, np.append(t60, 0.07), np.append(amps, 0.8), n)
        wave /= np.abs(wave).max()
        burst = contact_noise(rng, 8000, 0.002)
        wave[: len(burst)] += 0.5 * burst
        return wave / np.abs(wave).max()

    def sound(self, rng, mix):
        for event in self.events:
            wave = self.take(rng) if self.takes else self.tick(rng, self.tock if event.kind == "tock" else 1.0)
            mix.place(wave, event.time_s, self.level * event.strength, event.x)

    def words(self, rng):
        kind = choose(rng, ("a pendulum clock", "a grandfather clock") if self.pendulum else ("a wall clock", "a clock", "an alarm clock"))
        speed = "quickly" if self.rate_hz > 2.5 else "slowly" if self.rate_hz < 1.2 else "steadily"
        clause = choose(rng, (f"{kind} ticks {speed}", f"{kind} is ticking", f"{kind} ticks"))
        seen = "a pendulum swinging evenly" if self.pendulum else "the hand of a clock jumping forward"
        return Words(clause, seen, "small dry ticks at even distances", ("an alarm", "voices"))
