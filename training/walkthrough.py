"""Takes every real video of samples/ through the three stages with the command line program, and writes down what came of it.

    python3 -m walkthrough models/foley-small -o docs          docs/walkthrough.md, docs/walkthrough/; needs `scripts/build.sh --cli`

Nobody writes a word about what is heard: the recogniser thinks, the nouns of the sentences are the names that it gave. By hand are
only the places that are clicked and which kind of change each video gets. What goes wrong is written down like everything else.
"""
import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import gallery
import objects
from evaluation import files

BYTES, BITRATE = 900_000, "40k"  # of docs/walkthrough
LINES = 30                       # of one answer that are shown
BARS, TIMES = "[█░]", r"\S[a-z ]+ {2,}[0-9.]+ (?:ms|s|min.*)"  # lines of progress


@dataclass(frozen=True)
class Visit:
    """Where somebody clicks, at which moment, and what they then ask for."""
    at: tuple[float, float]
    time_s: float
    ask: str  # {object}: the name of the object's track; {from}, {to}: the middle third of it


VISITS = {
    "stream-of-water": Visit((0.75, 0.85), 1.5, "make the {object} 6 dB louder from {from} to {to} s"),
    "friday": Visit((0.70, 0.45), 1.5, "remove the {object} from {from} to {to} s"),
    "flower": Visit((0.48, 0.48), 1.5, "inpaint it from {from} to {to} s"),
    "wet-hawk": Visit((0.55, 0.35), 1.5, "vary the {object} with strength 0.6"),
    "big-buck-bunny-0-30": Visit((0.46, 0.55), 16.0, "make the {object} sound like it is in a large church"),
}


@dataclass
class Step:
    command: list[str]
    status: int
    seconds: float
    said: str


@dataclass
class Walk:
    line: dict  # of the manifest
    steps: list[Step] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    has_sound: bool = False

    @property
    def name(self) -> str:
        return Path(self.line["file"]).stem


class Shell:
    """Runs the program in a scratch folder, in which samples/ is."""

    def __init__(self, folder: Path, program: list[str], bundle: Path):
        self.folder, self.program = folder, [str(Path(word).resolve()) if Path(word).is_file() else word for word in program]
        self.environment = os.environ | {"THINKSOUND_BUNDLE": str(bundle.resolve()), "XDG_CACHE_HOME": str(folder / "cache")}
        (folder / "samples").symlink_to(gallery.SAMPLES)

    def run(self, *command: str) -> Step:
        began = time.monotonic()
        done = subprocess.run([*self.program, *command], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return Step(list(command), done.returncode, time.monotonic() - began, self.readable(done.stdout))

    def ask(self, *command: str) -> dict:
        """A command's answer as JSON; it is part of no transcript."""
        done = subprocess.run([*self.program, *command, "--json"], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
        return json.loads(done.stdout)

    def readable(self, text: str) -> str:
        """Without this machine's folders, bars of progress, and how long each part took."""
        text = text.replace(f"{self.folder}/", "").replace(f"{gallery.SAMPLES}/", "samples/")
        lines = [line.rstrip() for line in text.splitlines() if line.strip() and not re.search(BARS, line) and not re.fullmatch(TIMES, line.rstrip())]
        return "\n".join(lines[:LINES] + ([f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else []))


def walk(shell: Shell, line: dict) -> Walk:
    """One video through the three stages and into a file."""
    made, name, video = Walk(line), Path(line["file"]).stem, f"samples/{line['file']}"
    visit = VISITS[name]
    made.steps.append(shell.run("project", "new", video, "-o", name))
    if made.steps[-1].status:
        made.remarks.append("**Stage one failed**, so there is nothing to go on with.")
        return made
    made.steps.append(shell.run("refine", name, "--at", f"{visit.at[0]:g},{visit.at[1]:g}", "--time", f"{visit.time_s:g}", "--track", f"{name}.json"))
    project = shell.ask("project", "log", name)
    stem = next((track for track in project["tracks"] if track["id"] != "bed"), None)
    made.remarks.append(f"Stage one thinks of *{described(project['tracks'][0])}*; what is seen is {line['caption']}.")
    if stem is None:
        made.remarks.append("**Stage two failed**; stage three goes on with the bed.")
    else:
        made.remarks.append(f"Stage two thinks of *{described(stem)}*.")
    start, end = (stem["start_s"], stem["end_s"]) if stem else (0.0, project["duration_s"])
    third = (end - start) / 3
    sentence = visit.ask.format_map({"object": stem["name"] if stem else "soundscape", "from": f"{start + third:.1f}", "to": f"{end - third:.1f}"})
    made.steps.append(shell.run("edit", name, sentence))
    if made.steps[-1].status:
        made.remarks.append("**Stage three failed**; the file has what was there before.")
    made.steps.append(shell.run("project", "log", name))
    made.steps.append(shell.run("project", "render", name, "-o", f"{name}.wav"))
    made.has_sound = made.steps[-1].status == 0
    return made


def described(track: dict) -> str:
    return track["description"] or track["name"]


def show_object(video: Path, visit: Visit, track: Path, picture: Path) -> None:
    """The picture that was clicked: a cross, and the mask that came of it as a veil."""
    from PIL import Image, ImageDraw

    found = json.loads(track.read_text())
    width, height = found["width"], found["height"]
    command = ["ffmpeg", "-v", "error", "-ss", f"{visit.time_s:g}", "-i", str(video), "-frames:v", "1",
               "-vf", f"scale={width}:{height}", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or len(done.stdout) != width * height * 3:
        raise RuntimeError(f"{video}: ffmpeg cannot decode it: {done.stderr.decode(errors='replace').strip()}")
    pixels = np.frombuffer(done.stdout, np.uint8).reshape(height, width, 3).astype(np.float32)
    masks = objects.masks_of(found)
    mask = masks[min(masks, key=lambda frame: abs(frame - visit.time_s * objects.FPS))]
    pixels[~mask] *= 0.35
    image = Image.fromarray(pixels.round().astype(np.uint8))
    x, y = visit.at[0] * width, visit.at[1] * height
    drawn = ImageDraw.Draw(image)
    for line in ((x - 6, y, x + 6, y), (x, y - 6, x, y + 6)):
        drawn.line(line, fill=(255, 40, 40), width=2)
    image.save(picture, quality=75, method=6)


def section(made: Walk, folder: str, has_object: bool) -> str:
    shown = "\n".join(shown_step(step) for step in made.steps)
    parts = [f"## {made.line['file']}", f"{made.line['attribution']}, {made.line['license']}, {made.line['origin']}."]
    if has_object:
        parts.append(f"![{made.name}: what was clicked, and the object that was found]({folder}/{made.name}-object.webp)")
    if made.has_sound:
        parts.append(f"![{made.name}: pictures, level, spectrogram]({folder}/{made.name}.webp)\n\n[listen]({folder}/{made.name}.ogg)")
    return "\n\n".join([*parts, "\n".join(f"- {remark}" for remark in made.remarks), f"```\n{shown}```"])


def shown_step(step: Step) -> str:
    answer = [step.said] if step.said else []
    return "\n".join([f"$ thinksound {' '.join(quoted(word) for word in step.command)}", *answer, *([f"[exit code {step.status}]"] if step.status else [])]) + "\n"


def quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def page(bundle: str, walks: list[Walk], objects_shown: set[str], folder: str) -> str:
    failed = [f"{made.line['file']}: `{step.command[0]}` ends with exit code {step.status}" for made in walks for step in made.steps if step.status]
    cells = [[f"{step.seconds:.0f} s" if step.status == 0 else f"exit code {step.status}" for step in made.steps[:3]] for made in walks]
    rows = "\n".join(f"| {made.line['file']} | {' | '.join(row)} |" for made, row in zip(walks, cells))
    return "\n\n".join([
        "# Walkthrough: five videos through the three stages",
        f"Real videos, `{bundle}`, the command line, and no word by hand about what is heard: the recogniser thinks, the model makes the sound, the names in the sentences "
        "are those that the recogniser gave. By hand are the places that are clicked and which change each video gets. `training/walkthrough.py` writes this page "
        "(`PYTHONPATH=training /usr/bin/python3 -m walkthrough models/foley-small -o docs`).",
        "The model and its recogniser were trained on drawings: on real pictures they follow when something happens, and guess what it is. Where the thought says something else "
        "than what is seen, that is a failure, and it stands here as it came.",
        "| video | soundscape | object | edit |\n|---|---|---|---|\n" + rows,
        "Commands that failed:\n\n" + "\n".join(f"- {line}" for line in failed) if failed else "No command failed.",
        *(section(made, folder, made.name in objects_shown) for made in walks)]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m walkthrough", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--program", type=lambda text: text.split(), default=[str(files.PROGRAM)], help="command line that runs thinksound")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs"), help="folder of walkthrough.md")
    options = parser.parse_args()
    if not (options.bundle / "bundle.json").exists():
        parser.error(f"{options.bundle}: no bundle.json in it; `python3 -m export` writes a bundle")
    lines = [json.loads(line) for line in (gallery.SAMPLES / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if "events" not in line]  # those are drawn
    target = options.output / "walkthrough"
    target.mkdir(parents=True, exist_ok=True)
    for old in (*target.glob("*.webp"), *target.glob("*.ogg")):
        old.unlink()
    walks, shown = [], set()
    with tempfile.TemporaryDirectory() as name:
        shell = Shell(Path(name).resolve(), options.program, options.bundle)
        for line in lines:
            made = walk(shell, line)
            walks.append(made)
            track = shell.folder / f"{made.name}.json"
            if track.exists():
                show_object(gallery.SAMPLES / line["file"], VISITS[made.name], track, target / f"{made.name}-object.webp")
                shown.add(made.name)
            if made.has_sound:
                audio = objects.read_wav(shell.folder / f"{made.name}.wav")
                duration_s = audio.shape[1] / 44100
                exhibit = gallery.Exhibit(made.name, gallery.pictures(gallery.SAMPLES / line["file"], duration_s), audio, duration_s, [], line["file"], "", [])
                gallery.draw(exhibit, target / f"{made.name}.webp")
                gallery.encode(exhibit, target / f"{made.name}.ogg", BITRATE)
            print(f"{made.name}: " + ", ".join(f"{step.command[0]} {step.seconds:.0f} s (exit code {step.status})" for step in made.steps), flush=True)
    (options.output / "walkthrough.md").write_text(page(options.bundle.resolve().name, walks, shown, target.name), encoding="utf-8")
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"{options.output / 'walkthrough.md'}: {len(walks)} videos, {size / 1e6:.2f} MB")
    if size > BYTES:
        parser.error(f"{target} has {size} bytes, more than {BYTES}: lower BITRATE")


if __name__ == "__main__":
    main()
