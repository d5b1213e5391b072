"""Draws what the recogniser thought of the real videos in samples/, and holds its sentences against numbers measured anew.

    python3 -m thoughts models/foley-small -o docs/reasoning          (after `scripts/build.sh --native cpu --cli`)

`thinksound reason` thinks about the first seconds of each video. Beside it the same frames go through the native library's towers and
recogniser from Python, and motion is measured once more: each figure has the pictures, the probability of an onset with the events
that were told, the motion, and the sentences. A sentence without a number, or a number that is not found again, is an error.
"""
import argparse
import io
import json
import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import product
from evaluation import files
from reasoning import NAME, CLASS, MATERIAL

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
FPS, LONGEST_S, NUM_PICTURES, WIDTH_IN = 24, 8, 8, 9
BYTES, PICTURE_QUALITY = 400_000, 72
TILES, TILE_MOVES, CUT_MEAN, CUT_TILE, CUT_SHARE = 24, 1.5, 15, 8, 0.6   # docs/reasoning-recogniser.md
SENTENCE = re.compile(r"(?<=[.!]) (?=[A-Z0-9])")


@dataclass(frozen=True)
class Seen:
    """One video as it is seen a second time."""
    frames: np.ndarray      # uint8 [n, height, width, 3], 24 a second
    classes: dict           # probabilities by name
    materials: dict
    apart: dict             # by how much a probability of either depends on which picture a moment between two is shown by
    onsets: np.ndarray      # probabilities, 96 a second
    motion: np.ndarray      # 24 a second
    brightness: float


def decode(video: Path, seconds: float, width: int, height: int, nearest: bool = True) -> np.ndarray:
    """Frames uint8 [n, height, width, 3] at FPS: the nearest picture to each moment, or the one before it."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), "-t", f"{seconds:.3f}", "-vf", f"fps={FPS}:round={'near' if nearest else 'up'},scale={width}:{height}", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                          capture_output=True, check=False)
    frames = np.frombuffer(done.stdout, np.uint8)
    if done.returncode or not len(frames):
        raise RuntimeError(f"{video}: ffmpeg cannot decode it: {done.stderr.decode(errors='replace').strip()}")
    return frames.reshape(-1, height, width, 3)


def shape_of(video: Path) -> tuple[int, int, float]:
    """(width, height, seconds) of a video's picture."""
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height:format=duration", "-of", "json", str(video)],
                          capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    return told["streams"][0]["width"], told["streams"][0]["height"], float(told["format"]["duration"])


def motion_of(frames: np.ndarray) -> tuple[np.ndarray, float]:
    """(change of the tiles' luma in each 24th of a second, mean luma 0 … 1)."""
    luma = frames @ np.float32([0.2126, 0.7152, 0.0722])
    for axis in (1, 2):
        edges = -(-np.arange(TILES) * luma.shape[axis] // TILES)
        luma = np.add.reduceat(luma, edges, axis) / np.diff([*edges, luma.shape[axis]]).reshape([-1 if a == axis else 1 for a in range(3)])
    change = np.abs(np.diff(luma, axis=0)).reshape(len(frames) - 1, -1)
    cuts = (change.mean(1) >= CUT_MEAN) & ((change >= CUT_TILE).mean(1) >= CUT_SHARE)
    moving = np.where(change >= TILE_MOVES, change, 0).mean(1) * ~cuts
    return np.append(moving, 0), float(luma.mean() / 255)


def look(engine: product.Engine, bundle: Path, video: Path, seconds: float) -> Seen:
    width, height, _ = shape_of(video)
    config = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["components"]["recogniser"]["config"]

    def recognised(nearest: bool):
        features = engine.video_features(decode(video, seconds, width, height, nearest), seconds)
        classes, materials, onsets = engine.recognise(features["clip"], features["sync"], len(config["classes"]), len(config["materials"]), config.get("onsets_per_step", 4))
        return dict(zip(config["classes"], classes)), dict(zip(config["materials"], materials)), onsets
    (classes, materials, onsets), (*others, _) = recognised(True), recognised(False)
    apart = {name: abs(float(value - other[name])) for mine, other in zip((classes, materials), others) for name, value in mine.items()}
    scale = 192 / max(width, height)
    small = decode(video, seconds, round(width * scale), round(height * scale))
    motion, brightness = motion_of(small)
    return Seen(small, classes, materials, apart, onsets, motion, brightness)


def think(video: Path, seconds: float, options) -> dict:
    command = [*options.program, "reason", str(video), "--duration", f"{seconds:.3f}", "--provider", NAME, "--bundle", str(options.bundle), "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def sentences(told: dict) -> list[str]:
    return [sentence for part in ("seen", "timing", "sound", "space", "avoid", "mix") for sentence in SENTENCE.split(told["thoughts"][part]) if sentence]


def traced(told: dict, seen: Seen) -> list[tuple[str, float, float, float]]:
    """(what, as told, as measured anew, how far apart they may be): decoders and scalers differ a little."""
    text, found = " ".join(sentences(told)), []
    if named := CLASS.search(text):
        found.append((f"probability of {named[2]}", float(named[3]), float(seen.classes[named[2]]), 0.05 + seen.apart[named[2]]))
    if of := MATERIAL.search(text):
        found.append((f"probability of {of[2]}", float(of[3]), float(seen.materials[of[2]]), 0.05 + seen.apart[of[2]]))
    for moment, probability in re.findall(r"(\d+\.\d+) s \((0\.\d+|1\.00)\)", told["thoughts"]["timing"]):
        at = int(float(moment) * 96)
        found.append((f"onset at {moment} s", float(probability), float(seen.onsets[max(0, at - 2) : at + 3].max()), 0.08))
    if highest := re.search(r"the highest of all has (\d+\.\d+)", text):
        found.append(("highest onset", float(highest[1]), float(seen.onsets.max()), 0.08))
    if moves := re.search(r"Something moves (\d+) % of the time.* by up to (\d+\.\d+) levels", text):
        found.append(("share of the time that something moves", float(moves[1]) / 100, float((seen.motion > 0).mean()), 0.06))
        found.append(("largest motion", float(moves[2]), float(seen.motion.max()), max(0.5, 0.15 * float(moves[2]))))
    if brightness := re.search(r"Brightness is (\d+\.\d+)", text):
        found.append(("brightness", float(brightness[1]), seen.brightness, 0.02))
    return found


def check(video: Path, told: dict, seen: Seen) -> list[tuple[str, float, float, float]]:
    """As `traced`. Raises ValueError for a sentence without a number, or a number that is not found again."""
    bare = [sentence for sentence in sentences(told) if not re.search(r"\d", sentence)]
    if bare:
        raise ValueError(f"{video.name}: no number in \"{bare[0]}\"")
    found = traced(told, seen)
    wrong = [f"{what} is told as {claim:.2f} and measured as {value:.2f}" for what, claim, value, near in found if abs(claim - value) > near]
    if wrong:
        raise ValueError(f"{video.name}: {'; '.join(wrong)}")
    return found


def draw(name: str, told: dict, seen: Seen, seconds: float, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image

    lines = [line for sentence in sentences(told) for line in textwrap.wrap(sentence, 185, subsequent_indent="   ")]
    lines += textwrap.wrap(f"→ {told['caption'] or 'no caption'} · {told['chain_of_thought'] or 'no chain of thought'}", 185, subsequent_indent="   ")
    heights = (WIDTH_IN / NUM_PICTURES * seen.frames.shape[1] / seen.frames.shape[2], 0.7, 0.5, 0.112 * len(lines) + 0.08)
    figure = pyplot.figure(figsize=(WIDTH_IN, sum(heights)), dpi=100)
    picture, onset, motion, words = (figure.add_subplot(part) for part in figure.add_gridspec(4, 1, left=0, right=1, top=1, bottom=0, height_ratios=heights, hspace=0))
    pick = np.linspace(0, len(seen.frames) - 1, NUM_PICTURES).round().astype(int)
    picture.imshow(np.concatenate(list(seen.frames[pick]), 1), extent=(0, seconds, 0, 1), aspect="auto")
    track = seen.onsets[: round(seconds * 96)]
    onset.fill_between(np.arange(len(track)) / 96, track, color="tab:red", alpha=0.6, lw=0)
    onset.text(0.003, 0.93, "probability of an onset; lines: events that are told", transform=onset.transAxes, fontsize=6, va="top")
    for event in told["events"]:
        onset.axvspan(event["start_s"], event["end_s"], color="tab:blue", alpha=0.08, lw=0)
        onset.axvline(event["start_s"], color="tab:blue", lw=0.9)
    onset.set_ylim(0, 1)
    motion.fill_between(np.arange(len(seen.motion)) / FPS, seen.motion, color="0.5", step="post", lw=0)
    motion.text(0.003, 0.93, f"motion, up to {seen.motion.max():.1f} levels of 255", transform=motion.transAxes, fontsize=6, va="top")
    words.text(0.004, 0.97, "\n".join(lines), transform=words.transAxes, fontsize=6.6, va="top", family="DejaVu Sans", linespacing=1.25)
    for axes in (picture, onset, motion, words):
        axes.set_xlim(0, seconds if axes is not words else 1)
        axes.set_xticks([])
        axes.set_yticks([])
    drawn = io.BytesIO()
    figure.savefig(drawn)
    pyplot.close(figure)
    Image.open(drawn).convert("RGB").save(path, quality=PICTURE_QUALITY, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m thoughts", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--program", type=lambda text: text.split(), default=[str(files.PROGRAM)], help="command line that runs thinksound")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/reasoning"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    engine, size = product.Engine(options.bundle), 0
    for line in (SAMPLES / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        if "events" in sample:  # drawn, not filmed
            continue
        video = SAMPLES / sample["file"]
        seconds = min(LONGEST_S, shape_of(video)[2])
        told, seen = think(video, seconds, options), look(engine, options.bundle, video, seconds)
        found = check(video, told, seen)
        path = options.output / f"{video.stem}.webp"
        draw(video.name, told, seen, seconds, path)
        size += path.stat().st_size
        print(f"{video.name}: {len(sentences(told))} sentences, {len(found)} numbers found again: " + ", ".join(f"{what} {claim:.2f} ({value:.2f})" for what, claim, value, _ in found), flush=True)
    print(f"{options.output}: {size / 1e3:.0f} KB")
    if size > BYTES:
        parser.error(f"{options.output} has {size} bytes, more than {BYTES}: lower PICTURE_QUALITY")


if __name__ == "__main__":
    main()
