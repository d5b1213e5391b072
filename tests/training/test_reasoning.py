"""What the recogniser tells is read as it is told, and held against numbers that are measured again."""
import unittest
from types import SimpleNamespace

import numpy as np

import support  # noqa: F401  puts training/ on the path
import reasoning
import thoughts
from evaluation import hearing


def told(seen, timing, events=(), provider="recogniser"):
    return {"provider": provider, "caption": "", "chain_of_thought": "", "events": [{"object": name, "start_s": at} for name, at in events],
            "thoughts": {"seen": seen, "timing": timing, "sound": "", "space": "", "avoid": "", "mix": ""}}


KNOCK = ("The recogniser sees knock (0.92) and rain (0.61); it is sure from 0.50 on. The material is wood (0.80). "
         "Something moves 50 % of the time, over 4 % of the picture, in the middle (0.50, 0.50), by up to 3.0 levels. Brightness is 0.42.")
PLACED = "2 onsets of probability 0.30 or more, ascribed to fist: 0.51 s (0.90), 1.51 s (0.34). 1 of 2 is uncertain, below 0.50."


class ReadingTest(unittest.TestCase):
    def test_events_and_names_are_read(self):
        thought = reasoning.read_thought(told(KNOCK, PLACED, [("fist", 0.51), ("rain", 0), ("fist", 1.51)]))
        self.assertEqual((thought.class_name, thought.class_sure, thought.material, thought.material_sure), ("knock", True, "wood", True))
        self.assertEqual(list(thought.onsets), [0.51, 1.51])

    def test_what_is_uncertain_is_read_as_such(self):
        thought = reasoning.read_thought(told("The recogniser is uncertain: its best guess, bell, has probability 0.49 and would need 0.50. "
                                              "The material is uncertain: wood has 0.30 and would need 0.50.", "No onset reaches 0.50 here."))
        self.assertEqual((thought.class_name, thought.class_sure, thought.material, thought.material_sure), ("bell", False, "wood", False))
        self.assertEqual(len(thought.onsets), 0)

    def test_a_thought_that_contradicts_its_events_and_another_provider_are_refused(self):
        with self.assertRaisesRegex(ValueError, "1 events"):
            reasoning.read_thought(told(KNOCK, PLACED, [("fist", 0.51)]))
        with self.assertRaisesRegex(ValueError, "provider chat"):
            reasoning.read_thought(told(KNOCK, PLACED, provider="chat"))

    def test_measures_compare_words_and_find_events(self):
        scenes = [SimpleNamespace(class_name=name, material=material, events=[SimpleNamespace(time_s=at, visible=True, strength=1) for at in times])
                  for name, material, times in (("knock", "wood", (1.0, 2.0)), ("bell", "metal", (0.5,)), ("rain", "none", ()))]
        thoughts_of = [reasoning.Thought("knock", True, "wood", True, np.array([1.05, 3.0]), "", ""), reasoning.Thought("bell", False, "wood", True, np.array([0.5]), "", ""),
                       reasoning.Thought("rain", True, "none", True, np.zeros(0), "", "")]

        def heard(*right):
            return [SimpleNamespace(right=one) for one in right]
        values = {m.key: m for m in reasoning.measures(scenes, thoughts_of, {"reasoned": heard(1, 1, 0), "own": heard(1, 1, 1), "picture": heard(0, 0, 1)}, heard(1, 1, 1))}
        self.assertAlmostEqual(values["ratio"].value, 2 / 3)
        self.assertAlmostEqual(values["events"].value, 2 * 2 / (3 + 3))
        self.assertEqual(values["events"].lower, 0)
        self.assertEqual((values["class"].value, values["class.sure"].value, values["class.sure"].clips), (1, 1, 2))
        self.assertEqual((values["material"].value, values["material"].clips, values["material"].lower), (0.5, 2, 0.5))

    def test_the_tolerance_is_that_of_the_measure(self):
        pairs = [(np.array([1.07]), np.array([1.0]))]
        self.assertEqual((hearing.f1(pairs), hearing.f1(iter(pairs), 0.08)), (0, 1))


class TracingTest(unittest.TestCase):
    def seen(self, **changes):
        onsets, motion = np.zeros(192, np.float32), np.zeros(48)
        onsets[48], onsets[144], motion[:24] = 0.9, 0.34, 3.0
        values = {"frames": None, "classes": {"knock": 0.93, "rain": 0.6}, "materials": {"wood": 0.8}, "apart": {"knock": 0.0, "rain": 0.0, "wood": 0.1}, "onsets": onsets, "motion": motion, "brightness": 0.42}
        return thoughts.Seen(**{**values, **changes})

    def test_every_number_is_found_again_or_named(self):
        found = thoughts.check(SimpleNamespace(name="a.mp4"), told(KNOCK, PLACED), self.seen())
        self.assertEqual(len(found), 7)
        with self.assertRaisesRegex(ValueError, "a.mp4: brightness is told as 0.42 and measured as 0.60"):
            thoughts.check(SimpleNamespace(name="a.mp4"), told(KNOCK, PLACED), self.seen(brightness=0.6))
        with self.assertRaisesRegex(ValueError, 'no number in "It is loud."'):
            thoughts.check(SimpleNamespace(name="a.mp4"), told(KNOCK + " It is loud.", PLACED), self.seen())

    def test_motion_is_the_change_of_tiles_and_a_cut_is_none(self):
        frames = np.full((4, 48, 96, 3), 60, np.uint8)
        frames[1, :2, :4] = 90   # one of 576 tiles
        frames[3:] = 200
        motion, brightness = thoughts.motion_of(frames)
        self.assertTrue(np.allclose(motion, [30 / 576, 30 / 576, 0, 0], atol=1e-4))
        self.assertAlmostEqual(brightness, (3 * 60 + 200) / 4 / 255, places=3)


if __name__ == "__main__":
    unittest.main()
