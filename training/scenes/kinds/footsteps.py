"""Someone walks or runs: heel, then toe; on loose ground each contact crushes grains."""
import numpy as np

from ..draw.matter import ground
from ..sound import SAMPLE_RATE
from ..sound.modal import Body, contact_noise
from ..sound.noise import grains
from .base import Kind, Words, choose, rhythm

GROUND = {
    "stone": ("concrete", "pavement", "a stone floor"),
    "wood": ("a wooden floor", "wooden boards"),
    "gravel": ("gravel", "a gravel path"),
    "grass": ("grass", "a lawn"),
    "snow": ("snow", "fresh snow"),
}
SOUND = {
    "stone": "hard heels with a short scrape",
    "wood": "hollow thuds",
    "gravel": "crunching pebbles",
    "grass": "soft rustling",
    "snow": "a muffled crunch",
}
CRUSH = {
    "gravel": (90, 2600, 0.12, 0.9),
    "grass": (160, 4200, 0.16, 0.55),
    "snow": (260, 1700, 0.2, 0.8),
}  # grains, Hz, s, gain


class Footsteps(Kind):
    name = "footsteps"

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, tuple(GROUND))
        self.running = rng.random() < 0.25
        self.weight = rng.random()
        cadence = rng.uniform(2.4, 3.1) if self.running else rng.uniform(1.4, 2.2)
        start = rng.uniform(0.05, 0.5)
        times = rhythm(rng, start, stage.duration_s, 1 / cadence, 0.03)
        if len(times) > 6 and rng.random() < 0.3:  # stops, stands, goes on
            gap = int(rng.integers(2, len(times) - 2))
            times[gap:] += rng.uniform(0.5, 1.2)
        self.direction = choose(rng, (-1, 1))
        stride = rng.uniform(0.06, 0.2) * stage.half * (1.3 if self.running else 1)
        travel = stride * (len(times) - 1)
        middle = stage.centre + rng.uniform(-0.2, 0.2) * stage.half
        self.floor_y = rng.uniform(-0.85, -0.5)
        self.step_times = times
        self.step_x = middle + self.direction * (np.arange(len(times)) * stride - travel / 2)
        self.height = rng.uniform(0.75, 1.15) * (0.6 + 0.4 * stage.half)
        base = (0.75 if self.running else 0.5) * (0.7 + 0.6 * self.weight)
        self.strengths = np.clip(base * rng.uniform(0.8, 1.2, len(times)), 0.1, 1)
        for time, x, strength in zip(times, self.step_x, self.strengths):
            self.emit(time, "step", strength, x)
        self.heel = Body(rng, "wood" if self.material == "wood" else "rubber", 0.3 + 0.7 * self.weight)
        self.click = Body(rng, "stone", rng.random())
        self.shoe = rng.uniform(0.1, 0.8)  # hardness of the sole
        self.use_recordings(rng, f"footstep_{self.material}")

    def step(self, rng, strength: float) -> np.ndarray:
        """float32 [n] of one step, peak 1."""
        out = np.zeros(int(0.45 * SAMPLE_RATE), np.float32)

        def put(wave, time_s, gain):
            start = int(time_s * SAMPLE_RATE)
            n = min(len(wave), len(out) - start)
            out[start : start + n] += gain * wave[:n]

        toe = rng.uniform(0.05, 0.11) * (0.6 if self.running else 1)
        if self.material in CRUSH:
            count, corner, length, gain = CRUSH[self.material]
            count = int(count * rng.uniform(0.7, 1.3))
            bank = [contact_noise(rng, corner * rng.uniform(0.6, 1.8), 0.0025) for _ in range(4)]
            times = np.sort(rng.gamma(2.0, length / 5, count)) * rng.uniform(0.9, 1.2)
            amps = rng.exponential(1.0, count) * np.exp(-times / length)
            crunch = grains(rng, times, amps, bank, len(out))
            put(crunch / (np.abs(crunch).max() + 1e-9), 0, gain)
            put(self.heel.strike(rng, 0.3), 0, 0.5)
            put(contact_noise(rng, corner, 0.02), 0, 0.3)
        else:
            put(self.heel.strike(rng, 0.4 + 0.5 * strength), 0, 1.0)
            put(self.click.strike(rng, 0.5), 0, self.shoe * (0.9 if self.material == "stone" else 0.35))
            put(contact_noise(rng, 2500, 0.03), toe, 0.15 + 0.12 * rng.random())
        return out / np.abs(out).max()

    def sound(self, rng, mix):
        for event in self.events:
            wave = self.take(rng) if self.takes else self.step(rng, event.strength)
            mix.place(wave, event.time_s, self.level * 0.8 * event.strength, event.x)

    def foot(self, times_s, parity: int):
        """(x, height above ground) of one foot at each time: planted from its landing to the other's, then swung ahead."""
        mine = np.arange(parity, len(self.step_times), 2)
        if len(mine) == 0:
            return np.full(np.shape(times_s), self.step_x[0] - self.direction * 0.1), np.zeros(np.shape(times_s))
        land, x = self.step_times[mine], self.step_x[mine]
        pace = np.median(np.diff(self.step_times)) if len(self.step_times) > 1 else 0.5
        knots_t, knots_x, up = [], [], np.zeros(np.shape(times_s))
        lift = 0.16 * self.height * (1.6 if self.running else 1.0)
        before = x[0] - self.direction * 2 * abs(self.step_x[min(1, len(self.step_x) - 1)] - self.step_x[0])
        for i in range(len(mine)):
            leave = land[i] - min(pace, (land[i] - land[i - 1]) / 2 if i else pace)
            knots_t += [leave, land[i]]
            knots_x += [before if i == 0 else x[i - 1], x[i]]
            u = np.clip((np.asarray(times_s) - leave) / (land[i] - leave), 0, 1)
            up += lift * np.sin(np.pi * u**1.4) * (u < 1)
        return np.interp(times_s, knots_t, knots_x), up

    def draw(self, canvas, style, rng):
        t = canvas.times
        ground(canvas, rng, style, self.stage, self.floor_y, self.material)
        skin, coat, trousers = style.colour(), style.colour(), style.colour()
        (ax, ay), (bx, by) = self.foot(t, 0), self.foot(t, 1)
        h, way = self.height, self.direction
        hip_x = (ax + bx) / 2 + 0.03 * way
        hip_y = self.floor_y + 0.48 * h - 0.25 * np.abs(ax - bx) ** 2 / h
        for x, y, shade in ((bx, by, 0.75), (ax, ay, 1.0)):
            foot_y = self.floor_y + 0.03 * h + y
            knee_x, knee_y = (x + hip_x) / 2 + way * (0.04 * h + 0.4 * y), (foot_y + hip_y) / 2 + 0.2 * y
            canvas.line(hip_x, hip_y, knee_x, knee_y, 0.1 * h, trousers * shade)
            canvas.line(knee_x, knee_y, x, foot_y, 0.085 * h, trousers * shade)
            canvas.line(x - 0.02 * h * way, foot_y, x + 0.09 * h * way, foot_y, 0.06 * h, coat * 0.4)
        lean = (0.12 if self.running else 0.03) * h * way
        canvas.line(hip_x, hip_y, hip_x + lean, hip_y + 0.33 * h, 0.16 * h, coat)
        swing = 0.5 * (ax - bx)
        canvas.line(hip_x + lean, hip_y + 0.3 * h, hip_x + lean - swing, hip_y + 0.08 * h, 0.06 * h, coat * 0.8)
        canvas.disc(hip_x + 1.3 * lean, hip_y + 0.45 * h, 0.095 * h, skin)
        if self.material in CRUSH:  # what the foot throws up
            dust = {"gravel": np.full(3, 0.5), "grass": np.array([0.3, 0.5, 0.2]), "snow": np.full(3, 0.97)}[
                self.material
            ].astype(np.float32)
            for time, x in zip(self.step_times, self.step_x):
                age = t - time
                show = np.where((age >= 0) & (age < 0.3), 1 - age / 0.3, 0)
                canvas.ellipse(
                    x,
                    self.floor_y + 0.05 * age + 0.02,
                    0.06 + 0.3 * np.clip(age, 0, 1),
                    0.04,
                    dust,
                    alpha=0.8 * show,
                    soft=0.05,
                )

    def words(self, rng):
        ground = choose(rng, GROUND[self.material])
        who = choose(rng, ("someone", "a person", "a figure"))
        verb = choose(
            rng,
            ("runs", "jogs")
            if self.running
            else ("walks", "walks slowly", "steps")
            if len(self.step_times) < 7
            else ("walks", "strides"),
        )
        way = "to the right" if self.direction > 0 else "to the left"
        clause = choose(rng, (f"{who} {verb} on {ground}", f"footsteps on {ground}", f"{who} {verb} {way} on {ground}"))
        if clause.startswith("footsteps"):
            clause = f"footsteps sound on {ground}"
        return Words(
            clause,
            f"a figure {'running' if self.running else 'walking'} {way}",
            SOUND[self.material],
            ("knocking", "traffic"),
        )
