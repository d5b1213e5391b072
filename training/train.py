"""Makes the embedded model from a clone, with one command.

    PYTHONPATH=training python3 -m train -o build/training              about four hours on two cores
    PYTHONPATH=training python3 -m train -o build/training --scale 0.02 a rehearsal in minutes

Each step is a program of its own that goes on where it stopped; what is finished is not done again. The bundle ends up in
OUTPUT/foley-small; copy it to models/ when it measures better.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("build/training"))
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts and minutes")
    options = parser.parse_args()
    out, scale = options.output, options.scale
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_WAIT_POLICY": "passive"}

    def run(program: str, *arguments, unless: Path | None = None) -> None:
        if unless and unless.exists():
            return
        command = [sys.executable, "-m", program, *map(str, arguments)]
        print("+", " ".join(command), flush=True)
        if subprocess.run(command, env=environment).returncode:
            sys.exit(f"{program} failed; what it printed stands above, and the same command goes on from there")

    def count(number: float) -> int:
        return max(64, round(number * scale))

    clips = {"train-4s": (4, count(6000), "train"), "train-8s": (8, count(1200), "train")}
    for name, (duration, number, split) in clips.items():
        run("clips", "--count", number, "--duration", duration, "--split", split, "-o", out / name)
    sounds = [out / name for name in clips]
    run("vocabularies", *sounds, "-o", out / "vocabularies", unless=out / "vocabularies" / "spiece.model")
    run("codec", *sounds, "--minutes", 60 * scale, "-o", out / "codec")
    run("encoders", out / "train-4s", "--vocabularies", out / "vocabularies", "--minutes", 60 * scale, "-o", out / "encoders")
    features = out / "features"
    for folder in sounds:
        shared = [] if folder is sounds[0] else ["--latent-std", features / sounds[0].name / "latent_std.npy"]
        run("features", folder, "--model", out, *shared, "-o", features / folder.name, unless=features / folder.name / "latents.npy")
    run("flow", "train", *(features / folder.name for folder in sounds), "--minutes", 120 * scale, "-o", out / "flow")
    run("export", "--model", out, "-o", out / "foley-small")


if __name__ == "__main__":
    main()
