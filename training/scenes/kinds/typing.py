"""Fingers type on a keyboard: each key goes down with a click and comes up with a fainter one."""
import numpy as np

from ..draw.motion import blows
from ..draw.style import hsv
from ..sound import SAMPLE_RATE
from ..sound.modal import contact_noise, damped_sines
from .base import Kind, Words, choose, rhythm

ROWS, COLUMNS = 4, 9


class Typing(Kind):
    name = "typing"
    outdoor = False

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.place = stage.centre
        self.fast = rng.random()
        times, start = [], rng.uniform(0.1, 0.5)
        while start < stage.duration_s:
            stop = start + rng.uniform(0.6, 2.4)
            times.extend(rhythm(rng, start, min(stop, stage.duration_s), 1 / (3.2 + 5 * self.fast), 0.25))
            start = stop + rng.uniform(0.25, 0.9)
        self.keys = []  # (row, column) of each stroke
        for time in times:
            space = rng.random() < 0.14
            row, column = (ROWS - 1, COLUMNS // 2) if space else (int(rng.integers(ROWS - 1)), int(rng.integers(COLUMNS)))
            x = stage.centre + stage.half * 0.8 * (column - COLUMNS / 2 + 0.5) / (COLUMNS / 2)
            before = len(self.events)
            self.emit(time, "key", (0.5 if space else 0.32) * rng.uniform(0.75, 1.2), x)
            if len(self.events) > before:
                self.keys.append((row, column))
        self.mode_hz = rng.uniform(900, 2600)
        self.clicky = rng.uniform(0.2, 1.0)

    def stroke(self, rng, deep: bool) -> np.ndarray:
        n = int(0.16 * SAMPLE_RATE)
        out = np.zeros(n, np.float32)
        f = self.mode_hz * (0.6 if deep else 1.0) * rng.uniform(0.92, 1.08)
        thock = damped_sines([f, 1.9 * f, 0.31 * f], [0.035, 0.02, 0.05], [1, 0.5, 0.7], n)
        out += thock / np.abs(thock).max()
        burst = contact_noise(rng, 7000, 0.004)
        out[: len(burst)] += self.clicky * burst
        release = int(rng.uniform(0.07, 0.11) * SAMPLE_RATE)
        up = contact_noise(rng, 5000, 0.003)[: n - release]
        out[release : release + len(up)] += 0.25 * up
        return out / np.abs(out).max()

    def sound(self, rng, mix):
        for event, (row, _) in zip(self.events, self.keys):
            wave = self.stroke(rng, row == ROWS - 1)
            mix.place(wave, event.time_s, self.level * event.strength, 0.4 * event.x + 0.6 * self.place)

    def draw(self, canvas, style, rng):
        t = canvas.times
        case, key = style.colour((0.0, 0.5)), style.colour((0.0, 0.5))
        if abs(case.mean() - key.mean()) < 0.25:
            key = np.clip(case + (0.4 if case.mean() < 0.5 else -0.4), 0, 1)
        middle, half_h = rng.uniform(-0.4, 0.1), rng.uniform(0.34, 0.5)
        wide = 0.9
        canvas.box(self.place, middle, wide + 0.06, half_h + 0.06, case)
        step_x, step_y = 2 * wide / COLUMNS, 2 * half_h / ROWS

        def spot(row, column):
            if row == ROWS - 1:
                return self.place, middle - half_h + 0.5 * step_y, 2.6 * step_x
            return self.place - wide + (column + 0.5) * step_x, middle + half_h - (row + 0.5) * step_y, 0.41 * step_x

        keys = [(row, column) for row in range(ROWS - 1) for column in range(COLUMNS)] + [(ROWS - 1, COLUMNS // 2)]
        for row, column in keys:
            x, y, half_x = spot(row, column)
            canvas.box(x, y, half_x, 0.4 * step_y, key)
        lit = style.near(1 - key, 0.2) if rng.random() < 0.5 else key * 0.55
        for event, (row, column) in zip(self.events, self.keys):
            age = t - event.time_s
            down = ((age >= 0) & (age < 0.1)).astype(np.float32)
            x, y, half_x = spot(row, column)
            canvas.box(x, y, half_x, 0.4 * step_y, case * 0.6, alpha=down)
            canvas.box(x, y - 0.02, 0.9 * half_x, 0.34 * step_y, lit, alpha=down)
        if not self.events:
            return
        skin = hsv(rng.uniform(0.03, 0.1), rng.uniform(0.25, 0.7), rng.uniform(0.3, 0.95))
        hits = [e.time_s for e in self.events]
        height = blows(t, hits, np.full(len(hits), 1.0), 0.05, rest=0.6, rise_s=0.1)
        spots = np.array([spot(*k)[:2] for k in self.keys])
        x, y = np.interp(t, hits, spots[:, 0]), np.interp(t, hits, spots[:, 1])
        canvas.line(x, y - 0.08 + 0.09 * height, x + 0.12, y - 0.55, 0.13, skin)

    def words(self, rng):
        speed = "quickly " if self.fast > 0.7 else "slowly " if self.fast < 0.3 else ""
        clause = choose(
            rng,
            (
                f"someone types {speed}on a keyboard",
                f"fingers type {speed}on a keyboard",
                "keys of a keyboard are pressed",
                "a keyboard clatters",
                "someone writes on a computer keyboard",
            ),
        )
        return Words(
            clause,
            "keys of a keyboard sinking one after another",
            "light plastic clicks in bursts",
            ("voices", "footsteps"),
        )
