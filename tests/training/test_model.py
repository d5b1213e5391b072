"""The trained model is still as good as it was measured: the cheap subset of `evaluate`, through the native library, against
models/foley-small/scores.json. Sounds of other processors differ in their last bits and then in their phases, so a share may
fall by two standard deviations of the binomial distribution, and no further."""
import json
import unittest
from pathlib import Path

from support import ROOT
import evaluate
import product

BUNDLE = Path(ROOT, "models", "foley-small")


def floor(share: float, count: int) -> float:
    """Two standard deviations of `count` draws under a share; Laplace's estimate keeps the deviation of 0 and 1 from being nothing."""
    estimate = (share * count + 1) / (count + 2)
    return share - 2 * (estimate * (1 - estimate) / count) ** 0.5


class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for needed, reason in ((BUNDLE / "bundle.json", "no model is trained yet"), (BUNDLE / "scores.json", "the model has not been measured (python3 -m evaluate)"),
                               (product.library_path(), "the native library is not built (scripts/build.sh --native cpu)")):
            if not needed.exists():
                raise unittest.SkipTest(reason)
        cls.committed = json.loads((BUNDLE / "scores.json").read_text(encoding="utf-8"))
        settings = cls.committed["settings"]
        options = evaluate.parsed([str(BUNDLE), "--quick", "--cfg", str(settings["cfg"]), "--steps", str(settings["steps"]), "--seed", str(settings["seed"])])
        cls.scores = evaluate.run(options, settings["cfg"])
        cls.measures = {measure["key"]: measure for measure in cls.scores["measures"]}
        cls.rows = cls.subset(cls.scores)
        cls.before = cls.subset(cls.committed)

    @staticmethod
    def subset(scores):
        return [row for row in scores["clips"] if row["condition"] == "video+text" and row["seed"] < evaluate.QUICK]

    def assert_kept(self, now: float, before: float, count: int, what: str) -> None:
        self.assertGreaterEqual(now, floor(before, count), f"{what} was {before:.3f} and is {now:.3f} over {count} clips; see {BUNDLE}/scores.json")

    def test_scores_are_of_this_bundle(self):
        self.assertEqual(self.scores["settings"]["bundle_sha256"], self.committed["settings"]["bundle_sha256"], "measure the bundle again: python3 -m evaluate")
        self.assertEqual([(row["class"], row["seed"]) for row in self.rows], [(row["class"], row["seed"]) for row in self.before])

    def test_right_sounds(self):
        now, before = (sum(row["right"] for row in rows) / len(rows) for rows in (self.rows, self.before))
        self.assert_kept(now, before, len(self.rows), "the judge's accuracy")

    def test_sounds_are_in_sync(self):
        def f1(rows):
            timed = [row for row in rows if "wanted" in row]
            return 2 * sum(row["hits"] for row in timed) / max(1, sum(row["found"] + row["wanted"] for row in timed)), len(timed)

        (now, count), (before, _) = f1(self.rows), f1(self.before)
        self.assert_kept(now, before, count, "onset F1")

    def test_sounds_are_clean(self):
        now, before = (sum(row["clean"] for row in rows) / len(rows) for rows in (self.rows, self.before))
        self.assert_kept(now, before, len(self.rows), "the share of clean sounds")

    def test_codec_keeps_sounds(self):
        # One clip of each class instead of several: their means differ by less than a quarter.
        before = next(measure["value"] for measure in self.committed["measures"] if measure["key"] == "codec.mean")
        self.assertLessEqual(self.measures["codec.mean"]["value"], 1.25 * before)

    def test_library_computes_what_the_twin_computes(self):
        for key, measure in self.measures.items():
            if key.startswith("parity."):
                self.assertTrue(measure["met"], f"{measure['what']}: {measure['value']}, at most {measure['at_most']}")


if __name__ == "__main__":
    unittest.main()
