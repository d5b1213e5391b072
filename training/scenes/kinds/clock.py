"""A clock ticks: a pendulum passing its middle, or a hand that jumps. Even times, tick and tock of two colours."""
import numpy as np

from ..draw.style import hsv
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
            wave = self.tick(rng, self.tock if event.kind == "tock" else 1.0)
            mix.place(wave, event.time_s, self.level * event.strength, event.x)

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = 0.55 + 0.45 * self.stage.half
        rim, face, hand = (
            style.colour(),
            hsv(rng.random(), rng.uniform(0, 0.2), rng.uniform(0.75, 1.0)),
            np.full(3, rng.uniform(0, 0.25)),
        )
        r = rng.uniform(0.3, 0.6 if not self.pendulum else 0.36) * scale
        y = rng.uniform(-0.2, 0.3) if not self.pendulum else rng.uniform(0.3, 0.55)
        turns = (t - self.first_s) * self.rate_hz  # one per tick
        if self.pendulum:
            canvas.box(self.place, y - 0.55 * scale, 0.75 * r + 0.12 * scale, 0.75 * scale, rim * 0.6)
            canvas.box(self.place, y - 0.7 * scale, 0.65 * r + 0.1 * scale, 0.5 * scale, rim * 0.3)
        canvas.disc(self.place, y, r, rim)
        canvas.disc(self.place, y, 0.86 * r, face)
        for k in range(12):
            a = k * np.pi / 6
            canvas.disc(self.place + 0.72 * r * np.cos(a), y + 0.72 * r * np.sin(a), 0.05 * r, hand)
        if self.pendulum:
            swing = 0.42 * np.sin(np.pi * turns) * self.direction
            length = 0.95 * scale
            bob_x, bob_y = self.place + length * np.sin(swing), y - 0.15 - length * np.cos(swing)
            canvas.line(self.place, y - r, bob_x, bob_y, 0.04 * scale, np.array([0.8, 0.7, 0.4]))
            canvas.disc(bob_x, bob_y, 0.14 * scale, hsv(0.12, rng.uniform(0.2, 0.7), 0.9))
            angle = np.full_like(t, rng.uniform(0, 6.28))
        else:
            step = rng.choice([0.2094, 0.3142, 0.5236])  # rad per jump
            done = np.floor(turns)
            settle = (
                0.25
                * np.exp(-(turns - done) / self.rate_hz / 0.03)
                * np.cos(2 * np.pi * 12 * (turns - done) / self.rate_hz)
            )
            angle = rng.uniform(0, 6.28) - step * (done + 1 - np.where(turns >= 0, settle, 0))
        still = rng.uniform(0, 6.28)
        canvas.line(self.place, y, self.place + 0.45 * r * np.cos(still), y + 0.45 * r * np.sin(still), 0.1 * r, hand)
        canvas.line(
            self.place,
            y,
            self.place + 0.75 * r * np.cos(angle),
            y + 0.75 * r * np.sin(angle),
            0.09 * r,
            hsv(rng.random(), 0.9, rng.uniform(0.3, 0.8)),
        )

    def words(self, rng):
        kind = choose(
            rng,
            ("a pendulum clock", "a grandfather clock") if self.pendulum else ("a wall clock", "a clock", "an alarm clock"),
        )
        speed = "quickly" if self.rate_hz > 2.5 else "slowly" if self.rate_hz < 1.2 else "steadily"
        clause = choose(rng, (f"{kind} ticks {speed}", f"{kind} is ticking", f"{kind} ticks"))
        seen = "a pendulum swinging evenly" if self.pendulum else "the hand of a clock jumping forward"
        return Words(clause, seen, "small dry ticks at even distances", ("an alarm", "voices"))
