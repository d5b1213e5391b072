"""An engine: its rate turns the wheel, shakes the car and sets the pitch. Standing, speeding up, or passing by with Doppler."""
import numpy as np

from ..sound import SAMPLE_RATE
from ..sound.noise import bed, frame_times, lowpass, resonance
from ..sound.tone import oscillator, smooth_gate
from .base import Kind, Words, choose, rms, sample_times

SOUND_SPEED = 340.0


class Engine(Kind):
    name = "engine"
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.mode = choose(rng, ("idle", "rev", "pass", "pass"))
        self.idle_hz = rng.uniform(24, 42)                   # firing rate
        self.cruise_hz = rng.uniform(50, 110)
        self.place = self.x(rng, 0.6)
        self.direction = choose(rng, (-1, 1))
        self.size = rng.uniform(0.25, 0.4) * (0.6 + 0.4 * stage.half)
        self.ground_y = rng.uniform(-0.75, -0.35)
        self.revs = []                                       # (start_s, length_s, height) of pushes on the pedal
        if self.mode == "rev":
            time = rng.uniform(0.2, 0.8)
            while time < stage.duration_s - 0.4:
                length = rng.uniform(0.6, 1.5)
                self.revs.append((time, length, rng.uniform(0.5, 1.0)))
                time += length + rng.uniform(0.4, 1.2)
        self.pass_s = stage.duration_s * rng.uniform(0.35, 0.65)
        self.pass_speed = rng.uniform(0.7, 1.6) * (4 / max(stage.duration_s, 2.0)) * 1.2  # picture widths/2 per second
        self.unit_m = rng.uniform(4, 7)
        self.off_m = rng.uniform(4, 9)                       # distance of the road
        self.harmonics = rng.uniform(0.3, 1, 60) * np.arange(1, 61) ** -rng.uniform(0.7, 1.1) * np.exp(2j * np.pi * rng.random(60))
        self.harmonics[1::2] *= rng.uniform(0.5, 1.2)
        self.use_recordings(rng, "engine")

    def rate(self, times_s):
        """Firing rate in Hz at each time, as the engine itself hears it."""
        times_s = np.asarray(times_s, np.float64)
        if self.mode == "pass":
            return np.full(times_s.shape, self.cruise_hz)
        push = sum((h * smooth_gate(times_s, a, a + 0.55 * n, 0.35 * n, 0.45 * n) for a, n, h in self.revs), np.zeros(times_s.shape))
        return self.idle_hz + (self.cruise_hz - self.idle_hz + 20) * push

    def position(self, times_s):
        """x at each time, picture units."""
        times_s = np.asarray(times_s, np.float64)
        if self.mode != "pass":
            return np.full(times_s.shape, self.place)
        return self.stage.centre + self.direction * self.pass_speed * (times_s - self.pass_s)

    def sound(self, rng, mix):
        n = self.stage.num_samples
        t = sample_times(n)
        rate = self.rate(t)
        x = self.position(t)
        level = rms(-20 + 4 * rng.uniform(-1, 1)) * self.level
        if self.mode == "pass":
            away = np.sqrt(self.off_m**2 + (self.unit_m * (x - self.stage.centre)) ** 2)
            closing = -np.gradient(away, 1 / SAMPLE_RATE)
            rate = rate * SOUND_SPEED / (SOUND_SPEED - np.clip(closing, -60, 60))
            gain = (self.off_m / away).astype(np.float32)
            level *= 1.6
        else:
            gain = (0.35 + 0.65 * rate / 130).astype(np.float32)
        knots = np.arange(0, n + 2048, 2048)
        uneven = 1 + 0.02 * np.interp(np.arange(n), knots, rng.standard_normal(len(knots)))
        if self.takes:
            wave = self.bed_take(rng, n).mean(0)
        else:
            tone = oscillator(rate * uneven, self.harmonics, 5000)
            half = oscillator(rate * uneven / 2, self.harmonics[:12], 3000)   # the cycle of four strokes: every second pulse differs
            load = np.interp(frame_times(n), t[::256], rate[::256])
            hiss = bed(rng, lowpass(500 + 6 * load, 1) + 0.12 * resonance(np.full(len(load), 2200.0), 1.2), n, 0.0)[0]
            wave = 0.8 * tone / tone.std() + 0.4 * half / half.std() + 0.5 * hiss / hiss.std() * (0.6 + 0.4 * tone)
        wave = (wave / wave.std() * gain).astype(np.float32)
        mix.add_moving(wave * level, np.clip(x, -0.9, 0.9).astype(np.float32), 1.0, wet=0.2)

    def words(self, rng):
        car = choose(rng, ("a car", "a truck" if self.cruise_hz < 70 else "a car", "a vehicle"))
        way = "to the right" if self.direction > 0 else "to the left"
        clause = {"idle": choose(rng, (f"{car} idles", f"the engine of {car} runs at rest", "an engine idles")),
                  "rev": choose(rng, (f"{car} revs its engine", "an engine is revved", f"the engine of {car} speeds up and slows down")),
                  "pass": choose(rng, (f"{car} drives by", f"{car} passes by", f"{car} drives {way}"))}[self.mode]
        sound = {"idle": "a low steady rumble", "rev": "a growl that rises and falls in pitch", "pass": "a drone that swells, falls in pitch and fades"}[self.mode]
        return Words(clause, f"{car} {'driving ' + way if self.mode == 'pass' else 'standing, wheels shaking'}", sound, ("a siren", "birds"))
