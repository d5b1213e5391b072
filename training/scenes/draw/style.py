"""Style of a clip: palette, background, camera and its faults. Drawn anew for each clip and told nothing of the sound."""
import numpy as np
import scipy.ndimage

from .canvas import Canvas

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_GRAIN = np.random.Generator(np.random.PCG64(20240601)).standard_normal(1 << 20, dtype=np.float32)


def hsv(hue, saturation, value):
    """Colour [3], each 0 … 1."""
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6) % 6
    return (value * (1 - saturation * np.clip(np.minimum(k, 4 - k), 0, 1))).astype(np.float32)


class Style:
    """Palette: `colour` gives one that stands out from the background."""

    def __init__(self, rng):
        self.rng = rng
        self.bright = rng.uniform(0.12, 0.9)  # value of the background
        self.base = hsv(rng.random(), rng.uniform(0, 0.55), self.bright)
        self.second = np.clip(
            hsv(rng.random(), rng.uniform(0, 0.6), np.clip(self.bright + rng.uniform(-0.25, 0.25), 0.05, 1)), 0, 1
        )
        self.light = rng.uniform(0.3, 2.8)  # direction light comes from, rad

    def colour(self, saturation=(0.2, 0.9)):
        """A random colour whose lightness differs from the background's."""
        return self.apart(hsv(self.rng.random(), self.rng.uniform(*saturation), self.rng.uniform(0.1, 1)), 0.3)

    def apart(self, colour, distance: float = 0.2):
        """`colour`, made lighter or darker where its luma is within `distance` of the background's."""
        luma, back = float(colour @ LUMA), float((self.base + self.second) @ LUMA / 2)
        if abs(luma - back) >= distance:
            return colour
        lighter = back < 0.35 or (back < 0.65 and luma > back)
        wanted = back + distance if lighter else back - distance
        mixed = (
            colour + (1 - colour) * (wanted - luma) / (1 - luma + 1e-3)
            if wanted > luma
            else colour * wanted / (luma + 1e-3)
        )
        return np.clip(mixed, 0, 1).astype(np.float32)

    def near(self, colour, spread=0.12):
        """A variation of `colour`."""
        return np.clip(
            np.asarray(colour) * (1 + self.rng.uniform(-spread, spread)) + self.rng.uniform(-spread, spread, 3) * 0.3, 0, 1
        ).astype(np.float32)


def smooth_noise(rng, cells: int, size: int):
    """Value noise [size, size], about −1 … 1, the same at any size: cubic smoothstep between cells × cells random values."""
    grid = rng.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32)
    position = (np.arange(size) + 0.5) / size * cells
    index = np.minimum(position.astype(int), cells - 1)
    u = position - index
    u = u * u * (3 - 2 * u)
    weights = np.zeros((size, cells + 1), np.float32)
    weights[np.arange(size), index] = 1 - u
    weights[np.arange(size), index + 1] = u
    return weights @ grid @ weights.T


def camera(rng, times_s):
    """(dx, dy) [num_frames] each: usually still, sometimes a hand-held tremble or a slow pan."""
    kind = rng.random()
    if kind < 0.5:
        return 0.0, 0.0
    shake = []
    for _ in range(2):
        rates, phases = rng.uniform(0.3, 2.5, 4)[:, None], rng.uniform(0, 2 * np.pi, 4)[:, None]
        tremble = np.sin(2 * np.pi * rates * times_s + phases).sum(0) * rng.uniform(0.002, 0.012)
        pan = rng.uniform(-0.03, 0.03) * (times_s - times_s.mean()) if kind > 0.85 else 0.0
        shake.append(tremble + pan)
    return shake


def background(rng, style: Style, canvas: Canvas) -> None:
    """Fills the canvas: gradient, cloudy noise, tiles or stripes, moved with the camera."""
    size, margin = canvas.size, max(2, canvas.size // 8)
    wide = size + 2 * margin
    ys, xs = np.meshgrid(np.linspace(1, -1, wide) * wide / size, np.linspace(-1, 1, wide) * wide / size, indexing="ij")
    angle = rng.uniform(0, 2 * np.pi)
    mixing = 0.5 + 0.35 * (xs * np.cos(angle) + ys * np.sin(angle)) * rng.uniform(0, 1)
    kind = rng.random()
    if kind < 0.35:
        mixing += rng.uniform(0.1, 0.5) * smooth_noise(rng, int(rng.integers(2, 14)), wide)
    elif kind < 0.5:
        turn, pitch = rng.uniform(0, np.pi), rng.uniform(0.25, 0.9)
        mixing += rng.uniform(0.05, 0.3) * np.sin(2 * np.pi / pitch * (xs * np.cos(turn) + ys * np.sin(turn)))
    elif kind < 0.62:
        pitch = rng.uniform(0.3, 0.9)
        edge = np.minimum(np.abs((xs / pitch) % 1 - 0.5), np.abs((ys / pitch) % 1 - 0.5))
        mixing -= rng.uniform(0.1, 0.4) * np.clip(1 - edge * pitch / 0.04, 0, 1)
    elif kind < 0.8:
        horizon = rng.uniform(-0.6, 0.3)
        mixing += rng.uniform(-0.6, 0.6) * np.clip((ys - horizon) * size / 2, -0.5, 0.5)
    mixing = np.clip(mixing, 0, 1).astype(np.float32)
    still = style.base[:, None, None] * (1 - mixing) + style.second[:, None, None] * mixing
    still += np.float32(rng.uniform(0, 0.05)) * smooth_noise(rng, 24, wide)
    if not (np.any(canvas.shake[0]) or np.any(canvas.shake[1])):
        canvas.image[:] = still[:, margin : margin + size, margin : margin + size]
    else:
        shift_x, shift_y = canvas.shake[0] / canvas.pixel, -canvas.shake[1] / canvas.pixel
        for k in range(canvas.num_frames):
            left, top = (min(max(margin - float(s[k]), 0.0), wide - size - 1.001) for s in (shift_x, shift_y))
            ix, iy = int(left), int(top)
            fx, fy = np.float32(left - ix), np.float32(top - iy)
            part = still[:, iy : iy + size + 1, ix : ix + size + 1]
            rows = part[:, :-1] + fy * (part[:, 1:] - part[:, :-1])
            canvas.image[k] = rows[:, :, :-1] + fx * (rows[:, :, 1:] - rows[:, :, :-1])
    if rng.random() < 0.2:  # something that drifts by and means nothing
        x, y, r = rng.uniform(-1, 1), rng.uniform(-0.9, 0.9), rng.uniform(0.05, 0.25)
        canvas.ellipse(
            x + rng.uniform(-0.2, 0.2) * canvas.times,
            y,
            r,
            r * rng.uniform(0.4, 1),
            style.near(style.second, 0.3),
            alpha=rng.uniform(0.2, 0.6),
            soft=rng.uniform(0.02, 0.2),
        )


def develop(rng, canvas: Canvas) -> np.ndarray:
    """uint8 [num_frames, size, size, 3]: exposure, blur, coarse blocks, grain; strengths random per clip."""
    image, size = canvas.image, canvas.size
    gain, lift, gamma = rng.uniform(0.75, 1.2), rng.uniform(-0.06, 0.1), np.exp(rng.uniform(-0.25, 0.25))
    blur = rng.uniform(0.25, 1.1) if rng.random() < 0.5 else 0.0  # standard deviation in 64ths of the picture
    blocks = rng.uniform(0.2, 0.7) if rng.random() < 0.25 else 0.0
    grain = rng.uniform(0.0, 0.05) * (rng.random() < 0.8)
    colour_grain = rng.random() < 0.5
    table = (255 * np.clip(np.linspace(0, 1, 1024) * gain + lift, 0, 1) ** gamma).astype(np.float32)
    offsets = rng.integers(1 << 30, size=(canvas.num_frames, 3))
    out = np.empty((canvas.num_frames, size, size, 3), np.uint8)
    for start in range(0, canvas.num_frames, 10):
        part = image[start : start + 10]
        if blur:
            part = soften(part, blur * size / 64)
        if blocks:
            step = max(2, round(2 * size / 64))
            whole = size // step * step
            coarse = (
                part[..., :whole, :whole].reshape(*part.shape[:2], whole // step, step, whole // step, step).mean((3, 5))
            )
            coarse = coarse.repeat(step, 2).repeat(step, 3)
            part = part.copy()
            part[..., :whole, :whole] += np.float32(blocks) * (coarse - part[..., :whole, :whole])
        level = part * np.float32(1023)
        np.minimum(level, 1023, out=level)
        np.maximum(level, 0, out=level)
        part = table.take(level.astype(np.uint16))
        if grain:
            for k in range(len(part)):
                part[k] += np.float32(255 * grain) * grain_of(offsets[start + k], size, colour_grain)
            np.minimum(part, 255, out=part)
            np.maximum(part, 0, out=part)
        out[start : start + 10] = (part + np.float32(0.5)).astype(np.uint8).transpose(0, 2, 3, 1)
    return out


def soften(part, sigma):
    """Gaussian blur of [k, 3, size, size]; for small sigma the three taps that have the same variance."""
    if sigma > 1.2:
        return scipy.ndimage.gaussian_filter(part, (0, 0, sigma, sigma), truncate=3)
    side = np.float32(min(sigma * sigma / 2, 0.33))
    for axis in (2, 3):
        padded = np.pad(part, [(1, 1) if a == axis else (0, 0) for a in range(4)], mode="edge")
        left, right = [slice(None)] * 4, [slice(None)] * 4
        left[axis], right[axis] = slice(0, -2), slice(2, None)
        part = (1 - 2 * side) * part + side * (padded[tuple(left)] + padded[tuple(right)])
    return part


def grain_of(offset, size: int, coloured: bool):
    """Noise [3 or 1, size, size]: of 64 × 64 grains; larger pictures see the same grains, larger."""
    count = 64 * 64
    starts = offset % (len(_GRAIN) - count)
    noise = np.stack([_GRAIN[s : s + count] for s in (starts if coloured else starts[:1])]).reshape(-1, 64, 64)
    if size == 64:
        return noise
    index = np.minimum((np.arange(size) + 0.5) * 64 / size, 63).astype(int)
    return noise[:, index][:, :, index]
