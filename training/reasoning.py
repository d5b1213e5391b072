"""Measures who thinks by default, in the product itself: the command line program on held-out scenes of 4 s.

    python3 -m reasoning models/foley-small -o models/foley-small/reasoning.json       44 scenes, a few minutes on two cores

Each scene's silent picture becomes a file. `thinksound reason` says what it shows and when; `thinksound generate` makes its sound
without words, so that the recogniser thinks, with the scene's own caption and chain of thought, and from the picture alone. The
judge hears all three. Beside reasoning.json a reasoning.md has the figures as tables.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

import judge as judges
import scenes
from evaluate import JUDGE
from evaluation import clips, files, hearing, moments, report
from evaluation.measures import Measure

NAME = "recogniser"
CONDITIONS = ("reasoned", "own", "picture")  # words by the recogniser; the scene's own; none
SIZE = 256         # pixels of the files
LEAST_RATIO, LEAST_F1 = 0.9, 0.7
CLASS = re.compile(r"The recogniser (sees|is uncertain: its best guess,) (\w+)[ ,(]*(?:has probability )?(\d\.\d+)")
MATERIAL = re.compile(r"The material is (uncertain: )?(\w+) (?:has )?\(?(\d\.\d+)")
PLACED = re.compile(r"(\d+) onsets? of probability [\d.]+ or more, ascribed to (.+?): ")


@dataclass(frozen=True)
class Thought:
    """What `thinksound reason --json` told of a scene, read off its sentences and events."""
    class_name: str       # the most probable
    class_sure: bool
    material: str
    material_sure: bool
    onsets: np.ndarray    # seconds, of the events that strike
    caption: str
    cot: str


def read_thought(told: dict) -> Thought:
    """Raises ValueError where sentences and events disagree."""
    seen, timing = told["thoughts"]["seen"], told["thoughts"]["timing"]
    named, of = CLASS.search(seen), MATERIAL.search(seen)
    if told["provider"] != NAME or named is None:
        raise ValueError(f"this is no thought of the {NAME}'s on a video: provider {told['provider']}, \"{seen}\"")
    times = np.zeros(0)
    if placed := PLACED.search(timing):
        times = np.array([event["start_s"] for event in told["events"] if event["object"] == placed[2]])
        if len(times) != int(placed[1]):
            raise ValueError(f"{len(times)} events, and the thought says: {timing}")
    return Thought(named[2], named[1] == "sees", of[2] if of else "none", of is not None and of[1] is None, times, told["caption"], told["chain_of_thought"])


class Measurement:
    """A bundle, the program and a judge."""

    def __init__(self, options):
        self.options, self.judge = options, judges.read(options.judge)
        # Nobody else may think.
        self.environment = {name: value for name, value in os.environ.items() if name not in ("THINKSOUND_CHAT_ENDPOINT", "THINKSOUND_REASONING_MODEL")}

    def call(self, *arguments) -> dict:
        """Runs the program → its JSON. Raises RuntimeError with its own words."""
        command = [*self.options.program, *map(str, arguments), "--bundle", str(self.options.bundle), "--json", "--quiet", "--force"]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
        return json.loads(done.stdout)

    def scene(self, scene, folder: Path):
        """(thought, what is heard by condition) of one scene."""
        name = f"{scene.class_name}-{scene.seed}"
        video = folder / f"{name}.mp4"
        scenes.render_video(scene, video, size=SIZE, silent=True)
        thought, heard = read_thought(self.call("reason", video)), {}
        words = {"reasoned": [], "own": ["--caption", scene.caption, "--cot", scene.cot, "--provider", "none"], "picture": ["--provider", "none"]}
        for condition in CONDITIONS:
            sound = folder / f"{name}-{condition}.wav"
            made = self.call("generate", video, "-o", sound, "--seed", clips.generation_seed(self.options.seed, scene), "--loudness", "none", "--no-cache",
                             "--device", "cpu", "--threads", "1", *words[condition])["results"][0]
            if condition == "reasoned" and (made["reasoning_provider"], made["caption"] or "", made["cot"] or "") != (NAME, thought.caption, thought.cot):
                raise ValueError(f"{name}: `generate` was told other words than `reason` said: {made['caption']} {made['cot']}")
            heard[condition] = hearing.listen(self.judge, scene, files.read_wav(sound))
        return thought, heard


def seen_times(scene) -> np.ndarray:
    """Events of a scene that can be seen, as the training of the recogniser counts them."""
    return np.array(sorted(event.time_s for event in scene.events if event.visible))


def named(key: str, question: str, pairs: list) -> list[Measure]:
    """How often the name is the true one, of (name, is sure, truth); beside it the commonest answer's share."""
    commonest = Counter(truth for *_, truth in pairs).most_common(1)[0][1] / max(1, len(pairs))
    sure = [guess == truth for guess, is_sure, truth in pairs if is_sure]
    return [Measure(key, question, "the most probable is right", float(np.mean([guess == truth for guess, _, truth in pairs])), lower=commonest, clips=len(pairs)),
            Measure(f"{key}.sure", question, "where it is sure, it is right", float(np.mean(sure)) if sure else float("nan"), lower=commonest, clips=len(sure))]


def measures(held: list, thoughts: list[Thought], heard: dict, true: list) -> list[Measure]:
    accuracy = {condition: hearing.accuracy(heard[condition]) for condition in CONDITIONS}
    wanted = [seen_times(scene) for scene in held]
    timed = [k for k, times in enumerate(wanted) if len(times)]
    other = list(wanted)
    for k, following in zip(timed, timed[1:] + timed[:1]):
        other[k] = wanted[following]
    found = [thought.onsets for thought in thoughts]
    question = "right sound without words"
    common = {"lower": 1 / len(scenes.CLASSES), "clips": len(held)}
    return [
        Measure("ratio", question, "accuracy with the recogniser's words over that with the scene's own", accuracy["reasoned"] / accuracy["own"] if accuracy["own"] else float("nan"),
                at_least=LEAST_RATIO, clips=len(held)),
        *(Measure(f"right_sound.{condition}", question, f"accuracy of the judge, picture and {words}", accuracy[condition], upper=hearing.accuracy(true), **common)
          for condition, words in zip(CONDITIONS, ("the recogniser's words", "the scene's own words", "no words"))),
        Measure("events", "events", "F1 within 80 ms of the events that can be seen", hearing.f1(zip(found, wanted), moments.TOLERANCE_S), at_least=LEAST_F1,
                lower=hearing.f1(zip(found, other), moments.TOLERANCE_S), clips=len(held)),
        *named("class", "class", [(thought.class_name, thought.class_sure, scene.class_name) for thought, scene in zip(thoughts, held)]),
        *named("material", "material, where there is one", [(thought.material, thought.material_sure, scene.material) for thought, scene in zip(thoughts, held) if scene.material != "none"])]


def row(scene, thought: Thought, heard: dict) -> dict:
    times = seen_times(scene)
    return {"class": scene.class_name, "seed": scene.seed, "seen_as": thought.class_name, "sure": thought.class_sure, "material": scene.material,
            "material_as": thought.material, "material_sure": thought.material_sure, "hits": len(scenes.onsets.match(thought.onsets, times, moments.TOLERANCE_S)),
            "found": len(thought.onsets), "wanted": len(times), "caption": thought.caption, "cot": thought.cot, "heard_as": {condition: one.guess for condition, one in heard.items()}}


def run(options) -> dict:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", flush=True)

    work, held = Measurement(options), clips.plans(options.count)
    thoughts, heard, true, rows = [], {condition: [] for condition in CONDITIONS}, [], []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.workers) as pool:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for scene, (thought, sounds) in zip(held, pool.map(lambda scene: work.scene(scene, folder), held)):
            thoughts.append(thought)
            true.append(hearing.listen(work.judge, scene, scene.audio))
            for condition in CONDITIONS:
                heard[condition].append(sounds[condition])
            rows.append(row(scene, thought, sounds))
            if len(thoughts) % 11 == 0 or len(thoughts) == len(held):
                say(f"{len(thoughts)} of {len(held)}: " + ", ".join(f"{condition} {hearing.accuracy(heard[condition]):.2f}" for condition in CONDITIONS))
    result = {"model": options.bundle.name, "bundle_sha256": report.digest(options.bundle), "settings": {"count": options.count, "seed": options.seed},
              "seconds": round(time.monotonic() - began), "measures": [measure.as_dict() for measure in measures(held, thoughts, heard, true)], "cases": rows}
    if options.output:
        for path, text in ((options.output, json.dumps(result, indent=1, ensure_ascii=False) + "\n"), (options.output.with_suffix(".md"), document(result))):
            partial = path.with_name(path.name + ".tmp")
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
    return result


def document(result: dict) -> str:
    return (f"# What the recogniser of {result['model']} thinks\n\n{result['settings']['count']} held-out scenes of {clips.DURATION_S:g} s, silent pictures in files, through the command "
            f"line program. \"Chance\": guessing, the commonest answer, or the events of another scene.\n\n{report.measures_table(result['measures'])}\n")


def parsed(arguments=None):
    parser = argparse.ArgumentParser(prog="python3 -m reasoning", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--count", type=int, default=2 * len(scenes.CLASSES), help="held-out scenes, classes in turn")
    parser.add_argument("--seed", type=int, default=1, help="of the model's noise")
    parser.add_argument("--program", type=lambda text: text.split(), default=[str(files.PROGRAM)], help="command line that runs thinksound")
    parser.add_argument("--judge", type=Path, default=JUDGE)
    parser.add_argument("--workers", type=int, default=2, help="scenes at a time")
    parser.add_argument("--keep", type=Path, help="folder in which videos and sounds stay")
    parser.add_argument("-o", "--output", type=Path, help="reasoning.json; reasoning.md comes beside it")
    options = parser.parse_args(arguments)
    if not (options.bundle / "bundle.json").exists():
        parser.error(f"{options.bundle}: no bundle.json in it; `python3 -m export` writes a bundle")
    if options.output and options.output.suffix != ".json":
        parser.error(f"{options.output}: the name must end in .json")
    return options


if __name__ == "__main__":
    print("\n" + document(run(parsed())))
