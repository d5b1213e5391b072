"""Measures a bundle with the product itself, the native library, on held-out scenes of 4 s.

    python3 -m evaluate models/foley-small -o models/foley-small/scores.json       everything, about eight minutes on two cores
    python3 -m evaluate build/training/foley-small --cfg 1,2,3,5 --count 44        a table of guidances, to choose one by
    python3 -m evaluate models/foley-small --quick                                 what the tests hold against scores.json

Beside scores.json a scores.md has the same as tables. Conditions: `video` is the silent picture, `text` the caption that a
user would type, `cot` the scene's own chain of thought, which names its times; joined by +. `--sound true` and `--sound
restored` put the scenes' own sound, or that through the codec, in the place of the model's: what the measures are worth.
"""
import argparse
import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # listening is many small steps; the library has threads of its own

import numpy as np

import codec_score
import judge as judges
import product
import scenes
from evaluation import clips, files, hearing, measures, parity, report

CONDITIONS = ("video+text", "text", "video")
QUICK = 2 * len(scenes.CLASSES)  # clips of the cheap subset, the first of all
PART = 22                        # clips between two lines of progress
DEFAULT_CFG, DEFAULT_STEPS = 5.0, 24  # the product's own, where a bundle recommends nothing
JUDGE = Path(__file__).parent / "evaluation" / "judge.safetensors"


class Evaluation:
    """A bundle, a judge and the held-out scenes; every method makes sounds and hears them."""

    def __init__(self, options, cfg: float):
        self.options, self.cfg = options, cfg
        self.judge = judges.read(options.judge)
        self.held = clips.held_out(options.count, options.workers)
        self.say(f"{len(self.held)} scenes")
        self.engine = product.Engine(options.bundle, threads=options.threads)
        self.seen = {}  # video features by scene
        self.ahead = ThreadPoolExecutor(1)  # the product works on the next sound while this one is heard

    began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", flush=True)

    def video(self, scene) -> dict:
        key = scene.class_name, scene.seed
        if key not in self.seen:
            self.seen[key] = self.engine.video_features(scene.frames, scene.duration_s)
        return self.seen[key]

    def make(self, picture, words, condition: str, variation: int = 0) -> np.ndarray:
        """A sound for one scene's picture and another's words, or what stands in its place."""
        if self.options.sound != "product":
            sound = (words if "text" in condition else picture).audio
            return sound if self.options.sound == "true" else self.engine.restore(sound)
        given = condition.split("+")
        return self.engine.generate(
            duration_s=picture.duration_s, seed=clips.generation_seed(self.options.seed, picture, variation), steps=self.options.steps, cfg=self.cfg,
            caption=words.caption if "text" in given else None, cot=words.cot if "cot" in given else None, **(self.video(picture) if "video" in given else {}))

    def hear(self, label: str, jobs: list, make) -> list:
        """What is heard of `make(*job)`, a list of (job, sound) pairs; the job's last scene is what it is held against."""
        heard = []
        for job, audio in zip(jobs, self.ahead.map(lambda job: make(*job), jobs)):
            heard.append(hearing.listen(self.judge, job[-1], audio))
            if len(heard) % PART == 0 or len(heard) == len(jobs):
                self.say(f"{label}: {len(heard)} of {len(jobs)}, accuracy {hearing.accuracy(heard):.2f}, F1 {hearing.sync_f1(heard):.2f}")
        return heard

    def anchors(self, through_codec: int):
        """(true, restored) of the held-out scenes, and the codec's distances by class; `through_codec`: of the first so many."""
        true = self.hear("true sound", [(scene,) for scene in self.held], lambda scene: scene.audio)
        distances, silence = {}, {}

        def restore(scene):
            sound = self.engine.restore(scene.audio)
            distances.setdefault(scene.class_name, []).append(codec_score.distance(scene.audio, sound))
            silence.setdefault(scene.class_name, []).append(codec_score.distance(scene.audio, np.zeros_like(scene.audio)))
            return sound

        restored = self.hear("through the codec", [(scene,) for scene in self.held[:through_codec]], restore)
        return true, restored, distances, silence

    def condition(self, condition: str) -> list:
        return self.hear(condition, [(scene, scene) for scene in self.held], lambda picture, words: self.make(picture, words, condition))

    def variety(self, own: list) -> list[list]:
        """Three seeds of the first scene of each class."""
        first = [one for one in own[: len(scenes.CLASSES)] if one.scene.class_name != "silence"]
        jobs = [(variation, one.scene, one.scene) for one in first for variation in (1, 2)]
        more = self.hear("other seeds", jobs, lambda variation, picture, words: self.make(picture, words, "video+text", variation))
        return [[one, *more[2 * k : 2 * k + 2]] for k, one in enumerate(first)]

    def words_steer(self, own: list):
        """The pictures of the first scene of each class: heard with its own words, and with those of another."""
        pairs = clips.words_of_another(self.held)
        with_own = {one.scene.class_name: one for one in own[: len(scenes.CLASSES)]}
        other = self.hear("words of another class", pairs, lambda picture, words: self.make(picture, words, "video+text"))
        return [with_own[picture.class_name] for picture, _ in pairs], other

    def recorded(self):
        held = clips.recorded(2, self.options.workers)
        true = self.hear("real recordings, true", [(scene,) for scene in held], lambda scene: scene.audio)
        return self.hear("real recordings", [(scene, scene) for scene in held], lambda picture, words: self.make(picture, words, "video+text")), true


def line(condition: str, one: hearing.Heard) -> dict:
    """A clip's row in scores.json."""
    row = {"condition": condition, "class": one.scene.class_name, "seed": one.scene.seed, "heard_as": one.guess, "right": one.right}
    if len(one.times):
        row |= {"hits": one.hits, "found": len(one.onsets), "wanted": len(one.times), "lag_ms": round(1000 * one.lag_s)}
    return row | {"peak_dbfs": float(f"{max(one.hygiene.peak_dbfs, -200):.1f}"), "clean": one.clean}


def run(options, cfg: float) -> dict:
    """All measures of one guidance, written after every stage."""
    work = Evaluation(options, cfg)
    listed, made, rows = [], {}, []
    settings = {"cfg": cfg, "steps": options.steps, "seed": options.seed, "count": options.count, "duration_s": clips.DURATION_S, "sound": options.sound,
                "precision": work.engine.info.precision.decode(), "threads": work.engine.info.num_threads, "quick": options.quick,
                "bundle_sha256": report.digest(options.bundle), "judge_sha256": hashlib.sha256(options.judge.read_bytes()).hexdigest()[:16]}
    true, restored, distances, silence = work.anchors(len(scenes.CLASSES) if options.quick else options.count)

    def add(*new: measures.Measure) -> None:
        for measure in new:
            listed.append(measure)
            m = measure.as_dict()
            work.say(f"  {measure.question}: {measure.what}: {report.number(measure.value, measure.unit)} ({report.threshold(m)}) {report.verdict(m)}")

    def finished() -> dict:
        scores = report.scores(work.engine.info.name.decode(), settings, listed, measures.by_class(made, true, distances), rows)
        if options.output:
            report.write(options.output, scores)
        return scores

    for condition in options.conditions:
        made[condition] = heard = work.condition(condition)
        add(*measures.of_condition(condition, heard, true, restored))
        rows += [line(condition, one) for one in heard]
        finished()
    add(*measures.codec(distances, silence))
    if not options.quick and "video+text" in made:
        if options.count >= 2 * len(scenes.CLASSES):
            add(measures.variety(work.variety(made["video+text"]), true))
        add(*measures.words_steer(*work.words_steer(made["video+text"])))
        add(*measures.recorded(*work.recorded()))
        finished()
    add(*measures.hygiene([one for heard in made.values() for one in heard], true))
    if (options.bundle / "model.safetensors").exists():
        add(*parity.measure(options.bundle, work.held[0]))
    if not options.quick and files.available():
        add(files.silence(options.bundle, 2, "--cfg", f"{cfg:g}", "--steps", str(options.steps)))
        add(*files.speed(options.bundle))
    elif not options.quick:
        work.say(f"speed, memory and files are not measured: there is no {files.PROGRAM.name} in {files.PROGRAM.parent}; `scripts/build.sh --cli` builds it")
    return finished()


def guidances(options) -> None:
    """A table of right sound and sync by guidance."""
    work = Evaluation(options, 1.0)
    true, restored, *_ = work.anchors(0)
    rows = []
    for work.cfg in options.cfg:
        heard = {condition: work.condition(condition) for condition in options.conditions}
        figures = [value for condition, ones in heard.items() for value in (hearing.accuracy(ones), *([hearing.sync_f1(ones)] if "video" in condition else []))]
        clean = np.mean([one.clean for ones in heard.values() for one in ones])
        rows.append(f"| {work.cfg:g} | " + " | ".join(f"{value:.3f}" for value in (*figures, clean)) + " |")
    titles = [title for condition in options.conditions for title in (f"right, {condition}", *([f"F1, {condition}"] if "video" in condition else []))]
    print("\n| cfg | " + " | ".join((*titles, "clean")) + " |\n|---|" + "---|" * (len(titles) + 1))
    print("\n".join(rows))
    print(f"\nTrue sound: accuracy {hearing.accuracy(true):.3f}, F1 {hearing.sync_f1(true):.3f}, mismatched {hearing.mismatched_f1(true):.3f}")


def conditions(text: str) -> tuple[str, ...]:
    listed = tuple(text.split(","))
    for condition in listed:
        if not condition or set(condition.split("+")) - {"video", "text", "cot"}:
            raise argparse.ArgumentTypeError(f"'{condition}' is no condition: video, text and cot, joined by +")
    return listed


def parsed(arguments=None):
    parser = argparse.ArgumentParser(prog="python3 -m evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--cfg", type=lambda text: [float(part) for part in text.split(",")], help="guidance; several give a table of them; default: the bundle's")
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--count", type=int, default=5 * len(scenes.CLASSES), help="held-out scenes, classes in turn")
    parser.add_argument("--conditions", type=conditions, default=CONDITIONS, help="default: " + ",".join(CONDITIONS))
    parser.add_argument("--seed", type=int, default=1, help="of the model's noise")
    parser.add_argument("--sound", choices=("product", "true", "restored"), default="product", help="what is heard; the others exercise the measures")
    parser.add_argument("--judge", type=Path, default=JUDGE)
    parser.add_argument("--threads", type=int, default=0, help="of the library; 0: one a core")
    parser.add_argument("--workers", type=int, help="processes that draw scenes; default: one a core")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} scenes, video+text only")
    parser.add_argument("-o", "--output", type=Path, help="scores.json; scores.md comes beside it")
    options = parser.parse_args(arguments)
    if not (options.bundle / "bundle.json").exists():
        parser.error(f"{options.bundle}: no bundle.json in it; `python3 -m export` writes a bundle")
    options.cfg = options.cfg or [json.loads((options.bundle / "bundle.json").read_text(encoding="utf-8")).get("defaults", {}).get("cfg_scale", DEFAULT_CFG)]
    if options.output and options.output.suffix != ".json":
        parser.error(f"{options.output}: the name must end in .json")
    if options.quick:
        options.count, options.conditions = QUICK, ("video+text",)
    return options


def main() -> None:
    options = parsed()
    if len(options.cfg) > 1:
        guidances(options)
    else:
        print("\n" + report.document(run(options, options.cfg[0])))


if __name__ == "__main__":
    main()
