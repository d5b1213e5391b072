"""A door swings shut: hinges creak while it turns slowly, then the thud, then the latch."""
import numpy as np
import scipy.signal

from ..draw.matter import base_colour, grain
from ..draw.motion import pulse
from ..sound import SAMPLE_RATE
from ..sound.modal import Body, contact_noise, damped_sines
from ..sound.noise import drift
from .base import Kind, Words, choose


class Door(Kind):
    name = "door"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("wood", "wood", "metal"))
        self.place = self.x(rng, 0.7)
        self.side = choose(rng, (-1, 1))
        self.swings = []  # (start_s, close_s, opening angle in rad); opens silently before start_s
        time = rng.uniform(0.15, 0.6)
        while time < stage.duration_s - 0.5:
            speed = rng.random()  # 0 slow … 1 slammed
            length = 1.7 - 1.35 * speed**0.7
            angle = rng.uniform(0.9, 1.4)
            close = time + length
            self.swings.append((time, close, angle, speed))
            self.emit(close, "slam" if speed > 0.6 else "close", 0.3 + 0.7 * speed, self.place)
            time = close + rng.uniform(1.6, 2.6)
        self.creaks = rng.random() < 0.6
        self.pitch = rng.uniform(70, 190)
        self.body = Body(rng, self.material, 1.0)
        self.latch = Body(rng, "metal", 0.4)
        self.use_recordings(rng, "door_close")

    def creak(self, rng, length_s: float, speed: float) -> np.ndarray:
        """Stick-slip: pulses whose rate follows the hinge's speed, ringing in three modes of the panel."""
        n = int(length_s * SAMPLE_RATE)
        times = np.arange(n) / SAMPLE_RATE
        rate = self.pitch * (0.5 + 0.9 * times / length_s) * (1 + 0.25 * drift(rng, times, 0.3))
        turns = np.cumsum(rate) / SAMPLE_RATE
        slips = np.flatnonzero(np.diff(np.floor(turns)))
        amps = rng.uniform(0.3, 1, len(slips)) * (0.6 + 0.4 * drift(rng, slips / SAMPLE_RATE, 0.2))
        train = np.bincount(slips, amps, n).astype(np.float32)
        ring = damped_sines(rng.uniform(500, 3200, 5), rng.uniform(0.012, 0.04, 5), rng.uniform(0.3, 1, 5), 2048)
        out = scipy.signal.oaconvolve(train, ring)[:n]
        fade = np.minimum(1, np.minimum(times, length_s - times) / 0.08).astype(np.float32)
        return (out / (np.abs(out).max() + 1e-9) * fade).astype(np.float32)

    def sound(self, rng, mix):
        for (start, close, _, speed), event in zip(self.swings, self.events):
            if self.creaks and speed < 0.75:
                mix.place(self.creak(rng, close - start, speed), start, 0.16 * self.level * (1.1 - speed), event.x)
            if self.takes:
                mix.place(self.take(rng), close, self.level * event.strength, event.x)
                continue
            gain = self.level * event.strength
            mix.place(self.body.strike(rng, 0.3 + 0.5 * speed), close, 0.75 * gain, event.x)
            mix.place(contact_noise(rng, 300 + 900 * speed, 0.06), close, 0.7 * gain, event.x)
            mix.place(
                self.latch.strike(rng, 0.3)[:4000] * np.linspace(1, 0, 4000, dtype=np.float32)[:4000],
                close + 0.03,
                0.12 * gain,
                event.x,
            )

    def angle(self, times_s):
        """Opening angle at each time, rad: opened in silence, closed at a rate that grows when slammed."""
        times_s = np.asarray(times_s, np.float64)
        out = np.full(times_s.shape, self.swings[0][2] if self.swings else 0.0)
        previous = None
        for start, close, angle, speed in self.swings:
            u = np.clip((times_s - start) / (close - start), 0, 1)
            closing = angle * (1 - u ** (1 + 1.2 * speed))
            if previous is None:
                out = closing
            else:
                opening = np.clip((times_s - previous - 0.4) / max(start - previous - 0.5, 0.1), 0, 1)
                out = np.where(
                    times_s > previous,
                    np.where(times_s >= start, closing, angle * opening * opening * (3 - 2 * opening)),
                    out,
                )
            previous = close
        return out

    def draw(self, canvas, style, rng):
        t = canvas.times
        scale = 0.55 + 0.45 * self.stage.half
        half_w, top, bottom = rng.uniform(0.3, 0.42) * scale, rng.uniform(0.55, 0.8), -0.85
        shiver = 0.02 * pulse(t, [e.time_s for e in self.events], 0.06) * np.sin(60 * t)
        wall = style.near(style.second, 0.2)
        canvas.box(
            self.place + shiver,
            (top + bottom) / 2,
            half_w + 0.07 * scale,
            (top - bottom) / 2 + 0.06,
            np.clip(wall * 0.7, 0, 1),
        )
        canvas.box(self.place, (top + bottom) / 2, half_w, (top - bottom) / 2, wall * 0.15)
        angle = self.angle(t)
        hinge = self.place - self.side * half_w
        edge = hinge + self.side * 2 * half_w * np.cos(angle)
        deeper = 0.22 * np.sin(angle)  # the free edge comes towards us
        points = np.stack(
            [
                np.stack([np.full_like(edge, hinge), np.full_like(edge, top)], -1),
                np.stack([edge, top + deeper], -1),
                np.stack([edge, bottom - deeper], -1),
                np.stack([np.full_like(edge, hinge), np.full_like(edge, bottom)], -1),
            ],
            1,
        )
        colour = base_colour(rng, style, self.material)
        canvas.polygon(points, colour * (1 - 0.25 * np.sin(angle))[:, None], shade=grain(rng, self.material, 1.4))
        canvas.disc(hinge + 0.88 * (edge - hinge), -0.1, 0.045 * scale, np.array([0.9, 0.8, 0.4]))

    def words(self, rng):
        slam = any(s[3] > 0.6 for s in self.swings)
        adjective = "wooden" if self.material == "wood" else "metal"
        verb = choose(
            rng,
            ("slams shut", "bangs shut", "is slammed") if slam else ("closes", "swings shut", "falls shut", "is closed"),
        )
        creak = self.creaks and any(s[3] < 0.75 for s in self.swings)
        return Words(
            f"a {adjective} door {verb}",
            f"a {adjective} door swinging on its hinges",
            ("a creak and then " if creak else "") + ("a loud bang" if slam else "a low thud with a click of the latch"),
            ("knocking", "footsteps"),
        )
