"""Makes the embedded model from a clone, with one command.

    PYTHONPATH=training python3 -m train -o build/training              on a GPU and 16 cores minutes, on two cores hours
    PYTHONPATH=training python3 -m train -o build/training --scale 0.02 a rehearsal

Each step is a program of its own that goes on where it stopped; what is finished is not done again. Clips are drawn beside
the training that reads them. The bundle ends up in OUTPUT/foley-small; its last steps need the native library and the command
line program (`scripts/build.sh --cli`). Copy it to models/ when it measures better. The vocabularies are the shipped bundle's, unless
OUTPUT/vocabularies holds others (`python3 -m vocabularies`).
"""
import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import resident

# Users give words without pictures, pictures without words, and seldom a chain of thought; one clip in twenty has nothing,
# for the guidance to hold against.
DROP = "clip=0.1,sync=0.1,text=0.1,t5=0.3,video=0.25,words=0.25"


SHIPPED = Path(__file__).resolve().parents[1] / "models" / "foley-small"


@dataclass(frozen=True)
class Plan:
    """How much of everything. Clips of 4 and of 8 s; minutes of codec and encoders, side by side, and of the flow; batches."""
    clips: int
    long_clips: int
    minutes: float
    flow_minutes: float
    codec_batch: int
    encoder_batch: int
    flow_batch: int


GPU = Plan(24000, 3000, 2.6, 4.4, 128, 48, 128)
CPU = Plan(6000, 1200, 120, 120, 16, 8, 16)


def openblas_core() -> dict:
    """Debian's OpenBLAS may take kernels for AVX2 on processors newer than itself; those for AVX-512 were 1.4 times as fast."""
    cpuinfo = Path("/proc/cpuinfo")
    wide = cpuinfo.exists() and " avx512f " in cpuinfo.read_text()
    return {"OPENBLAS_CORETYPE": "SkylakeX"} if wide else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("build/training"))
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts and minutes")
    parser.add_argument("--base", type=Path, help="bundle whose codec goes on being trained, such as models/foley-small")
    parser.add_argument("--until", choices=["flow", "end"], default="end", help="flow: without bundle and measurement, which need the native library")
    options = parser.parse_args()
    out, scale = options.output, options.scale
    beside = torch.cuda.is_available()
    plan, cores = GPU if beside else CPU, os.cpu_count()
    base = ["--base", options.base] if options.base else []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_WAIT_POLICY": "passive", **openblas_core(),
                   # Large tensors keep their memory from one step to the next, instead of faulting it in anew: features in 0.6 of the time.
                   "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}

    def start(program: str, *arguments, threads: int | None = None) -> subprocess.Popen:
        command = [sys.executable, "-m", program, *map(str, arguments)]
        print("+", " ".join(command), flush=True)
        return subprocess.Popen(command, env={**environment, **({"OMP_NUM_THREADS": str(threads)} if threads else {})})

    def finish(*runs: subprocess.Popen) -> None:
        if failed := [run.args[2] for run in runs if run.wait()]:
            sys.exit(f"{', '.join(failed)} failed; what it printed stands above, and the same command goes on from there")

    def run(program: str, *arguments, unless: Path | None = None) -> None:
        if not (unless and unless.exists()):
            finish(start(program, *arguments))

    def wait_for(process: subprocess.Popen, folder: Path, rows: int) -> None:
        """Until `process` has made that many rows of the folder."""
        while resident.ready(folder) < rows:
            if process.poll():
                finish(process)
            time.sleep(0.5)

    def count(number: float) -> int:
        return max(64, round(number * scale))

    folders = {"val-4s": (4, count(128), "val"), "train-4s": (4, count(plan.clips), "train"), "train-8s": (8, count(plan.long_clips), "train")}
    drawing = []
    for name, (duration, number, split) in folders.items():
        workers = max(1, cores - 4) if name == "train-4s" else max(1, cores // 8)
        drawing.append(start("clips", "--count", number, "--duration", duration, "--split", split, "--workers", workers, "-o", out / name))
        if not beside:  # one after the other, and nothing beside them
            finish(drawing.pop())
    if not (out / "vocabularies").exists():
        (out / "vocabularies").mkdir(parents=True)
        for file in ("merges.txt", "vocab.json", "spiece.model"):
            shutil.copy(SHIPPED / file, out / "vocabularies" / file)
    some = min(512, count(plan.clips))
    for process, name, rows in zip(drawing, folders, (folders["val-4s"][1], some, 64)):
        wait_for(process, out / name, rows)
    # Neither needs the other, and on a CPU their small tensors do not keep two threads busy.
    finish(start("codec", out / "train-4s", "--minutes", 0.7 * plan.minutes * scale, "--batch", plan.codec_batch, "--at-least", some, *base, "-o", out / "codec"),
           start("encoders", out / "train-4s", "--vocabularies", out / "vocabularies", "--validate", out / "val-4s", "--minutes", plan.minutes * scale,
                 "--batch", plan.encoder_batch, "--at-least", some, "-o", out / "encoders"))
    features, reading = out / "features", []
    for name in ("train-4s", "train-8s", "val-4s"):
        shared = [] if name == "train-4s" else ["--latent-std", features / "train-4s" / "latent_std.npy"]
        reading.append(start("features", out / name, "--model", out, *shared, "-o", features / name))
        if beside:
            wait_for(reading[-1], features / name, 64)
        else:
            finish(reading.pop())
    finish(start("flow", "train", features / "train-4s", features / "train-8s", "--weights", 1, 1.5, "--validate", features / "val-4s",
                 "--drop", DROP, "--sync-steps", 400, "--batch", plan.flow_batch, "--minutes", plan.flow_minutes * scale, "-o", out / "flow"))
    for process in drawing + reading:  # what is not drawn by now is too late
        process.terminate()
        process.wait()
    if options.until == "flow":
        return
    bundle = out / "foley-small"
    run("export", "--model", out, "--validate", out / "val-4s", "-o", bundle)
    run("latent_units", bundle)
    run("listener", "--bundle", bundle, "--count", count(1400), "--test", count(220), "--minutes", 10 * scale, "--into", bundle, "-o", out / "listener")
    run("regions", bundle, "--count", count(600), "-o", out / "regions")
    run("naming", bundle, "--regions", out / "regions", "--clips", out / "train-4s", "--features", out / "features" / "train-4s", "-o", out / "naming")
    run("evaluate", bundle, "--count", 22 * max(1, round(5 * scale)), "-o", bundle / "scores.json")
    run("card", bundle, "--model", out)


if __name__ == "__main__":
    main()
