"""Renders one scene.

    python3 -m scenes 7 --class bounce --size 256 -o out.mp4 --json out.json
"""
import argparse
import json
from pathlib import Path

from .compose import generate
from .kinds import CLASSES
from .scene import SPLITS
from .video import render_video, write_wav


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m scenes", description=__doc__.split("\n")[0])
    parser.add_argument("seed", type=int)
    parser.add_argument("--class", dest="class_name", choices=CLASSES, help="default: drawn from the seed")
    parser.add_argument("--duration", type=float, default=4.0, help="seconds")
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--size", type=int, default=256, help="pixels of a side")
    parser.add_argument("--alone", action="store_true", help="one source only")
    parser.add_argument("--silent", action="store_true", help="a video without a sound track")
    parser.add_argument("-o", "--output", type=Path, help=".mp4: pictures and sound; .wav: sound")
    parser.add_argument(
        "--json", nargs="?", const="-", help="caption, events and the rest, into a file or to standard output"
    )
    o = parser.parse_args()
    if o.output is None and o.json is None:
        parser.error("nothing to do: give -o FILE or --json")
    if o.output is not None and o.output.suffix not in (".mp4", ".wav"):
        parser.error(f"{o.output}: the name must end in .mp4 or .wav")
    scene = generate(o.seed, o.duration, o.class_name, o.split, size=o.size, pictures=False, companions=not o.alone)
    if o.output is not None:
        if o.output.suffix == ".mp4":
            render_video(scene, o.output, silent=o.silent)
        else:
            write_wav(o.output, scene.audio)
    if o.json is not None:
        text = json.dumps(scene.as_dict(), indent=1, ensure_ascii=False)
        print(text) if o.json == "-" else Path(o.json).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
