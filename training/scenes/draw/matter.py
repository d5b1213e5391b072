"""How materials look: base colour, grain and shine, on balls, boxes and ground."""
import numpy as np

from .style import hsv


def base_colour(rng, style, material: str):
    """A colour things of that matter may have, wide on purpose, apart from the background."""
    return style.apart(_plain_colour(rng, style, material))


def _plain_colour(rng, style, material: str):
    if material == "wood":
        return hsv(rng.uniform(0.05, 0.11), rng.uniform(0.35, 0.75), rng.uniform(0.35, 0.85))
    if material == "metal":
        return (
            hsv(rng.uniform(0.08, 0.14), rng.uniform(0.4, 0.6), 0.8)
            if rng.random() < 0.25
            else hsv(rng.random(), rng.uniform(0, 0.1), rng.uniform(0.5, 0.8))
        )
    if material == "glass":
        return hsv(rng.uniform(0.3, 0.65), rng.uniform(0.1, 0.4), rng.uniform(0.75, 1.0))
    if material == "stone":
        return hsv(rng.random(), rng.uniform(0, 0.15), rng.uniform(0.3, 0.65))
    if material == "grass":
        return hsv(rng.uniform(0.2, 0.38), rng.uniform(0.5, 0.85), rng.uniform(0.3, 0.7))
    if material == "snow":
        return hsv(rng.uniform(0.5, 0.65), rng.uniform(0, 0.1), rng.uniform(0.85, 1.0))
    if material == "gravel":
        return hsv(rng.uniform(0.05, 0.15), rng.uniform(0.05, 0.3), rng.uniform(0.4, 0.65))
    return style.colour((0.5, 1.0))


def grain(rng, material: str, scale: float = 1.0):
    """Shade function (dx, dy) → factor: rings of wood, specks of stone, gradient of metal."""
    phase = rng.uniform(0, 6.28, 8)
    turn = rng.uniform(-0.4, 0.4)
    if material == "wood":
        rate = rng.uniform(22, 34) / scale
        return lambda dx, dy, f=None: 1 + 0.28 * np.sin(
            rate * (dy + turn * dx) + 2.2 * np.sin(4 * dx / scale + phase[0]) + phase[1]
        )
    if material in ("stone", "gravel"):
        rates = rng.uniform(18, 36, (4, 2)) / scale * rng.choice([-1, 1], (4, 2))
        depth = 0.13 if material == "stone" else 0.22
        return lambda dx, dy, f=None: 1 + depth * sum(np.sin(a * dx + b * dy + p) for (a, b), p in zip(rates, phase))
    if material == "metal":
        rate = rng.uniform(5, 9) / scale
        return lambda dx, dy, f=None: 1 + 0.45 * np.sin(rate * (dx * turn + dy) + phase[0])
    if material == "grass":
        rate = rng.uniform(40, 60)
        return lambda dx, dy, f=None: 1 + 0.25 * np.sin(rate * dx + 3 * np.sin(9 * dy + phase[0]))
    if material == "snow":
        return lambda dx, dy, f=None: 1 + 0.03 * np.sin(13 * dx + phase[0]) * np.sin(11 * dy + phase[1])
    return None


def ball(canvas, rng, style, material, x, y, rx, ry):
    """A ball [num_frames] of a material: matte or shiny, opaque or clear."""
    colour = base_colour(rng, style, material)
    lx, ly = np.cos(style.light), np.sin(style.light)
    r = canvas.per_frame(rx)[:, None, None]
    texture = grain(rng, material, 1.0)

    def shade(dx, dy, f):
        light = 0.85 + 0.3 * (dx * lx + dy * ly) / r[f]
        return light if texture is None else light * texture(dx, dy, f)

    if material == "glass":
        canvas.ellipse(x, y, rx, ry, colour, alpha=0.4)
        canvas.ring(x, y, rx * 0.93, ry * 0.93, rx * 0.16, np.minimum(colour * 1.1, 1), alpha=0.85)
    else:
        canvas.ellipse(x, y, rx, ry, colour, shade=shade)
    if material == "rubber":
        canvas.ring(x, y, rx * 0.55, ry * 0.55, rx * 0.2, 1 - colour, alpha=0.8)
    shine = {"metal": (0.3, 1.0), "glass": (0.22, 1.0), "rubber": (0.0, 0), "wood": (0.0, 0), "stone": (0.0, 0)}.get(
        material, (0.0, 0)
    )
    if shine[0]:
        canvas.disc(x + 0.4 * rx * lx, y + 0.4 * ry * ly, rx * shine[0], np.ones(3), alpha=shine[1] * 0.9, soft=0.04)


def block(canvas, rng, style, material, x, y, half_x, half_y, angle=0.0):
    """A box of a material."""
    colour = base_colour(rng, style, material)
    if material == "glass":
        canvas.box(x, y, half_x, half_y, colour, angle, alpha=0.45)
        canvas.box(
            np.asarray(x) - 0.45 * np.asarray(half_x),
            y,
            np.asarray(half_x) * 0.18,
            np.asarray(half_y) * 0.85,
            np.ones(3),
            angle,
            alpha=0.7,
        )
        return
    canvas.box(x, y, half_x, half_y, colour, angle, shade=grain(rng, material))
    canvas.box(
        x,
        np.asarray(y) + 0.86 * np.asarray(half_y) * np.cos(angle),
        half_x,
        np.asarray(half_y) * 0.14,
        np.minimum(colour * 1.35, 1),
        angle,
        alpha=0.6,
    )


def ground(canvas, rng, style, stage, top_y, material: str | None = None):
    """The floor of a kind's share of the picture, from `top_y` down."""
    colour = (
        base_colour(rng, style, material)
        if material
        else style.near(style.second * rng.uniform(0.5, 0.9) + rng.uniform(0, 0.15), 0.2)
    )
    depth = (top_y + 1.4) / 2
    wide = 1.3 if stage.half >= 1 else stage.half
    canvas.box(stage.centre, top_y - depth, wide, depth, colour, shade=grain(rng, material) if material else None)
    canvas.box(stage.centre, top_y - 0.015, wide, 0.02, np.clip(colour * 1.25, 0, 1), alpha=0.5)
    return colour
