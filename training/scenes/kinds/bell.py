"""A bell swings against its clapper, or a bowl is struck: inharmonic partials that ring for seconds."""
import numpy as np

from ..draw.matter import base_colour, grain, ground
from ..draw.motion import blows, pulse
from ..draw.style import hsv
from ..sound import SAMPLE_RATE
from ..sound.modal import contact_noise, damped_sines
from .base import Kind, Words, choose, rhythm

PARTIALS = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.17, 5.43])  # hum, prime, tierce, quint, nominal, ...
T60 = np.array([1.0, 0.75, 0.6, 0.35, 0.45, 0.25, 0.22, 0.2, 0.14, 0.1])


class Bell(Kind):
    name = "bell"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = "metal"
        self.size = rng.random()
        self.bowl = rng.random() < 0.35
        self.place = self.x(rng, 0.7)
        self.prime_hz = 1500 * (260 / 1500) ** self.size * rng.uniform(0.95, 1.05)
        self.period_s = (0.5 + 0.7 * self.size) * rng.uniform(0.9, 1.2) if not self.bowl else rng.uniform(0.8, 2.0)
        times = rhythm(rng, rng.uniform(0.15, 0.8), stage.duration_s, self.period_s, 0.02 if not self.bowl else 0.15)
        self.lifts = rng.uniform(0.45, 1.0, len(times)) if self.bowl else np.full(len(times), rng.uniform(0.5, 1.0))
        for time, lift in zip(times, self.lifts):
            self.emit(time, "ring", lift, self.place)
        self.freqs = self.prime_hz * PARTIALS * rng.normal(1, 0.008, len(PARTIALS))
        self.freqs = np.append(self.freqs, self.freqs[:5] * rng.uniform(1.001, 1.004, 5))
        self.t60 = np.append(T60, T60[:5]) * rng.uniform(2.0, 4.0) * (0.6 + 0.7 * self.size)
        self.amps = rng.uniform(0.4, 1, len(self.freqs))
        keep = self.freqs < 14000
        self.freqs, self.t60, self.amps = self.freqs[keep], self.t60[keep], self.amps[keep]
        self.use_recordings(rng, "bell")

    def sound(self, rng, mix):
        for event in self.events:
            if self.takes:
                mix.place(self.take(rng), event.time_s, 0.8 * self.level * event.strength, event.x)
                continue
            left = int((self.stage.duration_s - event.time_s) * SAMPLE_RATE) + 1
            n = min(left, int(SAMPLE_RATE * self.t60.max()))
            bright = np.exp(-self.freqs / (3000 + 6000 * event.strength))
            wave = damped_sines(self.freqs, self.t60, self.amps * bright * rng.uniform(0.8, 1.2, len(self.freqs)), n)
            wave /= np.abs(wave).max() + 1e-9
            clap = contact_noise(rng, 5000, 0.006)[:n]
            wave[: len(clap)] += 0.25 * clap
            mix.place(wave, event.time_s, 0.65 * self.level * event.strength, event.x)

    def draw(self, canvas, style, rng):
        t = canvas.times
        hits = [e.time_s for e in self.events]
        scale = (0.55 + 0.45 * self.stage.half) * (0.6 + 0.5 * self.size)
        colour = (
            base_colour(rng, style, "metal")
            if rng.random() < 0.5
            else hsv(rng.uniform(0.09, 0.14), rng.uniform(0.5, 0.9), rng.uniform(0.55, 0.95))
        )
        if self.bowl:
            floor = rng.uniform(-0.75, -0.5)
            ground(canvas, rng, style, self.stage, floor)
            r = 0.42 * scale
            tremble = 0.015 * pulse(t, hits, 0.5) * np.sin(2 * np.pi * 8 * t)
            canvas.shape(
                lambda dx, dy, f: np.maximum(np.sqrt(dx * dx + dy * dy) - r, dy),
                self.place + tremble,
                floor + r,
                r,
                r,
                colour,
                shade=grain(rng, "metal"),
            )
            canvas.ellipse(self.place + tremble, floor + r, r, 0.2 * r, colour * 0.5)
            lift = blows(t, hits, self.lifts, 0.12, rest=0.5)
            x, y = self.place + r + 0.08 * scale + 0.3 * scale * lift, floor + 0.9 * r + 0.35 * scale * lift
            canvas.line(x, y, x + 0.5 * scale, y + 0.35 * scale, 0.05 * scale, base_colour(rng, style, "wood"))
            canvas.disc(x, y, 0.09 * scale, style.colour())
            return
        phase = np.interp(t, hits, np.arange(len(hits))) if len(hits) > 1 else np.zeros_like(t)
        if hits:
            phase = np.where(
                t < hits[0],
                (t - hits[0]) / self.period_s,
                np.where(t > hits[-1], len(hits) - 1 + (t - hits[-1]) / self.period_s, phase),
            )
        swing = 0.55 * np.cos(np.pi * phase) * (0.5 + 0.5 * (self.lifts[0] if len(hits) else 0))
        top = rng.uniform(0.45, 0.75)
        h, w = 0.62 * scale, 0.36 * scale

        def turned(u, v):
            return self.place + u * np.cos(swing) - v * np.sin(swing), top + u * np.sin(swing) + v * np.cos(swing)

        canvas.box(self.place, top + 0.05, 0.5 * scale, 0.05, base_colour(rng, style, "wood"))
        canvas.polygon(
            np.stack(
                [
                    np.stack(turned(u, v), -1)
                    for u, v in (
                        (-0.4 * w, 0),
                        (0.4 * w, 0),
                        (0.62 * w, -0.75 * h),
                        (w, -h),
                        (-w, -h),
                        (-0.62 * w, -0.75 * h),
                    )
                ],
                1,
            )[:, [0, 1, 2, 5]],
            colour,
        )
        canvas.polygon(
            np.stack(
                [np.stack(turned(u, v), -1) for u, v in ((0.62 * w, -0.75 * h), (w, -h), (-w, -h), (-0.62 * w, -0.75 * h))],
                1,
            ),
            colour * 1.15,
        )
        # The clapper rests on the rim it struck and flies to the other one just before the next ring.
        last = np.floor(phase + 1e-9)
        flown = np.clip(1 - (last + 1 - phase) * self.period_s / 0.09, 0, 1) ** 2
        cx, cy = turned(0.62 * w * np.where(last % 2 == 0, 1, -1) * (1 - 2 * flown), -1.08 * h)
        canvas.disc(cx, cy, 0.12 * scale, np.full(3, 0.15))

    def words(self, rng):
        size = "small " if self.size < 0.3 else "large " if self.size > 0.7 else ""
        if self.bowl:
            clause = choose(
                rng, (f"a {size}singing bowl is struck", f"a mallet strikes a {size}metal bowl", f"a {size}bowl rings")
            )
        else:
            clause = choose(
                rng, (f"a {size}bell rings", f"a {size}bell swings and tolls", f"a {size}metal bell is ringing")
            )
        return Words(
            clause,
            f"a {size}{'bowl and a mallet' if self.bowl else 'bell swinging to and fro'}",
            choose(rng, ("a clear tone with a long decay", "bright partials that ring on", "metallic and sustained")),
            ("a siren", "voices"),
        )
