"""Real recordings placed into scenes: one-shots at the events' times, ambiences as beds. (Manifest: training/data.)"""


class Take:
    pass


def family(rng, label, split):
    return []


def varied(wave, ratio):
    return wave
