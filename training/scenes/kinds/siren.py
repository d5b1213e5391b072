"""A siren: the light blinks in the rhythm of the tone. Two-tone (hi-lo), wail or yelp."""
import numpy as np

from ..draw.matter import ground
from ..sound.tone import oscillator
from .base import Kind, Words, choose, rms, sample_times


class Siren(Kind):
    name = "siren"
    outdoor = True
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.mode = choose(rng, ("two-tone", "two-tone", "wail", "yelp"))
        self.period_s = {"two-tone": rng.uniform(0.7, 1.4), "wail": rng.uniform(1.8, 3.2), "yelp": rng.uniform(0.25, 0.45)}[
            self.mode
        ]
        self.phase = rng.random()
        self.low_hz = rng.uniform(390, 650)
        self.high_hz = self.low_hz * (rng.uniform(1.25, 1.4) if self.mode == "two-tone" else rng.uniform(1.7, 2.3))
        self.place, self.speed = self.x(rng, 0.5), 0.0
        if rng.random() < 0.4 and stage.half > 0.7:
            self.speed = rng.uniform(0.15, 0.45) * choose(rng, (-1, 1))
        self.colours = choose(rng, (("blue", "blue"), ("blue", "red"), ("red", "red"), ("amber", "amber")))
        self.harmonics = np.array([1, 0.5, 0.6, 0.3, 0.3, 0.15, 0.12]) * rng.uniform(0.6, 1.4, 7)
        if self.mode == "two-tone":
            first = (1 - 2 * self.phase) % 1 / 2 * self.period_s
            for time in np.arange(first, stage.duration_s, self.period_s / 2):
                if time > 0.05:
                    self.emit(time, "tone", 0.5, float(self.position(time)))

    def turn(self, times_s):
        """Phase of the cycle 0 … 1 at each time: the first half is one tone and one lamp."""
        return (np.asarray(times_s, np.float64) / self.period_s + self.phase) % 1

    def position(self, times_s):
        return self.place + self.speed * (np.asarray(times_s) - self.stage.duration_s / 2)

    def sound(self, rng, mix):
        n = self.stage.num_samples
        t = sample_times(n)
        turn = self.turn(t)
        if self.mode == "two-tone":
            freq = np.where(turn < 0.5, self.high_hz, self.low_hz)
        else:
            rise = 0.5 - 0.5 * np.cos(2 * np.pi * turn)
            freq = self.low_hz * (self.high_hz / self.low_hz) ** rise
        wave = oscillator(freq, self.harmonics, 9000)
        level = rms(-19) * self.level
        mix.add_moving(
            wave / wave.std() * np.float32(level), np.clip(self.position(t), -0.9, 0.9).astype(np.float32), 1.0, wet=0.8
        )

    def draw(self, canvas, style, rng):
        t = canvas.times
        x = self.position(t)
        s = rng.uniform(0.36, 0.5) * (0.6 + 0.4 * self.stage.half)
        floor = rng.uniform(-0.8, -0.55)
        ground(canvas, rng, style, self.stage, floor)
        body, dark = style.colour((0.0, 0.9)), np.full(3, 0.12)
        canvas.box(x, floor + 0.62 * s, 1.2 * s, 0.45 * s, body)
        canvas.box(x, floor + 0.55 * s, 1.2 * s, 0.08 * s, style.colour())
        canvas.box(x + 0.75 * s, floor + 0.82 * s, 0.35 * s, 0.16 * s, np.array([0.6, 0.8, 0.9]))
        for side in (-0.7, 0.7):
            canvas.disc(x + side * s, floor + 0.2 * s, 0.24 * s, dark)
        turn = self.turn(t)
        if self.mode == "two-tone":
            first = (turn < 0.5).astype(np.float32)
        else:
            first = 0.5 - 0.5 * np.cos(2 * np.pi * turn)
        named = {"blue": np.array([0.15, 0.3, 1.0]), "red": np.array([1.0, 0.1, 0.1]), "amber": np.array([1.0, 0.65, 0.05])}
        for side, colour, on in ((-0.35, self.colours[0], first), (0.35, self.colours[1], 1 - first)):
            light = named[colour]
            canvas.disc(x + side * s, floor + 1.2 * s, 0.75 * s, light, alpha=0.55 * on, soft=0.7 * s)
            canvas.box(
                x + side * s,
                floor + 1.16 * s,
                0.24 * s,
                0.13 * s,
                (light * (0.25 + 0.75 * on[:, None]) + 0.25 * on[:, None]).clip(0, 1),
            )

    def words(self, rng):
        kind = {"two-tone": "a two-tone siren", "wail": "a wailing siren", "yelp": "a fast yelping siren"}[self.mode]
        clause = choose(
            rng,
            (
                f"{kind} sounds",
                f"{choose(rng, ('an ambulance', 'a police car', 'a fire engine'))} sounds {kind}",
                f"{kind} blares",
            ),
        )
        return Words(
            clause,
            f"a vehicle with blinking {' and '.join(dict.fromkeys(self.colours))} lights",
            {
                "two-tone": "two clear tones in turn",
                "wail": "a tone that slowly rises and falls",
                "yelp": "a tone that quickly rises and falls",
            }[self.mode],
            ("a bell", "music"),
        )
