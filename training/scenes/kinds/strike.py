"""A hammer or a stick swings and strikes an object at rest. The farther it is raised, the faster and louder the blow."""
import numpy as np

from ..sound.modal import MATERIALS, Body
from .base import Kind, Words, choose, rhythm

OBJECTS = {"wood": ("plank", "block"), "metal": ("pan", "pipe", "plate"), "glass": ("bottle", "jar"), "stone": ("stone", "brick"),
           "skin": ("drum",)}


class Strike(Kind):
    name = "strike"
    SWING_S = 0.09   # from the top of the swing to the contact

    def __init__(self, rng, stage):
        super().__init__(rng, stage)
        self.material = choose(rng, ("wood", "metal", "glass", "stone", "skin", "skin"))
        self.object = choose(rng, OBJECTS[self.material])
        self.tool = "stick" if self.material == "skin" else choose(rng, ("hammer", "stick", "mallet"))
        self.size = rng.random()
        self.place = self.x(rng, 0.6)
        self.side = choose(rng, (-1, 1))
        interval = np.exp(rng.uniform(np.log(0.24), np.log(1.3)))
        times = rhythm(rng, rng.uniform(0.15, 0.7), stage.duration_s, interval, choose(rng, (0.02, 0.2)))
        self.lifts = rng.uniform(0.25, 1.0, len(times))
        for time, lift in zip(times, self.lifts):
            self.emit(time, "strike", 0.15 + 0.85 * lift, self.place)
        self.body = Body(rng, self.material, self.size)
        self.use_recordings(rng, f"impact_{self.material}")

    def sound(self, rng, mix):
        for event in self.events:
            mix.place(self.hit(rng, self.body, event.strength), event.time_s, self.level * event.strength, event.x)

    def words(self, rng):
        m = MATERIALS[self.material]
        thing = self.object if self.object in ("drum", "stone", "brick") else f"{m.adjective} {self.object}"
        verb = choose(rng, ("strikes", "hits", "beats on", "strikes"))
        clause = choose(rng, (f"a {self.tool} {verb} a {thing}", f"someone {choose(rng, ('hits', 'strikes'))} a {thing} with a {self.tool}",
                              f"a {thing} is struck with a {self.tool}"))
        return Words(clause, f"a {self.tool} swinging at a {thing}", choose(rng, m.words), ("footsteps", "engine noise"))
