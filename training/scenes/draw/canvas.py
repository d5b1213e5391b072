"""Shapes drawn from signed distances, all frames of a clip at once.

    coverage = clamp(½ − d / w, 0, 1),   d signed distance to the edge, w = one pixel (or a wider `soft` edge)

Coordinates: x to the right and y up, −1 … 1 across the picture, so nothing depends on the number of pixels. Every
parameter of a shape may be a number or an array [num_frames]. Work is done in groups of a few frames, each on the smallest
window that holds the shape: a moving object costs its own area, not the picture's.
"""
import numpy as np
import scipy.ndimage

from ..scene import FPS

GROUP = 10


class Canvas:
    """image float32 [num_frames, 3, size, size], 0 … 1, display-referred."""

    def __init__(self, num_frames: int, size: int, shake=(0.0, 0.0)):
        self.num_frames, self.size = num_frames, size
        self.times = np.arange(num_frames) / FPS
        self.image = np.zeros((num_frames, 3, size, size), np.float32)
        self.shake = [np.broadcast_to(np.asarray(s, np.float32), (num_frames,)) for s in shake]
        self.pixel = 2.0 / size
        self.xs = ((np.arange(size) + 0.5) * self.pixel - 1).astype(np.float32)
        self.ys = -self.xs

    def per_frame(self, value):
        return np.broadcast_to(np.asarray(value, np.float32), (self.num_frames,))

    def shape(self, distance, x, y, reach_x, reach_y, colour, alpha=1.0, soft=0.0, shade=None, held=False):
        """Paints where distance(dx, dy, frames) < 0.

        distance  function of dx, dy [k, h, w] (offsets from the centre) and the frames' slice
        x, y      centre;  reach_x, reach_y  half extents of a box that holds the shape
        colour    [3] or [num_frames, 3];  alpha  opacity;  soft  width of the edge in picture units
        shade     function (dx, dy, frames) → factor on the colour
        held      True: fixed to the camera, so the shake does not move it
        """
        x, y, alpha = self.per_frame(x), self.per_frame(y), self.per_frame(alpha)
        if not held:
            x, y = x + self.shake[0], y + self.shake[1]
        reach_x, reach_y = self.per_frame(reach_x), self.per_frame(reach_y)
        colour = np.broadcast_to(np.asarray(colour, np.float32), (self.num_frames, 3))
        width = max(self.pixel, soft)
        for start in range(0, self.num_frames, GROUP):
            frames = slice(start, min(start + GROUP, self.num_frames))
            seen = np.flatnonzero(alpha[frames] > 0.004)
            if not len(seen):
                continue
            frames = slice(start + seen[0], start + seen[-1] + 1)
            left = ((x[frames] - reach_x[frames]).min() - width + 1) / self.pixel
            right = ((x[frames] + reach_x[frames]).max() + width + 1) / self.pixel
            top = (1 - (y[frames] + reach_y[frames]).max() - width) / self.pixel
            bottom = (1 - (y[frames] - reach_y[frames]).min() + width) / self.pixel
            columns = slice(max(0, int(left)), min(self.size, int(right) + 1))
            rows = slice(max(0, int(top)), min(self.size, int(bottom) + 1))
            if columns.stop <= columns.start or rows.stop <= rows.start:
                continue
            dx = self.xs[None, None, columns] - x[frames, None, None]
            dy = self.ys[None, rows, None] - y[frames, None, None]
            cover = 0.5 - distance(dx, dy, frames) / np.float32(width)
            np.minimum(cover, 1, out=cover)
            np.maximum(cover, 0, out=cover)
            cover = cover * alpha[frames, None, None]
            factor = None if shade is None else shade(dx, dy, frames)
            for channel in range(3):
                target = self.image[frames, channel, rows, columns]
                paint = colour[frames, channel, None, None]
                target += cover * ((paint if factor is None else paint * factor) - target)

    def disc(self, x, y, radius, colour, alpha=1.0, soft=0.0, shade=None):
        r = self._column(radius)
        self.shape(lambda dx, dy, f: np.sqrt(dx * dx + dy * dy) - r[f], x, y, radius, radius, colour, alpha, soft, shade)

    def ellipse(self, x, y, rx, ry, colour, angle=0.0, alpha=1.0, soft=0.0, shade=None):
        """Axis lengths rx, ry, turned by `angle` rad counter-clockwise; the distance is exact on the axes."""
        a, b, turn = self._column(rx), self._column(ry), self._column(angle)

        def distance(dx, dy, f):
            u, v = rotate(dx, dy, turn[f])
            inside = np.sqrt((u / a[f]) ** 2 + (v / b[f]) ** 2)
            slope = np.sqrt((u / a[f] ** 2) ** 2 + (v / b[f] ** 2) ** 2) + 1e-6
            return inside * (inside - 1) / slope

        reach = np.maximum(rx, ry)
        self.shape(
            distance, x, y, reach if np.any(angle) else rx, reach if np.any(angle) else ry, colour, alpha, soft, shade
        )

    def box(self, x, y, half_x, half_y, colour, angle=0.0, alpha=1.0, soft=0.0, shade=None, held=False):
        a, b, turn = self._column(half_x), self._column(half_y), self._column(angle)
        turned = bool(np.any(angle))

        def distance(dx, dy, f):
            u, v = rotate(dx, dy, turn[f]) if turned else (dx, dy)
            return np.maximum(np.abs(u) - a[f], np.abs(v) - b[f])

        reach = np.hypot(half_x, half_y)
        self.shape(
            distance, x, y, reach if turned else half_x, reach if turned else half_y, colour, alpha, soft, shade, held
        )

    def line(self, x0, y0, x1, y1, width, colour, alpha=1.0, soft=0.0):
        """A segment with round ends, `width` across."""
        x0, y0, x1, y1 = (self.per_frame(v) for v in (x0, y0, x1, y1))
        hx, hy = (x1 - x0) / 2, (y1 - y0) / 2
        half_x, half_y, length2 = self._column(hx), self._column(hy), self._column(hx * hx + hy * hy + 1e-9)
        radius = self._column(np.asarray(width) / 2)

        def distance(dx, dy, f):
            along = (dx * half_x[f] + dy * half_y[f]) / length2[f]
            np.minimum(along, 1, out=along)
            np.maximum(along, -1, out=along)
            return np.sqrt((dx - along * half_x[f]) ** 2 + (dy - along * half_y[f]) ** 2) - radius[f]

        margin = self.per_frame(width) / 2
        self.shape(distance, (x0 + x1) / 2, (y0 + y1) / 2, np.abs(hx) + margin, np.abs(hy) + margin, colour, alpha, soft)

    def ring(self, x, y, rx, ry, width, colour, alpha=1.0):
        """An elliptic band around (x, y)."""
        a, b, w = self._column(rx), self._column(ry), self._column(np.asarray(width) / 2)

        def distance(dx, dy, f):
            inside = np.sqrt((dx / a[f]) ** 2 + (dy / b[f]) ** 2)
            slope = np.sqrt((dx / a[f] ** 2) ** 2 + (dy / b[f] ** 2) ** 2) + 1e-6
            return np.abs(inside * (inside - 1) / slope) - w[f]

        self.shape(distance, x, y, np.asarray(rx) + np.asarray(width), np.asarray(ry) + np.asarray(width), colour, alpha)

    def polygon(self, points, colour, alpha=1.0, soft=0.0, shade=None):
        """Convex polygon, points [n, 2] or [num_frames, n, 2] in either order."""
        points = np.broadcast_to(np.asarray(points, np.float32), (self.num_frames,) + np.shape(points)[-2:])
        centre = points.mean(1)
        offset = points - centre[:, None]
        edge = np.roll(offset, -1, 1) - offset
        area = np.sum(offset[..., 0] * np.roll(offset[..., 1], -1, 1) - offset[..., 1] * np.roll(offset[..., 0], -1, 1), 1)
        sign = np.where(area > 0, 1.0, -1.0)[:, None, None].astype(np.float32)
        normal = sign * np.stack([edge[..., 1], -edge[..., 0]], -1) / (np.linalg.norm(edge, axis=-1, keepdims=True) + 1e-6)
        height = np.sum(normal * offset, -1)

        def distance(dx, dy, f):
            out = None
            for i in range(points.shape[1]):
                d = dx * normal[f, i, 0, None, None] + dy * normal[f, i, 1, None, None] - height[f, i, None, None]
                out = d if out is None else np.maximum(out, d, out=out)
            return out

        reach = np.abs(offset).max(1)
        self.shape(distance, centre[:, 0], centre[:, 1], reach[:, 0], reach[:, 1], colour, alpha, soft, shade)

    def strokes(self, x, y, weight, colour, opacity=1.0):
        """Many fine points: x, y [num_frames, n], each `weight` (number or [num_frames, n]) of a dot one 64th of the picture wide.

        Points close together make lines: use `along` to fill them in.
        """
        scale = self.size / 64
        px = ((x + self.shake[0][:, None] + 1) / self.pixel - 0.5).astype(np.float32)
        py = ((1 - y - self.shake[1][:, None]) / self.pixel - 0.5).astype(np.float32)
        weight = np.broadcast_to(np.asarray(weight, np.float32), px.shape) * np.float32(scale * scale)
        ok = (px > -1) & (px < self.size) & (py > -1) & (py < self.size) & (weight > 0)
        frame = np.broadcast_to(np.arange(self.num_frames)[:, None], px.shape)[ok]
        px, py, weight = px[ok], py[ok], weight[ok]
        ix, iy = np.floor(px).astype(np.int64), np.floor(py).astype(np.int64)
        fx, fy = px - ix, py - iy
        side = self.size + 2
        base = (frame * side + iy + 1) * side + ix + 1
        total = self.num_frames * side * side
        ink = np.bincount(
            np.concatenate([base, base + 1, base + side, base + side + 1]),
            np.concatenate([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy]) * np.tile(weight, 4),
            total,
        )
        ink = ink.astype(np.float32).reshape(self.num_frames, side, side)[:, 1:-1, 1:-1]
        if scale > 1:
            ink = scipy.ndimage.uniform_filter(ink, (0, round(scale), round(scale)))
        cover = 1 - np.exp(-1.6 * ink)
        cover *= self.per_frame(opacity)[:, None, None]
        for channel in range(3):
            target = self.image[:, channel]
            target += cover * (np.float32(colour[channel]) - target)

    def _column(self, value):
        return self.per_frame(value)[:, None, None]


def rotate(dx, dy, angle):
    """Offsets in the frame of an object turned by `angle`."""
    c, s = np.cos(angle), np.sin(angle)
    return dx * c + dy * s, dy * c - dx * s


def along(x0, y0, x1, y1, count: int):
    """Points on segments: arrays [..., n] in, [..., n · count] out (x, y)."""
    u = ((np.arange(count) + 0.5) / count).astype(np.float32)
    x = x0[..., None] + (x1 - x0)[..., None] * u
    y = y0[..., None] + (y1 - y0)[..., None] * u
    return x.reshape(*x.shape[:-2], -1), y.reshape(*y.shape[:-2], -1)
