"""Water runs: a brook that flows all the time, or a tap that is opened. Flow sets both the streaks' speed and the sound."""
import numpy as np

from ..sound.noise import bed, drift, frame_times, grains, highpass, lowpass, resonance
from ..sound.tone import smooth_gate
from .base import Kind, Words, choose, rms
from .drip import bubble


class Stream(Kind):
    name = "stream"
    bed = True

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.tap = rng.random() < 0.5
        self.flow = rng.uniform(0.15, 1.0)
        self.place = self.x(rng, 0.6) if self.tap else stage.centre
        self.gates = [(-1.0, stage.duration_s + 1)]   # (open_s, close_s)
        if self.tap and rng.random() < 0.7:
            self.gates, time = [], rng.uniform(0.2, 1.2)
            while time < stage.duration_s - 0.3:
                stop = time + rng.uniform(0.8, 3.0)
                self.gates.append((time, stop))
                self.emit(time, "pour", 0.3 + 0.4 * self.flow, self.place)
                time = stop + rng.uniform(0.5, 1.2)
        self.ripple = rng.uniform(0, 2 * np.pi, 4)
        self.depth_hz = rng.uniform(350, 1100)
        self.use_recordings(rng, "stream")

    def open(self, times_s):
        """Share of the flow, 0 … 1, at each time."""
        return np.clip(sum(smooth_gate(times_s, a, b, 0.03, 0.12) for a, b in self.gates), 0, 1)

    def sound(self, rng, mix):
        n, duration = self.stage.num_samples, self.stage.duration_s
        times = frame_times(n)
        gate = self.open(times)
        wobble = 1 + 0.25 * drift(rng, times, 0.5)
        shape = resonance(self.depth_hz * (1 + 0.2 * drift(rng, times, 0.4)), 1.3) + 0.35 * resonance(np.full(len(times), 3600.0), 1.2)
        level = rms(-31 + 10 * self.flow) * self.level
        hiss = bed(rng, (gate * wobble)[:, None] * shape * highpass(180.0) * lowpass(9000.0), n, 0.4 if self.tap else 0.9)
        hiss *= level / (np.sqrt(np.mean(hiss**2)) / max(gate.mean() ** 0.5, 0.1) + 1e-9)
        mix.add(self.pan(hiss))
        for channel in range(2):                       # bubbles, other ones in each ear
            count = rng.poisson((60 + 260 * self.flow) * duration)
            when = rng.uniform(0, duration, count)
            amps = rng.exponential(1.0, count) * np.interp(when, times, gate)
            bank = [bubble(rng, r) for r in np.exp(rng.uniform(np.log(0.0012), np.log(0.006), 10))]
            bubbles = grains(rng, when, amps, bank, n)
            stereo = np.zeros((2, n), np.float32)
            stereo[channel] = bubbles * (1.2 * level / (bubbles.std() / max(gate.mean() ** 0.5, 0.1) + 1e-9))
            mix.add(self.pan(stereo))

    def pan(self, stereo):
        tilt = 0.35 * np.clip(self.place, -1, 1)
        return stereo * np.array([[1 - tilt], [1 + tilt]], np.float32)

    def words(self, rng):
        amount = "a little " if self.flow < 0.35 else "a lot of " if self.flow > 0.8 else ""
        if self.tap:
            clause = choose(rng, (f"{amount}water pours into a basin", f"a tap is opened and {amount}water runs" if len(self.events) else f"{amount}water runs from a tap",
                                  f"{amount}water runs into a sink"))
            seen = "a jet of water"
        else:
            clause = choose(rng, ("a brook flows over stones", "a small stream runs", "a stream of water flows by", "water flows in a creek"))
            seen = "water flowing by"
        return Words(clause, seen, choose(rng, ("a steady splashing with many small bubbles", "bubbling and rushing")), ("thunder", "single drops"))
