"""A bird opens its beak and chirps: short sweeps, in songs with pauses."""
import numpy as np

from ..draw.matter import base_colour
from ..draw.style import hsv
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
        self.syllables = [
            (
                rng.uniform(0.06, 0.2),
                rng.uniform(0.75, 1.3),
                rng.uniform(0.7, 1.35),
                rng.choice([0, 0, 25, 45]),
                rng.uniform(0.03, 0.15),
            )
            for _ in range(3)
        ]  # length, start and end pitch ratios, trill Hz, trill depth
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
        freq = (
            self.centre_hz
            * start
            * (stop / start) ** u
            * (1 + depth * np.sin(2 * np.pi * trill_hz * u * length + 1))
            * rng.uniform(0.97, 1.03)
        )
        gate = np.minimum(1, np.minimum(u * length / 0.008, (1 - u) * length / 0.03)) * (0.6 + 0.4 * np.sin(np.pi * u))
        return (oscillator(np.clip(freq, 800, 9500), [1, 0.25, 0.1]) * gate).astype(np.float32)

    def call(self, rng) -> np.ndarray:
        """The first syllable of a recording."""
        wave = self.take(rng)[: int(0.2 * SAMPLE_RATE)].copy()
        fade = len(wave) // 3
        wave[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        return wave / (np.abs(wave).max() + 1e-9)

    def sound(self, rng, mix):
        for event, (which, _) in zip(self.events, self.chirps):
            wave = self.call(rng) if self.takes else self.chirp(rng, which)
            mix.place(wave, event.time_s, 0.6 * self.level * event.strength, event.x, wet=1.5)

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = (0.5 + 0.5 * self.stage.half) * (0.6 + 0.5 * self.size)
        side = rng.choice([-1, 1])
        open_beak = np.zeros_like(t)
        for event, (_, length) in zip(self.events, self.chirps):
            age = t - event.time_s
            open_beak = np.maximum(
                open_beak, ((age >= 0) & (age < max(length, 0.08))) * np.clip(1.2 - age / max(length, 0.08), 0.4, 1)
            )
        branch = base_colour(rng, style, "wood") * 0.7
        wide = 1.2 if self.stage.half >= 1 else self.stage.half
        canvas.line(
            self.stage.centre - wide, self.branch_y - 0.06, self.stage.centre + wide, self.branch_y + 0.04, 0.07, branch
        )
        for _ in range(4):
            canvas.ellipse(
                self.stage.centre + rng.uniform(-wide, wide),
                self.branch_y + rng.uniform(-0.15, 0.15),
                0.12,
                0.06,
                hsv(rng.uniform(0.2, 0.4), 0.6, 0.5),
                rng.uniform(-1, 1),
            )
        feather, breast = style.colour((0.3, 1.0)), style.colour((0.2, 0.9))
        x, y = self.place, self.branch_y + 0.3 * scale + 0.03 * scale * open_beak
        canvas.line(
            x - side * 0.1 * scale, y - 0.1 * scale, x - side * 0.1 * scale, self.branch_y, 0.035 * scale, np.full(3, 0.2)
        )
        canvas.line(x - side * 0.25 * scale, y, x - side * 0.62 * scale, y - 0.16 * scale, 0.13 * scale, feather * 0.7)
        canvas.ellipse(x, y, 0.36 * scale, 0.25 * scale, feather, 0.35 * side)
        canvas.ellipse(x + side * 0.1 * scale, y - 0.06 * scale, 0.22 * scale, 0.17 * scale, breast, 0.35 * side)
        head_x, head_y = x + side * 0.3 * scale, y + (0.24 + 0.05 * open_beak) * scale
        canvas.disc(head_x, head_y, 0.17 * scale, feather)
        canvas.disc(head_x + side * 0.05 * scale, head_y + 0.04 * scale, 0.035 * scale, np.zeros(3))
        beak = np.array([1.0, 0.7, 0.1]) * rng.uniform(0.5, 1.0)
        root = head_x + side * 0.13 * scale
        for sign in (1, -1):
            gape = sign * 0.13 * scale * open_beak
            tip = np.stack([root + side * 0.2 * scale + 0 * t, head_y - 0.02 * scale + gape], -1)
            heel = np.stack([root + 0 * t, head_y + sign * 0.06 * scale + 0 * t], -1)
            inner = np.stack([root + 0 * t, head_y - 0.01 * scale + 0 * t], -1)
            canvas.polygon(np.stack([tip, heel, inner], 1), beak * (1 if sign > 0 else 0.8))
        canvas.disc(root + side * 0.03 * scale, head_y, 0.05 * scale, np.array([0.5, 0.1, 0.1]), alpha=open_beak)

    def words(self, rng):
        size = "small " if self.size < 0.4 else ""
        clause = choose(
            rng,
            (f"a {size}bird chirps", f"a {size}bird sings on a branch", f"a {size}bird tweets", f"a {size}songbird calls"),
        )
        return Words(
            clause,
            f"a {size}bird opening its beak on a branch",
            "short bright sweeps in phrases with pauses",
            ("a whistle", "wind"),
        )
