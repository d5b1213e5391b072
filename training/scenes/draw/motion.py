"""Curves that more than one kind moves by."""
import numpy as np


def blows(times_s, hits_s, lifts, swing_s: float, rest: float = 0.15, rise_s: float = 0.3):
    """Height of something that strikes: 0 exactly at each hit, `lifts[i]` before it, `rest` when there is nothing to do.

    It is raised over `rise_s` (or what time there is) and falls with constant acceleration over the last `swing_s`.
    """
    times_s = np.asarray(times_s, np.float64)
    height = np.full(times_s.shape, rest)
    previous = -10.0
    for hit, lift in zip(hits_s, lifts):
        space = hit - previous
        swing = min(swing_s, 0.45 * space)
        rise = min(rise_s, space - swing)
        begin = hit - swing - rise
        u = np.clip((times_s - begin) / rise, 0, 1)
        base = rest if begin - previous > 0.25 else 0.0
        after = np.clip((times_s - previous) / 0.2, 0, 1)
        idle = rest * after if base else 0.0
        raised = idle + (lift - idle) * u * u * (3 - 2 * u)
        fall = np.clip((times_s - (hit - swing)) / swing, 0, 1)
        mine = (times_s > previous) & (times_s <= hit)
        height = np.where(mine, raised * (1 - fall**2), height)
        previous = hit
    if previous > -10:
        height = np.where(times_s > previous, rest * np.clip((times_s - previous) / 0.25, 0, 1), height)
    return height


def pulse(times_s, starts_s, decay_s: float):
    """1 just after each start, falling as exp(−t/decay); [num_frames]."""
    out = np.zeros(np.shape(times_s))
    for start in starts_s:
        age = np.asarray(times_s) - start
        out = np.maximum(out, np.where(age >= 0, np.exp(-np.maximum(age, 0) / decay_s), 0))
    return out
