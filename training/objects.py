"""Measures stage two in the product itself: clicks on things of held-out scenes, and holds mask, track and sound against the truth.

    python3 -m objects models/foley-small -o objects.json               44 things, each with two seeds; ten minutes on two cores
    python3 -m objects models/foley-small --first 44 --views alone,crop the next 44, shown in two ways
    python3 -m objects models/foley-small --tracks-only --count 88      masks and tracks alone, no sound

Scenes have one source or two; every source that moves is clicked once, on the picture that shows most of it, at the point that lies
deepest inside. Only shapes that move count as the thing, and of those what nothing hides. Right is the sound that the judge takes for
the thing's, heard in the time in which the thing is followed: a rumble between two silences is heard as thunder, even a true engine's.
`true` is each thing's own sound, from the scenes' program: what the judge is worth. Needs the command line program
(scripts/build.sh --cli) and ffmpeg.
"""
import argparse
import base64
import itertools
import json
import os
import subprocess
import tempfile
import wave
from pathlib import Path
from types import SimpleNamespace

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import scipy.ndimage

import judge as judges
import scenes
from evaluation import clips, hearing
from scenes.compose import generator
from scenes.draw.canvas import Canvas
from scenes.draw.style import Style, background, camera, develop
from scenes.scene import FPS
from scenes.sound.mix import Mix
from scenes.video import render_video

PROGRAM = Path(__file__).resolve().parents[1] / "build" / "cli" / "thinksound"
JUDGE = Path(__file__).parent / "evaluation" / "judge.safetensors"
CLASSES = ("bounce", "strike", "knock", "footsteps", "bell", "clock", "bird", "siren", "engine", "scrape", "door")  # have a thing that moves
DURATION_S, SIZE = 4.0, 256
MOVES = 0.03        # of the picture's half width: less is camera shake or a shiver
LEAST_SHARE = 0.002  # of the picture, of a thing that can be clicked
LEVEL_RANGE_DB = 6.0  # the program's own
CHANCE = 1 / len(scenes.CLASSES)
NOT_FOUND = 3       # the program's exit status where nothing stands out, or it is lost at once


class Tracing(Canvas):
    """Draws as ever; while `traced`, also keeps what moving shapes cover and nothing hides later, bool [num_frames, size, size]."""

    traced = False

    def __init__(self, num_frames, size, shake):
        super().__init__(num_frames, size, shake)
        self.cover = np.zeros((num_frames, size, size), bool)

    def shape(self, distance, x, y, reach_x, reach_y, colour, alpha=1.0, soft=0.0, shade=None, held=False):
        super().shape(distance, x, y, reach_x, reach_y, colour, alpha, soft, shade, held)
        moves = self.traced and soft <= 0.05 and np.ptp(self.per_frame(x)) + np.ptp(self.per_frame(y)) >= MOVES
        if not moves and not self.cover.any():
            return
        alone = Canvas(self.num_frames, self.size, self.shake)
        alone.shape(distance, x, y, reach_x, reach_y, np.ones(3), alpha, soft, None, held)
        drawn = alone.image[:, 0] > 0.5
        self.cover = self.cover | drawn if moves else self.cover & ~drawn


def traced(scene, source):
    """(frames uint8 [n, size, size, 3], cover of one source): the same picture as scenes.compose.paint draws."""
    rng = generator(scene.streams["picture"])
    num_frames = scene.sources[0].stage.num_frames
    canvas = Tracing(num_frames, scene.size, camera(rng, np.arange(num_frames) / FPS))
    style = Style(rng)
    background(rng, style, canvas)
    for other in sorted(scene.sources, key=lambda s: s.bed, reverse=True):
        if other.stage.visible:
            canvas.traced = other is source
            other.draw(canvas, style, rng)
            canvas.traced = False
    return develop(rng, canvas), canvas.cover


def sound_of(scene, source):
    """float32 [2, num_samples]: what the scene would sound like with this source alone."""
    mix = Mix(scene.num_samples)
    source.sound(generator(scene.streams["sound"]), mix)
    return mix.finish(scene.room, generator(scene.streams["room"]))


def click(cover):
    """(frame, x, y) of the deepest point of the frame that shows most; None where nothing can be clicked."""
    areas = cover.mean((1, 2))
    frame = int(areas.argmax())
    if areas[frame] < LEAST_SHARE:
        return None
    depth = scipy.ndimage.distance_transform_edt(np.pad(cover[frame], 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return frame, (x + 0.5) / cover.shape[2], (y + 0.5) / cover.shape[1]


def masks_of(track: dict):
    """Frame number → bool [height, width], of a track file."""
    found = {}
    for k, frame in enumerate(track["frames"]):
        if not frame["seen"]:
            continue
        lengths, value, shift = [], 0, 0
        for byte in base64.b64decode(frame["mask"]):
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                lengths.append(value)
                value, shift = 0, 0
        flat, at, inside = np.zeros(track["width"] * track["height"], bool), 0, False
        for length in lengths:
            flat[at : at + length] = inside
            at, inside = at + length, not inside
        flat[at:] = inside
        found[track["first_frame"] + k] = flat.reshape(track["height"], track["width"])
    return found


def against(found, cover, frame):
    """(IoU where it was clicked, mean IoU, mean distance of the middles in widths, share of the thing's frames in which it is seen)."""
    visible = [k for k in range(len(cover)) if cover[k].mean() >= LEAST_SHARE]
    ious, errors = [], []
    for k in visible:
        if k not in found:
            continue
        mine = found[k]
        if mine.shape != cover[k].shape:
            raise ValueError(f"masks are {mine.shape}, pictures {cover[k].shape}")
        ious.append((mine & cover[k]).sum() / max(1, (mine | cover[k]).sum()))
        middle, truth = (np.mean(np.nonzero(m), axis=1) for m in (mine, cover[k]))
        errors.append(np.linalg.norm(middle - truth) / cover.shape[2])
    clicked = (found[frame] & cover[frame]).sum() / max(1, (found[frame] | cover[frame]).sum()) if frame in found else 0.0
    return float(clicked), float(np.mean(ious or [0])), float(np.mean(errors or [1])), len(ious) / max(1, len(visible))


def pan_of(audio, cover):
    """Correlation of level differences between the channels with the thing's place, where both vary; nan elsewhere."""
    places, pans = [], []
    for k in range(len(cover)):
        part = audio[:, round(k * 44100 / FPS) : round((k + 1) * 44100 / FPS)]
        left, right = np.square(part).mean(1)
        if cover[k].any() and left + right > 1e-9:
            places.append(np.nonzero(cover[k])[1].mean())
            pans.append((right - left) / (right + left))
    moves = len(places) > 10 and np.std(places) > 0.03 * cover.shape[2]
    return float(np.corrcoef(places, pans)[0, 1]) if moves and np.std(pans) > 0 else float("nan")


def level_errors(points, cover):
    """(mean distance in dB of the level from what the thing's true size asks for, and of a level that stays), in the frames that show it;
    a level that is higher or lower all the time is no error."""
    sizes = np.sqrt(cover.mean((1, 2)))
    seen = np.nonzero(np.square(sizes) >= LEAST_SHARE)[0]
    wanted = np.maximum(-LEVEL_RANGE_DB, 20 * np.log10(sizes[seen] / sizes.max()))
    times, levels = np.array(points or [[0, 0]]).T
    return tuple(float(np.abs(curve - curve.mean()).mean()) for curve in (np.interp(seen / FPS, times, levels) - wanted, wanted))


def read_wav(path):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).T.astype(np.float32) / 32768


def clicking(video, spot) -> list[str]:
    """The program's command that refines what is clicked."""
    frame, x, y = spot
    return [str(PROGRAM), "refine", str(video), "--at", f"{x:.5f},{y:.5f}", "--time", f"{frame / FPS:.5f}", "--force", "--quiet", "--json"]


def refine(video, spot, folder, options, view, seed):
    """(track, what the program tells as JSON, audio or None) of one click. Raises RuntimeError with the program's own words."""
    track, out = folder / "track.json", folder / "out.wav"
    command = [*clicking(video, spot), "--track", str(track)]
    if options.tracks_only:
        command += ["--dry-run"]
    else:
        command += ["-o", str(out), "--view", view, "--bundle", str(options.bundle), "--provider", options.provider, "--keep-audio", "replace", "--cfg", str(options.cfg),
                    "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(track.read_text()), json.loads(done.stdout), None if options.tracks_only else read_wav(out)


def scene_of(seed, split):
    """A scene with a thing that moves, classes in turn; no pictures yet."""
    return scenes.generate(seed, DURATION_S, CLASSES[seed % len(CLASSES)], split, size=SIZE, pictures=False)


def clickable(scene):
    """(source, frames, cover, spot) of every source that can be clicked."""
    for source in scene.sources:
        if source.name in CLASSES and source.stage.visible:
            frames, cover = traced(scene, source)
            if (spot := click(cover)) is not None:
                yield source, frames, cover, spot


def cases(count, first=0):
    """(scene, source, frames, cover, spot), `count` of them from the `first` on."""
    every = ((scene, *found) for scene in (scene_of(seed, "test") for seed in itertools.count()) for found in clickable(scene))
    return itertools.islice(every, first, first + count)


def median(values):
    values = [v for v in values if not np.isnan(v)]
    return float(np.median(values)) if values else float("nan")


def summary(rows, heard, seeds):
    """`heard`: each thing `seeds` times in turn; chance holds a sound against another thing's events."""
    good = [row for row in rows if "error" not in row]
    table = {
        "cases": len(rows), "failed": len(rows) - len(good),
        "iou_clicked": median([row["iou_clicked"] for row in good]), "iou": median([row["iou"] for row in good]),
        "middle_error": median([row["middle_error"] for row in good]), "seen": median([row["seen"] for row in good]),
    }
    if heard:
        table |= {"accuracy": float(np.mean([row["heard_as"] == row["class"] for row in good])), "accuracy_in_silence": hearing.accuracy(heard),
                  "accuracy_chance": CHANCE, "onset_f1": hearing.sync_f1(heard),
                  "onset_f1_chance": float(np.mean([hearing.mismatched_f1(heard[k::seeds]) for k in range(seeds)])), "pan_correlation": median([row["pan"] for row in good]),
                  "level_error_db": float(np.mean([row["level_error_db"] for row in good])), "level_error_db_without": float(np.mean([row["level_without_db"] for row in good]))}
    return {key: round(value, 4) for key, value in table.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m objects", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--count", type=int, default=44, help="things to click")
    parser.add_argument("--first", type=int, default=0, help="things to pass over before")
    parser.add_argument("--seeds", type=int, default=2, help="sounds of each")
    parser.add_argument("--views", default="alone", help="what the model is shown, joined by commas: alone, masked, crop")
    parser.add_argument("--provider", default="recogniser", help="who thinks: recogniser, none")
    parser.add_argument("--cfg", type=float, default=3.0)
    parser.add_argument("--tracks-only", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if not PROGRAM.exists():
        parser.error(f"{PROGRAM} is not there; scripts/build.sh --cli makes it")
    if options.tracks_only:
        options.views, options.seeds = "alone", 1
    views = options.views.split(",")
    judge = None if options.tracks_only else judges.read(JUDGE)
    rows, heard, true = {view: [] for view in views}, {view: [] for view in views}, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for scene, source, frames, cover, spot in cases(options.count, options.first):
            scene.frames = frames
            render_video(scene, folder / "scene.mp4", silent=True)
            thing = SimpleNamespace(class_name=source.name, events=source.events)
            if judge is not None:
                true.append(hearing.listen(judge, thing, sound_of(scene, source)))
            for view, variation in ((view, variation) for view in views for variation in range(options.seeds)):
                row = {"class": source.name, "seed": scene.seed, "sources": list(scene.classes), "variation": variation}
                try:
                    track, told, audio = refine(folder / "scene.mp4", spot, folder, options, view, clips.generation_seed(1, scene, variation))
                    row |= dict(zip(("iou_clicked", "iou", "middle_error", "seen"), against(masks_of(track), cover, spot[0])))
                    if audio is not None:
                        one = hearing.listen(judge, thing, audio)
                        begin, end = (round(44100 * told["object"][key]) for key in ("start_s", "end_s"))
                        own = hearing.listen(judge, thing, audio[:, begin:end])
                        heard[view].append(one)
                        row |= {"caption": told["caption"], "heard_as": own.guess, "heard_as_in_silence": one.guess, "pan": pan_of(audio, cover)}
                        row |= dict(zip(("level_error_db", "level_without_db"), level_errors(told["level_db"], cover)))
                except RuntimeError as e:
                    row["error"] = str(e)
                rows[view].append(row)
                print(view, json.dumps(row), flush=True)
    result = {view: summary(rows[view], heard[view], options.seeds) for view in views}
    if true:
        result["true"] = {"accuracy": round(hearing.accuracy(true), 4), "onset_f1": round(hearing.sync_f1(true), 4)}
    print(json.dumps(result, indent=1))
    if options.output is not None:
        options.output.write_text(json.dumps({"summary": result, "cases": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
