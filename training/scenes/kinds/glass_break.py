"""A pane or a bottle breaks: a crack, then shards that fall and tinkle, at the times gravity gives them."""
import numpy as np

from ..draw.matter import base_colour, ground
from ..draw.motion import pulse
from ..sound import SAMPLE_RATE
from ..sound.modal import Body, contact_noise
from .base import Kind, Words, choose

GRAVITY = 9.81


class GlassBreak(Kind):
    name = "glass_break"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = "glass"
        self.bottle = rng.random() < 0.4
        self.place = self.x(rng, 0.7)
        self.floor_y = rng.uniform(-0.85, -0.6)
        self.centre_y = self.floor_y + 0.1 if self.bottle else rng.uniform(0.0, 0.3)
        self.half_size = rng.uniform(0.22, 0.42) * (0.5 + 0.5 * stage.half)
        self.unit_m = rng.uniform(0.6, 1.3)
        g = GRAVITY / self.unit_m
        self.break_s = rng.uniform(0.25, max(0.3, 0.55 * stage.duration_s - 0.3))
        strength = rng.uniform(0.6, 1.0)
        self.emit(self.break_s, "break", strength, self.place)
        # Shards: place and velocity at the break, then a parabola to the floor and one small hop.
        count = int(rng.integers(14, 30))
        self.shard_xy = np.stack(
            [
                self.place + self.half_size * rng.uniform(-1, 1, count),
                self.centre_y + (0.1 if self.bottle else self.half_size) * rng.uniform(-0.8, 1, count),
            ],
            1,
        )
        self.shard_v = (
            np.stack([rng.normal(0, 0.5, count), rng.normal(0.5 if self.bottle else 0.1, 0.6, count)], 1) / self.unit_m
        )
        height = np.maximum(self.shard_xy[:, 1] - self.floor_y, 0.01)
        vy = self.shard_v[:, 1]
        self.land_s = self.break_s + (vy + np.sqrt(vy**2 + 2 * g * height)) / g
        self.speed = np.sqrt(vy**2 + 2 * g * height) * self.unit_m
        self.shard_size = rng.uniform(0.15, 0.6, count) * self.half_size * 0.5
        self.gravity = g
        landing = np.argsort(self.land_s)
        last = self.break_s
        for i in landing:  # only what stands out is an onset of its own
            if self.land_s[i] - last > 0.14:
                self.emit(
                    self.land_s[i],
                    "shard",
                    float(np.clip(0.1 + 0.06 * self.speed[i], 0.1, 0.4)),
                    self.shard_xy[i, 0] + self.shard_v[i, 0] * (self.land_s[i] - self.break_s),
                )
                last = self.land_s[i]
        self.pane = Body(rng, "glass", rng.random())
        self.use_recordings(rng, "glass_break")

    def sound(self, rng, mix):
        gain = self.level * self.events[0].strength
        if self.takes:
            mix.place(self.take(rng), self.break_s, gain, self.place)
        else:
            crack = contact_noise(rng, 9000, 0.05)
            mix.place(crack, self.break_s, 0.6 * gain, self.place)
            mix.place(self.pane.strike(rng, 1.0), self.break_s, 0.6 * gain, self.place)
            for _ in range(28):  # pieces parting in the first moments
                piece = Body(rng, "glass", rng.uniform(-0.4, 0.5)).strike(rng, 1.0)[: int(0.35 * SAMPLE_RATE)]
                piece *= np.linspace(1, 0, len(piece), dtype=np.float32)
                mix.place(
                    piece,
                    self.break_s + rng.exponential(0.06),
                    0.3 * gain * rng.uniform(0.2, 1),
                    self.place + rng.normal(0, 0.2),
                )
        for i in range(len(self.land_s)):
            tinkle = Body(rng, "glass", rng.uniform(-0.5, 0.3)).strike(rng, 0.9)
            x = self.shard_xy[i, 0] + self.shard_v[i, 0] * (self.land_s[i] - self.break_s)
            mix.place(
                tinkle,
                self.land_s[i],
                self.level * float(np.clip(0.1 + 0.06 * self.speed[i], 0.1, 0.4)) * rng.uniform(0.7, 1),
                x,
            )

    def draw(self, canvas, style, rng):
        t = canvas.times
        ground(canvas, rng, style, self.stage, self.floor_y)
        colour = base_colour(rng, style, "glass")
        whole = (t < self.break_s).astype(np.float32)
        r = self.half_size
        if self.bottle:  # falls and breaks on the floor
            fall = np.maximum(self.break_s - t, 0)
            speed = np.sqrt(2 * self.gravity * 1.4)
            y = np.maximum(self.floor_y + 0.55 * r + speed * fall - self.gravity * fall**2 / 2, self.floor_y)
            y = np.where(fall > speed / self.gravity, self.floor_y + 1.4 + 0.55 * r, y)
            turn = 2.2 * fall
            canvas.box(self.place, y, 0.32 * r, 0.55 * r, colour, turn, alpha=0.75 * whole)
            canvas.line(
                self.place - 0.55 * r * np.sin(turn),
                y + 0.55 * r * np.cos(turn),
                self.place - 0.95 * r * np.sin(turn),
                y + 0.95 * r * np.cos(turn),
                0.2 * r,
                colour * 0.9,
                alpha=0.8 * whole,
            )
        else:  # a pane, hit by a stone
            frame = base_colour(rng, style, "wood")
            canvas.box(self.place, self.centre_y, r + 0.06, r + 0.06, frame)
            canvas.box(self.place, self.centre_y, r, r, frame * 0.25)
            canvas.box(self.place, self.centre_y, r, r, colour, alpha=0.75 * whole)
            canvas.line(
                self.place - 0.5 * r,
                self.centre_y - 0.5 * r,
                self.place + 0.3 * r,
                self.centre_y + 0.6 * r,
                0.06,
                np.ones(3),
                alpha=0.6 * whole,
            )
            side = rng.choice([-1, 1])
            ahead = np.maximum(self.break_s - t, 0)
            canvas.disc(
                self.place + side * 4.5 * ahead,
                self.centre_y + 1.2 * ahead,
                0.08,
                np.full(3, 0.2),
                alpha=whole * (ahead < 0.6),
            )
            canvas.disc(
                self.place - side * 0.0,
                self.centre_y - 2.0 * np.maximum(t - self.break_s, 0),
                0.08,
                np.full(3, 0.2),
                alpha=(1 - whole) * (t - self.break_s < 0.35),
            )
        flash = pulse(t, [self.break_s], 0.06)
        canvas.disc(self.place, self.centre_y, 0.8 * r, np.ones(3), alpha=0.6 * flash, soft=0.5 * r)
        corners = rng.uniform(0, 2 * np.pi, len(self.land_s))
        spins = rng.normal(0, 5, len(self.land_s))
        for i, land in enumerate(self.land_s):
            age = np.clip(t - self.break_s, 0, land - self.break_s)
            x = self.shard_xy[i, 0] + self.shard_v[i, 0] * age
            y = (
                np.maximum(self.shard_xy[i, 1] + self.shard_v[i, 1] * age - self.gravity * age**2 / 2, self.floor_y)
                + 0.02
            )
            a = corners[i] + spins[i] * age
            size = self.shard_size[i]
            points = np.stack(
                [
                    np.stack([x + size * s * np.cos(a + p), y + size * s * np.sin(a + p)], -1)
                    for p, s in ((0, 1.0), (2.3, 0.8), (4.1, 0.6))
                ],
                1,
            )
            canvas.polygon(points, np.minimum(colour * rng.uniform(0.7, 1.3), 1), alpha=0.8 * (1 - whole))

    def words(self, rng):
        thing = "bottle" if self.bottle else choose(rng, ("window", "pane of glass"))
        clause = choose(
            rng,
            (
                f"a {thing} shatters",
                f"a {thing} breaks into pieces",
                f"a {thing} smashes",
                f"a {thing} bursts and shards fall",
            ),
        )
        return Words(
            clause,
            f"a {thing} breaking and shards falling",
            "a sharp crash followed by tinkling shards",
            ("screams", "a bell"),
        )
