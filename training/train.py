"""Makes the embedded model from a clone, with one command.

    PYTHONPATH=training python3 -m train -o build/training              about four hours on two cores
    PYTHONPATH=training python3 -m train -o build/training --scale 0.02 a rehearsal in minutes

Each step is a program of its own that goes on where it stopped; what is finished is not done again. The bundle ends up in
OUTPUT/foley-small, measured by the native library (`scripts/build.sh --native cpu`); copy it to models/ when it measures
better.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

# Users give words without pictures, pictures without words, and seldom a chain of thought; one clip in twenty has nothing,
# for the guidance to hold against.
DROP = "clip=0.1,sync=0.1,text=0.1,t5=0.3,video=0.25,words=0.25"


def openblas_core() -> dict:
    """Debian's OpenBLAS may take kernels for AVX2 on processors newer than itself; those for AVX-512 were 1.4 times as fast."""
    cpuinfo = Path("/proc/cpuinfo")
    wide = cpuinfo.exists() and " avx512f " in cpuinfo.read_text()
    return {"OPENBLAS_CORETYPE": "SkylakeX"} if wide else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("build/training"))
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts and minutes")
    options = parser.parse_args()
    out, scale = options.output, options.scale
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

    def count(number: float) -> int:
        return max(64, round(number * scale))

    clips = {"train-4s": (4, count(6000), "train"), "train-8s": (8, count(1200), "train")}
    for name, (duration, number, split) in clips.items():
        run("clips", "--count", number, "--duration", duration, "--split", split, "-o", out / name)
    sounds = [out / name for name in clips]
    run("vocabularies", *sounds, "-o", out / "vocabularies", unless=out / "vocabularies" / "spiece.model")
    # Neither needs the other, and their small tensors do not keep two threads busy.
    finish(start("codec", *sounds, "--minutes", 80 * scale, "-o", out / "codec", threads=1),
           start("encoders", out / "train-4s", "--vocabularies", out / "vocabularies", "--minutes", 40 * scale, "-o", out / "encoders", threads=1))
    features = out / "features"
    for folder in sounds:
        shared = [] if folder is sounds[0] else ["--latent-std", features / sounds[0].name / "latent_std.npy"]
        run("features", folder, "--model", out, *shared, "-o", features / folder.name, unless=features / folder.name / "latents.npy")
    run("flow", "train", *(features / folder.name for folder in sounds), "--drop", DROP, "--minutes", 80 * scale, "-o", out / "flow")
    bundle = out / "foley-small"
    run("export", "--model", out, "-o", bundle)
    run("evaluate", bundle, "--count", 22 * max(1, round(5 * scale)), "-o", bundle / "scores.json")
    run("card", bundle, "--model", out)


if __name__ == "__main__":
    main()
