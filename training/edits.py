"""Measures editing by a sentence with the product itself, the command line program, on held-out scenes of 4 s.

    python3 -m edits models/foley-small -o models/foley-small/edits.json       120 cases, some minutes on two cores
    python3 -m edits models/foley-small --count 1                              one of each kind, to see that it works

Each case writes a sound, has `thinksound edit` change it by a sentence, and listens: to the judge's class, to levels and
onsets, and to every sample outside of the change, which must be the same bits. `add`, `remove`, `replace`, `exchange` (one
sound of a mix is replaced), `extend` and `inpaint` have `--count` cases each; only scenes count whose true sound the judge
knows. Beside each figure stands what the sound yields that nobody touched, and what guessing would. The judge knows no
mixes: of an exchange it is asked whether the new sound is among its first three and before the old one, `true_mix` is
how often it is where the true sounds are mixed, and `success_of_true_mix` counts these cases alone.
"""
import argparse
import json
import os
import struct
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

import judge as judges
import scenes
from evaluation import clips, files, report
from scenes import onsets
from scenes.classifier import statistics

RATE, DURATION_S = 44100, clips.DURATION_S
KINDS = ("add", "remove", "replace", "exchange", "extend", "inpaint")
AT_LEAST = 0.7
LEVEL_DB = 12.0  # what is made may be so much louder or softer than what it goes with
CHANCE = 1 / len(scenes.CLASSES)
FIRST = 3        # of the judge's classes, for a mix

# What a user would call the classes; the middle of the table is far from its begin.
WORDS = {
    "bounce": "bouncing ball", "strike": "drum", "footsteps": "footsteps", "knock": "knocking", "door": "door", "typing": "typing", "clock": "clock", "bell": "bell",
    "glass_break": "shattering glass", "drip": "dripping water", "stream": "stream", "rain": "rain", "wind": "wind", "thunder": "thunder", "fire": "fire",
    "engine": "engine", "siren": "siren", "whistle": "kettle", "scrape": "saw", "bird": "bird", "insects": "cricket",
}


@dataclass
class Case:
    """One sound and what is to become of it."""
    kind: str
    scene: scenes.scene.Scene
    other: scenes.scene.Scene | None
    sound: np.ndarray             # [2, n] float32, before
    instruction: str
    caption: str
    first: int                    # samples that may change: first … last
    last: int
    gone: scenes.scene.Scene | None = None  # what the other one is put in the place of, in a mix
    options: list = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.scene.class_name}-{self.scene.seed}" + (f"-{self.other.class_name}" if self.other else "")


def write_wav(path: Path, audio: np.ndarray) -> None:
    """32-bit float WAV of [channels, n]."""
    data = np.ascontiguousarray(audio.T, "<f4").tobytes()
    channels = len(audio)
    header = struct.pack("<HHIIHHH", 3, channels, RATE, RATE * channels * 4, channels * 4, 32, 0)
    fact = struct.pack("<I", audio.shape[1])
    chunks = b"fmt " + struct.pack("<I", len(header)) + header + b"fact" + struct.pack("<I", 4) + fact + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def read_wav(path: Path) -> np.ndarray:
    """The samples of a 32-bit float WAV, [channels, n]."""
    raw, at, channels = path.read_bytes(), 12, 0
    while at + 8 <= len(raw):
        name, size = raw[at : at + 4], struct.unpack("<I", raw[at + 4 : at + 8])[0]
        if name == b"fmt ":
            format_tag, channels = struct.unpack("<HH", raw[at + 8 : at + 12])
            if format_tag != 3:
                raise ValueError(f"{path}: samples of format {format_tag}, not floats")
        if name == b"data":
            return np.frombuffer(raw[at + 8 : at + 8 + size], "<f4").reshape(-1, channels).T.copy()
        at += 8 + size + size % 2
    raise ValueError(f"{path}: no samples in it")


def level_db(audio) -> float:
    return 10 * float(np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-12))


class Listener:
    """The judge, on sounds of any length."""

    def __init__(self, path: Path):
        self.judge = judges.read(path)

    @torch.no_grad()
    def logits(self, audio) -> dict[str, float]:
        values = self.judge(torch.from_numpy(statistics(np.asarray(audio, np.float64)))[None])[0].numpy()
        return dict(zip(self.judge.classes, map(float, values)))

    def hears(self, audio) -> str:
        logits = self.logits(audio)
        return max(logits, key=logits.get)

    def exchanged(self, audio, case) -> str:
        """Of the new sound and the old one, the class that is heard more, if it is among the first of all; else the first."""
        logits = self.logits(audio)
        first = sorted(logits, key=logits.get, reverse=True)[:FIRST]
        return next((name for name in first if name in (case.other.class_name, case.gone.class_name)), first[0])


def samples(seconds: float) -> int:
    return round(seconds * RATE)


def faded(audio, first: int, last: int) -> np.ndarray:
    """Silent between two samples, with fades of 10 ms outside of them, as a gap in a recording has."""
    out, n = np.array(audio, np.float32), samples(0.01)
    ramp = np.linspace(1, 0, n, dtype=np.float32)
    if first >= n:
        out[:, first - n : first] *= ramp
    if last + n <= out.shape[1]:
        out[:, last : last + n] *= ramp[::-1]
    out[:, first:last] = 0
    return out


def another(held: list, first: int, *taken: str):
    """The first scene from one on, around the list, that is of none of these classes."""
    return next(one for one in held[first % len(held) :] + held if one.class_name not in taken)


def mixed(*sounds) -> np.ndarray:
    mix = np.sum([np.asarray(sound, np.float32) for sound in sounds], 0)
    return mix / np.float32(max(1.0, float(np.abs(mix).max())))


def cases(kind: str, count: int, listener: Listener, held: list) -> list[Case]:
    """The first `count` cases of a kind whose true sound the judge knows."""
    made = []
    half = len(held) // 2 + 1
    for k, scene in enumerate(held):
        if len(made) == count:
            break
        # Another class each time, and not always the same pair.
        other = another(held, k + half, scene.class_name)
        case = build(kind, scene, other, another(held, k + half // 2, scene.class_name, other.class_name))
        if case is not None and knows(listener, case):
            made.append(case)
    return made


def build(kind: str, scene, other, third) -> Case | None:
    here, there = WORDS[scene.class_name], WORDS[other.class_name]
    audio = np.asarray(scene.audio, np.float32)
    n = audio.shape[1]
    if kind == "add":
        return Case(kind, scene, other, audio, f"add a {there} from 0.5 to 3.5 s", here, samples(0.5), samples(3.5))
    if kind == "remove":
        return Case(kind, scene, other, mixed(audio, other.audio), f"remove the {there}", f"{here} and {there}", 0, n)
    if kind == "exchange":
        gone = WORDS[third.class_name]
        return Case(kind, scene, other, mixed(audio, third.audio), f"replace the {gone} with a {there}", f"{here} and {gone}", 0, n, gone=third)
    if kind == "replace":
        return Case(kind, scene, other, audio, f"replace the {here} with a {there} from 0.5 to 3.5 s", here, samples(0.5), samples(3.5))
    if kind == "extend":
        first = samples(2)
        return Case(kind, scene, None, faded(audio, first, n), f"extend the {here} from 2 s to the end", here, first, n)
    first, last = samples(1.25), samples(2.75)
    return Case(kind, scene, None, faded(audio, first, last), "inpaint it from 1.25 to 2.75 s", here, first, last)


def knows(listener: Listener, case: Case) -> bool:
    """Whether the judge hears in true sound what it should hear in the edited one."""
    true = np.asarray((case.other if case.kind in ("add", "replace") else case.scene).audio)
    if case.kind in ("add", "replace"):
        true = true[:, case.first : case.last]  # at 3 s the judge is as good as at its own 4 s, between them much worse
    if case.kind in ("extend", "inpaint"):
        return listener.hears(true) == case.scene.class_name == listener.hears(true[:, case.first : case.last])
    if case.kind == "exchange" and any(listener.hears(np.asarray(one.audio)) != one.class_name for one in (case.other, case.gone)):
        return False
    if case.kind == "remove" and listener.hears(np.asarray(case.other.audio)) != case.other.class_name:
        return False
    return listener.hears(true) == (case.other if case.kind in ("add", "replace") else case.scene).class_name


def judged(listener: Listener, case: Case, after: np.ndarray) -> dict:
    """What became of a case: is the right thing heard, and not too loud or too soft."""
    first, last, before = case.first, case.last, case.sound
    inside = after[:, first:last]
    if case.kind == "add":
        heard = (after - before)[:, first:last]  # what was added, by itself
        wanted, reference = case.other.class_name, level_db(np.asarray(case.other.audio))
    elif case.kind == "replace":
        heard, wanted, reference = inside, case.other.class_name, level_db(before[:, first:last])
    elif case.kind == "exchange":
        heard, wanted, reference = after, case.other.class_name, level_db(before)
    elif case.kind == "remove":
        heard, wanted, reference = after, case.scene.class_name, level_db(np.asarray(case.scene.audio))
    elif case.kind == "extend":
        heard, wanted, reference = inside, case.scene.class_name, level_db(before[:, :first])
    else:
        heard, wanted, reference = inside, case.scene.class_name, level_db(np.concatenate([before[:, :first], before[:, last:]], 1))
    guess = listener.hears(heard)
    untouched = listener.hears(np.asarray(before if case.kind == "remove" else np.zeros_like(heard) if case.kind == "add" else before[:, first:last]))
    if case.kind == "exchange":
        guess, untouched = (listener.exchanged(sound, case) for sound in (heard, before))
    away = level_db(heard) - reference
    row = {"kind": case.kind, "class": case.scene.class_name, "seed": case.scene.seed, "instruction": case.instruction, "wanted": wanted, "heard_as": guess,
           "untouched_as": untouched, "level_db": round(away, 1), "right": guess == wanted, "success": bool(guess == wanted and abs(away) <= LEVEL_DB)}
    if case.other:
        row["other"] = case.other.class_name
    if case.gone:
        row |= {"gone": case.gone.class_name, "true_mix": listener.exchanged(mixed(case.scene.audio, case.other.audio), case) == wanted}
    times = onsets.event_times(case.scene.events)
    if case.kind in ("remove", "replace") and len(times):  # what stays, or is another sound at the same time, keeps its moments
        hits = len(onsets.match(onsets.detect(after), times))
        row |= {"hits": hits, "found": len(onsets.detect(after)), "events": len(times)}
    return row


def identical_outside(case: Case, after: np.ndarray) -> bool:
    same = lambda a, b: a.tobytes() == b.tobytes()
    return after.shape == case.sound.shape and same(after[:, : case.first], case.sound[:, : case.first]) and same(after[:, case.last :], case.sound[:, case.last :])


def edit(case: Case, options, folder: Path) -> tuple[np.ndarray, dict]:
    """Runs the program → the sound after, and its own account."""
    source, target = folder / f"{case.name}.wav", folder / f"{case.name}-edited.wav"
    write_wav(source, case.sound)
    command = [*options.program, "edit", str(source), case.instruction, "-o", str(target), "--bundle", str(options.bundle), "--caption", case.caption, "--seed", str(options.seed + case.scene.seed),
               "--device", "cpu", "--threads", "1", "--provider", "none", "--json", "--quiet", "--force", *options.extra, *case.options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return read_wav(target), json.loads(done.stdout)


def run(options) -> dict:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", flush=True)

    listener = Listener(options.judge)
    held = [scene for scene in clips.plans(max(len(scenes.CLASSES), 3 * options.count + 6)) if scene.class_name != "silence"]
    rows = []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.workers or 2) as pool:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in options.kinds:
            listed = cases(kind, options.count, listener, held)
            for case, (after, account) in zip(listed, pool.map(lambda case: edit(case, options, folder), listed)):
                row = judged(listener, case, after) | {"identical_outside": identical_outside(case, after), "statement": " ".join(step["statement"] for step in account["steps"])}
                rows.append(row)
                if options.verbose:
                    say(f"  {case.name}: heard as {row['heard_as']}, {row['level_db']:+.1f} dB{'' if row['success'] else ', failed'}")
            say(line(summary(kind, [row for row in rows if row["kind"] == kind])))
    result = {"model": options.bundle.name, "bundle_sha256": report.digest(options.bundle), "settings": {"count": options.count, "seed": options.seed, "extra": options.extra},
              "kinds": [summary(kind, [row for row in rows if row["kind"] == kind]) for kind in options.kinds],
              "identical_outside": float(np.mean([row["identical_outside"] for row in rows])), "seconds": round(time.monotonic() - began), "cases": rows}
    if options.output:
        partial = options.output.with_name(options.output.name + ".tmp")
        partial.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        partial.replace(options.output)
    return result


def summary(kind: str, rows: list[dict]) -> dict:
    """Of one kind. `untouched`: how often the judge would have been satisfied with the sound as it was; `chance`: by guessing."""
    if not rows:
        return {"kind": kind, "cases": 0, "success": 0.0, "met": False}
    success = float(np.mean([row["success"] for row in rows]))
    out = {"kind": kind, "cases": len(rows), "success": round(success, 3), "at_least": AT_LEAST, "met": success >= AT_LEAST, "right": round(float(np.mean([row["right"] for row in rows])), 3),
           "untouched": round(float(np.mean([row["untouched_as"] == row["wanted"] for row in rows])), 3), "chance": round(CHANCE, 3),
           "identical_outside": float(np.mean([row["identical_outside"] for row in rows]))}
    if kind == "exchange":
        known = [row["success"] for row in rows if row["true_mix"]]
        out |= {"chance": round(FIRST / len(scenes.CLASSES), 3), "true_mix": round(len(known) / len(rows), 3), "success_of_true_mix": round(float(np.mean(known)), 3) if known else None}
    timed = [row for row in rows if "hits" in row]
    if timed:
        total = sum(row["found"] + row["events"] for row in timed)
        out["onset_f1"] = round(2 * sum(row["hits"] for row in timed) / total, 3) if total else 0.0
    return out


def line(figures: dict) -> str:
    if not figures["cases"]:
        return f"{figures['kind']}: no case"
    return (f"{figures['kind']}: {figures['success']:.2f} of {figures['cases']} succeed (untouched {figures['untouched']:.2f}, chance {figures['chance']:.2f}), "
            f"right sound {figures['right']:.2f}, outside identical {100 * figures['identical_outside']:.0f} %")


def parsed(arguments=None):
    parser = argparse.ArgumentParser(prog="python3 -m edits", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--count", type=int, default=20, help="cases of each kind")
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=KINDS, help="default: " + ",".join(KINDS))
    parser.add_argument("--seed", type=int, default=1, help="of the model's noise")
    parser.add_argument("--program", type=lambda text: text.split(), default=[str(files.PROGRAM)], help="command line that runs thinksound")
    parser.add_argument("--judge", type=Path, default=Path(__file__).parent / "evaluation" / "judge.safetensors")
    parser.add_argument("--workers", type=int, help="programs at a time; default: 2")
    parser.add_argument("--keep", type=Path, help="folder in which the sounds stay")
    parser.add_argument("--verbose", action="store_true", help="a line a case")
    parser.add_argument("-o", "--output", type=Path, help="edits.json")
    options, options.extra = parser.parse_known_args(arguments)
    if not (options.bundle / "bundle.json").exists():
        parser.error(f"{options.bundle}: no bundle.json in it; `python3 -m export` writes a bundle")
    if set(options.kinds) - set(KINDS):
        parser.error(f"--kinds are some of {', '.join(KINDS)}")
    return options


if __name__ == "__main__":
    outcome = run(parsed())
    print("\n".join(line(figures) for figures in outcome["kinds"]))
    print(f"outside of the change {100 * outcome['identical_outside']:.0f} % identical; {outcome['seconds']} s")
