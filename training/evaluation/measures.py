"""The questions that a bundle is measured by, their thresholds, and the anchors beside each figure."""
import math
from dataclasses import asdict, dataclass

import numpy as np

from scenes import CLASSES, quality
from evaluation import hearing

RIGHT_SOUND = {"video+text": 0.85, "text": 0.80, "video": 0.65}  # conditions that are no product's claim have no threshold
SILENT_DBFS = -55


@dataclass(frozen=True)
class Measure:
    """One figure. `at_least` and `at_most` are the thresholds, none for figures that are only tracked; `upper` is the same
    of true sound, `restored` of true sound through the codec, `lower` of mismatched sound or of chance."""
    key: str
    question: str
    what: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    upper: float | None = None
    restored: float | None = None
    lower: float | None = None
    clips: int | None = None
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """None where there is no threshold; a figure that is not a number meets none."""
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.value >= self.at_least
        return bool(above and (self.at_most is None or self.value <= self.at_most))

    def as_dict(self) -> dict:
        """Ready for JSON, figures rounded to four digits; what does not apply is left out."""
        def tidy(value):
            if isinstance(value, float):
                return float(f"{value:.4g}") if math.isfinite(value) else str(value)
            return value
        return {name: tidy(value) for name, value in asdict(self).items() if value not in (None, "")} | ({} if self.met is None else {"met": self.met})


def of_condition(condition: str, heard: list, true: list, restored: list) -> list[Measure]:
    """Right sound and sync of sounds made under one condition; `true` are those of the same scenes, `restored` of the first."""
    anchored = true[: len(restored)]
    listed = [Measure(f"right_sound.{condition}", "right sound", f"accuracy of the judge, {condition}", hearing.accuracy(heard), RIGHT_SOUND.get(condition),
                      upper=hearing.accuracy(true), restored=hearing.accuracy(restored) if restored else None, lower=1 / len(CLASSES), clips=len(heard))]
    if "video" in condition.split("+"):
        listed += in_sync(condition, heard, true, restored, held=condition == "video+text")
    return listed + [
        Measure(f"frechet.{condition}", "distribution", f"Fréchet distance of the judge's features, {condition}", _frechet(true, heard), upper=0.0,
                restored=_frechet(anchored, restored), clips=len(heard)),
        Measure(f"divergence.{condition}", "distribution", f"divergence of the judge's posteriors, {condition}", _divergence(true, heard), upper=0.0,
                restored=_divergence(anchored, restored), lower=_divergence(true, true[1:] + true[:1]), clips=len(heard), unit="nat")]


def _frechet(true, heard) -> float | None:
    """None for fewer than two."""
    return quality.frechet([one.features for one in true], [one.features for one in heard]) if len(heard) > 1 else None


def _divergence(true, heard) -> float | None:
    if not heard:
        return None
    return quality.divergence(np.stack([one.logits for one in true]), np.stack([one.logits for one in heard]))


def in_sync(condition: str, heard: list, true: list, restored: list, held: bool) -> list[Measure]:
    """`held`: with thresholds."""
    timed = len(hearing.timed(heard))
    ours, upper, lower = hearing.sync_f1(heard), hearing.sync_f1(true), hearing.mismatched_f1(heard)

    def bound(value):
        return value if held else None

    def through(figure, factor=1.0):
        return factor * figure(restored) if hearing.timed(restored) else None

    return [
        Measure(f"sync_f1.{condition}", "in sync", f"onset F1 within 60 ms, {condition}", ours, bound(0.75 * upper), upper=upper,
                restored=through(hearing.sync_f1), lower=lower, clips=timed),
        Measure(f"sync_chance.{condition}", "in sync", f"onset F1 over that of mismatched events, {condition}", _ratio(ours, lower), bound(2.0),
                upper=_ratio(upper, hearing.mismatched_f1(true)), lower=1.0, clips=timed),
        Measure(f"sync_error.{condition}", "in sync", f"median error of onsets, {condition}", 1000 * hearing.median_error_s(heard), at_most=bound(25.0),
                upper=1000 * hearing.median_error_s(true), restored=through(hearing.median_error_s, 1000), clips=timed, unit="ms"),
        Measure(f"lag.{condition}", "no lag", f"median size of the cross-correlation's lag, {condition}", 1000 * hearing.median_lag_s(heard), at_most=bound(40.0),
                upper=1000 * hearing.median_lag_s(true), restored=through(hearing.median_lag_s, 1000), clips=timed, unit="ms")]


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.inf if a else 0.0


def codec(distances: dict[str, list], silence: dict[str, list]) -> list[Measure]:
    """Of log-mel distances by class: through the codec, and to silence."""
    means, silent = ({name: np.mean(values) for name, values in by_class.items()} for by_class in (distances, silence))
    worst = max(means, key=means.get)
    count = sum(len(values) for values in distances.values())
    return [Measure("codec.mean", "codec", "log-mel distance, mean over classes", float(np.mean(list(means.values()))), at_most=0.15, upper=0.0,
                    lower=float(np.mean(list(silent.values()))), clips=count, unit="nat"),
            Measure("codec.worst", "codec", f"log-mel distance, worst class ({worst})", float(means[worst]), at_most=0.30, upper=0.0, lower=float(silent[worst]),
                    clips=len(distances[worst]), unit="nat")]


def variety(seeds_of_scenes: list[list], true: list) -> Measure:
    return Measure("variety", "variety", "distance between seeds over that of true clips of a class, video+text", hearing.variety(seeds_of_scenes, true), 0.3, 1.2,
                   upper=1.0, lower=0.0, clips=sum(map(len, seeds_of_scenes)))


def words_steer(own: list, other: list) -> list[Measure]:
    """Of the same pictures with their own words, and with those of another class: `other` belong to the words' scenes."""
    followed = (hearing.accuracy(own) + hearing.accuracy(other)) / 2
    return [Measure("words_steer", "words steer", "same picture, two captions: the judge hears the caption's class", followed, 0.75, lower=1 / len(CLASSES),
                    clips=len(own) + len(other)),
            Measure("words_steer.own", "words steer", "of these, the picture's own caption", hearing.accuracy(own), lower=1 / len(CLASSES), clips=len(own)),
            Measure("words_steer.against", "words steer", "of these, a caption that contradicts the picture", hearing.accuracy(other), lower=1 / len(CLASSES), clips=len(other))]


def hygiene(heard: list, true: list) -> list[Measure]:
    """Of all sounds that were made, as they leave the decoder."""
    silent = [one.hygiene.peak_dbfs for one in heard if one.scene.class_name == "silence" and one.hygiene.finite]
    levels = {one.scene.seed: one.hygiene.loudness_lufs for one in true}
    apart = [abs(one.hygiene.loudness_lufs - levels[one.scene.seed]) for one in heard
             if math.isfinite(one.hygiene.loudness_lufs) and math.isfinite(levels.get(one.scene.seed, math.nan))]
    return [Measure("hygiene", "hygiene", "sounds that are finite, below −0.3 dBFS, DC below 0.001, silent where they should be", float(np.mean([one.clean for one in heard])), 1.0,
                    upper=float(np.mean([one.clean for one in true])), clips=len(heard)),
            *([Measure("hygiene.silence", "hygiene", "loudest sample of silent scenes", max(silent), at_most=SILENT_DBFS, clips=len(silent), unit="dBFS")] if silent else []),
            *([Measure("hygiene.loudness", "hygiene", "median difference of loudness from the true sound's", float(np.median(apart)), upper=0.0, clips=len(apart), unit="LU")]
              if apart else [])]


def recorded(heard: list, true: list) -> list[Measure]:
    """Of scenes whose source is a real recording by authors that training never heard."""
    return [Measure("recorded.right_sound", "real recordings", "accuracy of the judge, video+text", hearing.accuracy(heard), upper=hearing.accuracy(true),
                    lower=1 / len(CLASSES), clips=len(heard)),
            Measure("recorded.sync_f1", "real recordings", "onset F1 within 60 ms, video+text", hearing.sync_f1(heard), upper=hearing.sync_f1(true),
                    lower=hearing.mismatched_f1(heard), clips=len(hearing.timed(heard)))]


def by_class(conditions: dict[str, list], true: list, distances: dict[str, list]) -> dict[str, dict]:
    """Accuracy by condition, F1 beside the true sound's, codec distance, and what the first condition's wrong ones are heard as."""
    def only(heard, name):
        return [one for one in heard if one.scene.class_name == name]

    table = {}
    for name in CLASSES:
        if not only(true, name):
            continue
        row = {f"accuracy.{condition}": hearing.accuracy(only(heard, name)) for condition, heard in conditions.items()}
        if hearing.timed(only(true, name)):
            row |= {f"f1.{condition}": hearing.sync_f1(only(heard, name)) for condition, heard in conditions.items() if "video" in condition.split("+")}
            row["f1.true"] = hearing.sync_f1(only(true, name))
        row["accuracy.true"] = hearing.accuracy(only(true, name))
        if name in distances:
            row["codec"] = float(np.mean(distances[name]))
        wrong = sorted({one.guess for heard in list(conditions.values())[:1] for one in only(heard, name) if not one.right})
        table[name] = {key: round(value, 3) for key, value in row.items()} | ({"heard_as": wrong} if wrong else {})
    return table
