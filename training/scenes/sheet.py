"""Contact sheets: frames, onsets and spectrogram of scenes, one above the other, to look at.

    python3 -m scenes.sheet 1 2 3 --class bounce -o sheet.png        three seeds of one class
    python3 -m scenes.sheet 1 -o sheet.png                           one seed of every class
"""
import argparse
from pathlib import Path

import numpy as np
import scipy.signal

from .compose import generate
from .kinds import CLASSES
from .scene import SPLITS, Scene
from .sound import SAMPLE_RATE


def spectrogram(audio, floor_db: float = -90.0):
    """(times_s, freqs_hz, dB [freqs, times]) of the sum of the channels."""
    freqs, times, power = scipy.signal.spectrogram(
        audio.mean(0), SAMPLE_RATE, nperseg=1024, noverlap=768, mode="magnitude", scaling="spectrum"
    )
    return times, freqs, np.maximum(20 * np.log10(power + 1e-9), floor_db)


def draw(axes, scene: Scene, num_frames: int) -> None:
    """A scene by `strips`."""
    title = f"{scene.class_name} {scene.seed} · {scene.material} · {scene.caption}"
    strips(axes, scene.frames, scene.audio, scene.duration_s, scene.events, num_frames, title)


def strips(axes, frames, audio, duration_s: float, events, num_frames: int, title: str = "") -> None:
    """Pictures into axes[0], level and onsets (red: seen) into axes[1], spectrogram into axes[2]."""
    pick = np.linspace(0, len(frames) - 1, num_frames).round().astype(int)
    axes[0].imshow(
        np.concatenate(list(frames[pick]), 1),
        extent=(0, duration_s, 0, duration_s / num_frames),
        aspect="auto",
        interpolation="nearest",
    )
    axes[0].set_title(title, fontsize=7, loc="left", pad=2)
    hop = SAMPLE_RATE // 200
    level = np.sqrt((audio[:, : audio.shape[1] // hop * hop].reshape(2, -1, hop) ** 2).mean((0, 2)))
    axes[1].fill_between(np.arange(len(level)) / 200, np.maximum(20 * np.log10(level + 1e-6), -70), -70, color="0.75", lw=0)
    for event in events:
        axes[1].axvline(
            event.time_s, color="tab:red" if event.visible else "tab:blue", lw=0.8, ymax=0.15 + 0.85 * event.strength
        )
    axes[1].set_ylim(-70, 0)
    times, freqs, db = spectrogram(audio)
    axes[2].pcolormesh(times, freqs / 1000, db, vmin=-85, vmax=-15, cmap="magma", rasterized=True)
    axes[2].set_yscale("symlog", linthresh=1.0)
    axes[2].set_ylim(0.05, 20)
    for a in axes:
        a.set_xlim(0, duration_s)
        a.set_xticks([])
        a.set_yticks([])


def sheet(scenes, path, num_frames: int = 12, columns: int = 2) -> None:
    """PNG of many scenes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = -(-len(scenes) // columns)
    figure = pyplot.figure(figsize=(7.5 * columns, 1.9 * rows), dpi=100)
    outer = figure.add_gridspec(
        rows, columns, left=0.01, right=0.99, top=1 - 0.2 / (1.9 * rows), bottom=0.01, hspace=0.22, wspace=0.02
    )
    for k, scene in enumerate(scenes):
        grid = outer[k // columns, k % columns].subgridspec(3, 1, height_ratios=(1.25, 0.45, 1.1), hspace=0)
        draw([figure.add_subplot(g) for g in grid], scene, num_frames)
    figure.savefig(path)
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m scenes.sheet", description=__doc__.split("\n")[0])
    parser.add_argument("seeds", type=int, nargs="+")
    parser.add_argument(
        "--class", dest="class_name", choices=CLASSES, action="append", help="may be given more than once; default: all"
    )
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--frames", type=int, default=12, help="pictures per scene")
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help="one source per scene")
    parser.add_argument("-o", "--output", type=Path, required=True)
    o = parser.parse_args()
    scenes = [
        generate(seed, o.duration, name, o.split, size=o.size, companions=not o.alone)
        for name in o.class_name or CLASSES
        for seed in o.seeds
    ]
    sheet(scenes, o.output, o.frames, o.columns)


if __name__ == "__main__":
    main()
