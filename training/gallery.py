"""Writes a gallery to look at and listen to: ten held-out scenes and every real clip of samples/, failures included.

    python3 -m gallery models/foley-small -o docs/gallery          (after `evaluate` and `scripts/build.sh --native cpu --cli`)

Which scenes is decided by rule, not by ear: of scores.json's video+text clips the one that is least in sync, the first
that the judge hears wrongly in the class that it hears worst, then the first clip of one class after the other. Their
sounds are those that were measured. Real clips go through the command line program, with the captions of their manifest.
"""
import argparse
import io
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import product
import scenes
from evaluation import clips, files, report
from scenes import sheet
from scenes.video import write_wav

CLASSES = ("bounce", "footsteps", "knock", "glass_break", "bell", "rain", "engine", "bird", "typing", "drip", "fire")
NUM_SCENES, NUM_PICTURES = 10, 12
BYTES, WIDTH_IN = 3_200_000, 10
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
BITRATE, PICTURE_QUALITY = "72k", 78


@dataclass(frozen=True)
class Exhibit:
    name: str
    frames: np.ndarray    # uint8 [n, height, width, 3]
    audio: np.ndarray     # [2, num_samples]
    duration_s: float
    events: list
    heading: str
    caption: str
    remarks: list[str]

    def text(self) -> str:
        lines = "\n".join(f"- {remark}" for remark in self.remarks)
        return f"### {self.heading}\n\n![{self.heading}: pictures, level with onsets, spectrogram]({self.name}.webp)\n\n[listen]({self.name}.ogg) · *{self.caption}*\n\n{lines}"


def chosen(rows: list[dict]) -> list[tuple[dict, str]]:
    """Rows of scores.json, each with the reason why it is shown."""
    rows = [row for row in rows if row["condition"] == "video+text"]
    if not rows:
        raise ValueError("scores.json has no clips of video+text; run `evaluate` with that condition")
    picked = []

    def pick(row, reason):
        if row and all(row is not other for other, _ in picked):
            picked.append((row, reason))

    timed = [row for row in rows if "wanted" in row]
    pick(min(timed, key=lambda row: (f1(row), row["seed"]), default=None), "the least in sync of all")
    wrong = [row for row in rows if not row["right"]]
    share = {row["class"]: np.mean([other["right"] for other in rows if other["class"] == row["class"]]) for row in wrong}
    pick(min(wrong, key=lambda row: (share[row["class"]], row["seed"]), default=None), "the first that is heard wrongly in the class that is heard worst")
    for name in CLASSES:
        if len(picked) < NUM_SCENES and all(row["class"] != name for row, _ in picked):
            pick(next((row for row in rows if row["class"] == name), None), "the first of its class")
    return picked


def f1(row: dict) -> float:
    return 2 * row["hits"] / (row["found"] + row["wanted"])


def of_scene(engine: product.Engine, row: dict, settings: dict, reason: str) -> Exhibit:
    scene = scenes.generate(row["seed"], clips.DURATION_S, row["class"], "test", companions=False)
    audio = engine.generate(duration_s=scene.duration_s, seed=clips.generation_seed(settings["seed"], scene), steps=settings["steps"], cfg=settings["cfg"],
                            caption=scene.caption, **engine.video_features(scene.frames, scene.duration_s))
    remarks = [f"Shown because it is {reason}.",
               f"The judge hears {row['heard_as'].replace('_', ' ')}: " + ("right." if row["right"] else "**wrong.**")]
    if "wanted" in row:
        remarks.append(f"In sync: {row['hits']} of {row['wanted']} onsets within 60 ms, {row['found'] - row['hits']} besides; F1 {f1(row):.2f}, lag {row['lag_ms']} ms.")
    if not row["clean"]:
        remarks.append(f"**Not clean**: loudest sample {row['peak_dbfs']} dBFS.")
    return Exhibit(f"{row['class']}-{row['seed']}", scene.render(160), audio, scene.duration_s, scene.events, row["class"].replace("_", " "), scene.caption, remarks)


def of_video(line: dict, bundle: Path, settings: dict, folder: Path) -> Exhibit:
    video, sound = SAMPLES / line["file"], folder / "sound.wav"
    seconds, _ = files.generate(video, sound, bundle, "--caption", line["caption"], "--cfg", f"{settings['cfg']:g}", "--steps", str(settings["steps"]), "--seed", str(settings["seed"]))
    audio = files.read_wav(sound)
    duration_s = audio.shape[1] / scenes.SAMPLE_RATE
    remarks = [f"Picture: {line['attribution']}, {line['license']}, {line['origin']}; twelve frames of it.",
               f"{duration_s:.1f} s of video to the finished sound in {seconds:.1f} s."]
    return Exhibit(video.stem, pictures(video, duration_s), audio, duration_s, [], line["file"], line["caption"], remarks)


def pictures(video: Path, duration_s: float) -> np.ndarray:
    """`NUM_PICTURES` frames uint8 [n, 120, 160, 3], evenly spaced."""
    command = ["ffmpeg", "-v", "error", "-i", str(video), "-vf", f"fps={2 * NUM_PICTURES / duration_s},scale=160:120:force_original_aspect_ratio=increase,crop=160:120",
               "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    frames = np.frombuffer(done.stdout, np.uint8)
    if done.returncode or not len(frames) or len(frames) % (160 * 120 * 3):
        raise RuntimeError(f"{video}: ffmpeg cannot decode it: {done.stderr.decode(errors='replace').strip()}")
    return frames.reshape(-1, 120, 160, 3)


def draw(exhibit: Exhibit, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image

    heights = (WIDTH_IN / NUM_PICTURES * exhibit.frames.shape[1] / exhibit.frames.shape[2], 0.5, 1.5)  # pictures keep their shape
    figure = pyplot.figure(figsize=(WIDTH_IN, sum(heights)), dpi=100)
    grid = figure.add_gridspec(3, 1, left=0, right=1, top=1, bottom=0, height_ratios=heights, hspace=0)
    sheet.strips([figure.add_subplot(part) for part in grid], exhibit.frames, exhibit.audio, exhibit.duration_s, exhibit.events, NUM_PICTURES)
    drawn = io.BytesIO()
    figure.savefig(drawn)
    pyplot.close(figure)
    Image.open(drawn).convert("RGB").save(path, quality=PICTURE_QUALITY, method=6)


def encode(exhibit: Exhibit, path: Path, bitrate: str = BITRATE) -> None:
    """Ogg Opus, the loudest sample at −1 dBFS."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        write_wav(sound, exhibit.audio * (0.89 / max(np.abs(exhibit.audio).max(), 1e-9)))
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(sound), "-c:a", "libopus", "-b:a", bitrate, "-fflags", "+bitexact", "-map_metadata", "-1", str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{path}: ffmpeg failed: {done.stderr.decode(errors='replace').strip()}")


def judged(scores: dict) -> tuple[list[str], list[str]]:
    """Classes that are right in four clips of five and, where they have events, as much in sync as the threshold asks; the others with what is wrong."""
    good, failed = [], []
    for name, row in scores["per_class"].items():
        heard, sync, true = row["accuracy.video+text"], row.get("f1.video+text"), row.get("f1.true")
        faults = [*([f"heard right in {heard:.0%} (else as {', '.join(row.get('heard_as', []))})"] if heard < 0.8 else []),
                  *([f"F1 {sync:.2f} where true sound has {true:.2f}"] if sync is not None and sync < 0.75 * true else [])]
        failed.append(f"{name.replace('_', ' ')}: {'; '.join(faults)}") if faults else good.append(name.replace("_", " "))
    return good, failed


def page(scores: dict, drawn: list[Exhibit], real: list[Exhibit]) -> str:
    settings = scores["settings"]
    good, failed = judged(scores)
    missed = [f"{m['question']}: {m['what']}: {report.number(m['value'], m.get('unit', ''))}, threshold {report.threshold(m)}" for m in scores["measures"] if m.get("met") is False]

    def listed(items, otherwise):
        return "\n".join(f"- {item}" for item in items) if items else otherwise

    return "\n\n".join([
        "# Gallery",
        f"What `{scores['model']}` makes of pictures and a caption, guidance {settings['cfg']:g}, {settings['steps']} steps, nothing chosen by ear: the rule stands in "
        "`training/gallery.py`, which writes this page (`python3 -m gallery models/foley-small`). Each figure has pictures, the level of the sound with the true events as "
        "lines (red: seen, blue: out of view), and its spectrogram. All figures that were measured: [the model card](../../models/foley-small/MODEL_CARD.md).",
        "## What is good", f"Right in four of five clips and in sync: {', '.join(good)}." if good else "No class is right in four of five clips and in sync.",
        "## What failed", listed(failed, "No class falls below that."), "Thresholds that are not met:\n\n" + listed(missed, "None.") if missed else "Every threshold is met.",
        f"## {len(drawn)} held-out scenes", *(exhibit.text() for exhibit in drawn), "## Real video",
        "Trained on drawings, the model takes from real pictures mostly when something happens; what it is, the caption says. There are no onsets to score against: "
        "watch and listen.", *(exhibit.text() for exhibit in real)]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/gallery"))
    options = parser.parse_args()

    scores = report.read(options.bundle)
    if not files.available():
        parser.error(f"{files.PROGRAM} is missing; `scripts/build.sh --cli` builds it")
    settings, engine = scores["settings"], product.Engine(options.bundle)
    drawn = [of_scene(engine, row, settings, reason) for row, reason in chosen(scores["clips"])]
    lines = [json.loads(line) for line in (SAMPLES / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if "events" not in line]  # those are drawn
    with tempfile.TemporaryDirectory() as folder:
        real = [of_video(line, options.bundle, settings, Path(folder)) for line in lines]
    options.output.mkdir(parents=True, exist_ok=True)
    for old in (*options.output.glob("*.webp"), *options.output.glob("*.ogg")):
        old.unlink()
    for exhibit in drawn + real:
        draw(exhibit, options.output / f"{exhibit.name}.webp")
        encode(exhibit, options.output / f"{exhibit.name}.ogg")
        print(f"{exhibit.name}: {exhibit.caption}", flush=True)
    (options.output / "README.md").write_text(page(scores, drawn, real), encoding="utf-8")
    size = sum(path.stat().st_size for path in options.output.iterdir())
    print(f"{options.output}: {len(drawn)} scenes and {len(real)} clips, {size / 1e6:.2f} MB")
    if size > BYTES:
        parser.error(f"{options.output} has {size} bytes, more than {BYTES}: lower BITRATE or PICTURE_QUALITY")


if __name__ == "__main__":
    main()
