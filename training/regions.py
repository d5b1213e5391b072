"""What the program shows of things of training scenes, as features: what the recogniser learns to name single objects from.

    python3 -m regions models/foley-small --count 600 -o build/training/regions      two hours of a core; goes on where it stopped

Each scene's silent picture becomes a file, every source that moves is clicked as `objects` does, and `thinksound refine` follows it and
writes the region video. A folder of regions holds
    things.jsonl                       a line a thing: seed, name, classes of the scene, material, when it is followed
    region.npy, scene.npy, still.npy   float32 [n, 2, width]: what the recogniser reads (`Recogniser.summary`) of the region video, of that stretch
                                       of the scene, and of the picture at rest; of each and of its mirror image
Needs the command line program (scripts/build.sh --cli), the native library and ffmpeg.
"""
import argparse
import json
import multiprocessing
import os
import subprocess
import tempfile
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

import objects
import product
from resident import mark_ready, ready
from scenes.scene import FPS
from scenes.video import render_video

VIEWS = ("region", "scene", "still")
PICTURES = 16           # of which the picture at rest is the median
LEAST_S, REST_S = 1.0, 2.0  # a shorter track's last picture stays; more of a picture at rest shows the same
KEPT_EVERY = 20         # scenes

_engine = None


def _begin(bundle: Path) -> None:
    global _engine
    _engine = product.Engine(bundle, components=("clip_vision", "synchformer"), threads=1)


def read_video(path: Path, begin_s: float = 0.0) -> np.ndarray:
    """uint8 [num_frames, size, size, 3] at 24 a second, from a moment on."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-ss", f"{begin_s:.6f}", "-i", str(path), "-r", str(FPS), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                          capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, objects.SIZE, objects.SIZE, 3)


def summary(frames: np.ndarray, duration_s: float) -> np.ndarray:
    """What the recogniser reads of a video and of its mirror image, float32 [2, width]."""
    seen = [_engine.video_features(shown, duration_s) for shown in (frames, frames[:, :, ::-1])]
    return np.stack([np.concatenate([one["clip"].mean(0), one["sync"].mean(0), one["sync"].max(0)]) for one in seen])


def region_of(video: Path, spot, path: Path):
    """(begin, end) of what is clicked, whose region video becomes `path`; None where the program finds nothing."""
    done = subprocess.run([*objects.clicking(video, spot), "--region", str(path), "--dry-run"], capture_output=True, text=True, check=False)
    if done.returncode == objects.NOT_FOUND:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    told = json.loads(done.stdout)["object"]
    return told["start_s"], told["end_s"]


def things(job) -> list:
    """[(line, {view: summary})] of one scene."""
    seed, split = job
    scene, made = objects.scene_of(seed, split), []
    with tempfile.TemporaryDirectory() as name:
        video, path = Path(name) / "scene.mp4", Path(name) / "region.avi"
        for source, frames, _, spot in objects.clickable(scene):
            if not video.exists():
                scene.frames = frames
                render_video(scene, video, silent=True)
            if (found := region_of(video, spot, path)) is None:
                continue
            begin, end = found
            length, region = max(LEAST_S, end - begin), read_video(path)
            whole = read_video(video, begin)[: max(1, round((end - begin) * FPS))]
            rest = np.median(region[np.linspace(0, len(region), PICTURES, endpoint=False).astype(int)], axis=0).astype(np.uint8)
            rows = {"region": summary(region, length), "scene": summary(whole, length), "still": summary(rest[None].repeat(round(REST_S * FPS), 0), min(REST_S, length))}
            made.append(({"seed": seed, "name": source.name, "classes": list(scene.classes), "material": source.material, "begin_s": begin, "end_s": end}, rows))
    return made


class Regions:
    """One such folder."""

    def __init__(self, folder: Path):
        self.lines = [json.loads(line) for line in open(folder / "things.jsonl", encoding="utf-8")]
        self.rows = {view: np.load(folder / f"{view}.npy")[: len(self.lines)] for view in VIEWS}
        if any(len(rows) != len(self.lines) for rows in self.rows.values()):
            raise ValueError(f"{folder}: {len(self.lines)} lines for fewer features; make the folder again")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m regions", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--count", type=int, default=600, help="scenes")
    parser.add_argument("--split", default="train", choices=["train", "val", "test"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    if not objects.PROGRAM.exists():
        parser.error(f"{objects.PROGRAM} is not there; scripts/build.sh --cli makes it")
    options.output.mkdir(parents=True, exist_ok=True)
    lines, rows, first = [], {view: [] for view in VIEWS}, ready(options.output)
    if first:
        there = Regions(options.output)
        lines = [line for line in there.lines if line["seed"] < first]
        rows = {view: list(there.rows[view][: len(lines)]) for view in VIEWS}
    with multiprocessing.Pool(options.workers, _begin, (options.bundle,)) as pool:
        for done, made in enumerate(pool.imap(things, ((seed, options.split) for seed in range(first, options.count))), first + 1):
            for line, views in made:
                lines.append(line)
                for view in VIEWS:
                    rows[view].append(views[view])
            if lines and (done % KEPT_EVERY == 0 or done == options.count):
                for view in VIEWS:
                    np.save(options.output / f"{view}.npy", np.stack(rows[view]))
                (options.output / "things.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
                mark_ready(options.output, done)
                print(f"{options.output.name}: {done} of {options.count} scenes, {len(lines)} things", flush=True)


if __name__ == "__main__":
    main()
