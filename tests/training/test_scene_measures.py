"""The measures of generated sound, against closed forms and known sounds."""
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

import support  # noqa: F401  puts training/ on the path
import onset_cases
from scenes import Event, onsets, quality
from scenes.classifier import Classifier, NUM_STATISTICS, fit, statistics

RATE = 44100


def clicks(times_s, duration_s=4.0, seed=0):
    rng = np.random.default_rng(seed)
    audio = np.zeros((2, int(RATE * duration_s)), np.float32)
    for time in times_s:
        start = int(RATE * time)
        audio[:, start : start + 2000] += 0.3 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    return audio


class OnsetMeasures(unittest.TestCase):
    def test_finds_clicks_to_within_a_frame(self):
        times = np.array([0.3, 0.55, 1.0, 1.82, 2.9, 3.5])
        found = onsets.detect(clicks(times))
        self.assertEqual(len(found), len(times))
        self.assertLess(np.abs(found - times).max(), 1 / onsets.RATE_HZ)

    def test_silence_and_steady_tone_have_none(self):
        self.assertEqual(len(onsets.detect(np.zeros((2, RATE), np.float32))), 0)
        tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE) * np.minimum(1, np.arange(2 * RATE) / RATE)
        self.assertEqual(len(onsets.detect(tone)), 0)

    def test_matches_one_to_one_closest_first(self):
        errors = onsets.match([1.0, 1.04, 2.0], [1.03, 3.0])
        np.testing.assert_allclose(errors, [0.01])

    def test_lag_has_size_and_sign(self):
        times = np.array([0.4, 0.9, 1.7, 2.2, 3.1])
        for late in (-0.3, -0.08, 0.0, 0.1, 0.25):
            events = [Event(t - late, "hit", 1.0, 0.0, t - late) for t in times]
            self.assertAlmostEqual(onsets.lag(clicks(times), events), late, delta=1.5 / onsets.RATE_HZ)

    def test_score_of_perfect_and_absent_sound(self):
        times = [0.5, 1.5, 2.5]
        events = [Event(t, "hit", 1.0, 0.0, t) for t in times]
        self.assertEqual(onsets.score([(clicks(times), events)]).f1, 1.0)
        self.assertEqual(onsets.score([(np.zeros((2, 4 * RATE), np.float32), events)]).f1, 0.0)

    def test_gives_the_numbers_that_the_managed_detector_is_held_to(self):
        stored = json.loads(onset_cases.FILE.read_text(encoding="utf-8"))
        for case, computed in zip(stored, onset_cases.compute(), strict=True):
            self.assertEqual({**case, "flux": None}, {**computed, "flux": None})
            for frame, value in computed["flux"].items():
                self.assertAlmostEqual(case["flux"][frame], value, delta=2e-4)  # f32: 1e-7 of the loudest over the floor 2e-3


class Quality(unittest.TestCase):
    def test_loudness_of_the_reference_tone(self):
        # BS.1770-4: a 997 Hz sine at 0 dBFS in one channel is −3.01 LUFS.
        sine = np.sin(2 * np.pi * 997 * np.arange(5 * RATE) / RATE)
        self.assertAlmostEqual(quality.loudness(np.stack([sine, 0 * sine])), -3.01, delta=0.05)
        self.assertEqual(quality.loudness(np.zeros((2, RATE))), float("-inf"))

    def test_hygiene_sees_each_fault(self):
        quiet = 0.1 * np.random.default_rng(0).standard_normal((2, RATE)).clip(-3, 3)
        self.assertTrue(quality.hygiene(quiet - quiet.mean(1, keepdims=True)).ok())
        self.assertFalse(quality.hygiene(quiet + 0.01).ok())
        self.assertFalse(quality.hygiene(np.where(np.arange(RATE) == 5, np.nan, quiet)).ok())
        self.assertFalse(quality.hygiene(quiet * 10).ok())
        self.assertFalse(quality.hygiene(quiet).ok(silent=True))
        self.assertTrue(quality.hygiene(0 * quiet).ok(silent=True))

    def test_frechet_distance_of_known_gaussians(self):
        rng = np.random.default_rng(0)
        a = rng.standard_normal((20000, 4))
        scale, shift = np.array([1.0, 2.0, 0.5, 1.0]), np.array([1.0, 0.0, 0.0, -2.0])
        b = rng.standard_normal((20000, 4)) * scale + shift
        exact = np.sum(shift**2) + np.sum((1 - scale) ** 2)
        self.assertAlmostEqual(quality.frechet(a, b), exact, delta=0.15)  # sampling: 6 standard errors of the means
        self.assertAlmostEqual(quality.frechet(a, a), 0, delta=1e-6)

    def test_variety_is_a_ratio_of_spreads(self):
        rng = np.random.default_rng(0)
        clips = rng.standard_normal((30, 8))
        self.assertAlmostEqual(quality.variety([0.5 * clips], [clips]), 0.5, places=9)
        self.assertAlmostEqual(quality.variety([np.repeat(clips[:1], 4, 0)], [clips]), 0.0, places=9)

    def test_divergence_is_zero_only_for_equal_posteriors(self):
        logits = np.random.default_rng(0).standard_normal((5, 7))
        self.assertAlmostEqual(quality.divergence(logits, logits + 3), 0, places=9)
        self.assertGreater(quality.divergence(logits, -logits), 0.1)


class Judge(unittest.TestCase):
    def test_learns_two_kinds_of_noise_and_keeps_them_in_a_file(self):
        rng = np.random.default_rng(0)

        def sound(kind):
            noise = rng.standard_normal((2, RATE // 2)).astype(np.float32)
            return 0.1 * (noise if kind == 0 else np.cumsum(noise, 1) / 30)

        labels = np.arange(64) % 2
        x = np.stack([statistics(sound(k)) for k in labels])
        self.assertEqual(x.shape, (64, NUM_STATISTICS))
        model = fit(x, labels, classes=("white", "brown"), epochs=15)
        tests = [sound(k) for k in (0, 1, 1, 0)]
        guess, logits, features = model.judge(tests)
        self.assertEqual(guess.tolist(), [0, 1, 1, 0])
        self.assertEqual((logits.shape, features.shape), ((4, 2), (4, 128)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "judge.pt"
            model.save(path)
            np.testing.assert_array_equal(Classifier.load(path).judge(tests)[1], logits)


if __name__ == "__main__":
    unittest.main()
