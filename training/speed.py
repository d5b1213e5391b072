"""The product's speed on a GPU beside PyTorch's and the card's own, in one run: sizes as published, random weights.

    THINKSOUND_LIBRARY_PATH=build/cuda-plain/lib THINKSOUND_CUDA_LIBRARY=build/cuda-plain/lib/libthinksound_cuda.so \\
      PYTHONPATH=training python3 -m speed --commit "$(git rev-parse HEAD)"
    ... -m speed --device cpu --size small -o build/speed.json      # everything but the card

Measured: the ceilings (a bf16 product, a copy), each stage through the C ABI under several choices of kernels, the same in
PyTorch (`timing.baseline` lists how), what is in memory. Every group of parts has a process of its own; what fails, hangs or
comes too late is in the table with its reason. JSON and Markdown are written anew after every part.
"""
import argparse
import json
import re
import signal
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

from timing import kernels, ours, parts, report, sizes
from timing.variants import BATCHED, baseline_parts

ROOT = Path(__file__).resolve().parents[1]
WHAT = ("ceilings", "eager", "ours", "kernels", "separate", "compiled", "batch", "f16", "int8", "fp8", "f32")
PRECISIONS = ("f16", "int8", "fp8", "f32")  # beside bf16, an engine each; of a CPU the last alone
SETTINGS = ("default", "product=mma attention=mma", "product=cublaslt", "product=measure", "separate")
# Of settings other than the first of a process, what a choice of kernels moves.
FEWER_STAGES = ("sample_loop", "decode", "clip_vision", "synchformer", "first_pcm", "end_to_end")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="speed", description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda or cpu")
    parser.add_argument("--size", default="published", choices=tuple(sizes.SIZES))
    parser.add_argument("--duration", type=float, default=9, help="seconds of sound")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--minutes", type=float, default=2.5, help="after which nothing new is begun and what runs is ended")
    parser.add_argument("--what", default=",".join(WHAT), help=f"some of {','.join(WHAT)}; their order is fixed")
    parser.add_argument("--setting", action="append", help=f"choices of kernels for ours, may be repeated; default: {'; '.join(SETTINGS)}")
    parser.add_argument("--seconds", type=float, default=0.5, help="of samples for each part; at least three are taken")
    parser.add_argument("--part-seconds", type=float, default=25, help="a part that has not answered by then has failed")
    parser.add_argument("--load-seconds", type=float, default=90, help="the same for loading an engine")
    parser.add_argument("--compile-mode", default="max-autotune", choices=("max-autotune", "default", "none"), help="of the whole step and the decoder")
    parser.add_argument("--compile-seconds", type=float, default=120, help="a part that has not been compiled, tuned and measured by then has failed")
    parser.add_argument("--commit", default="", help="that was built, for the report")
    parser.add_argument("-o", "--output", type=Path, help="FILE.json, with FILE.md beside it; default: bench/results/<card>/speed-<size>-<duration>s.json")
    options = parser.parse_args(arguments)
    unknown = set(options.what.split(",")) - set(WHAT)
    if unknown:
        parser.error(f"--what knows no {', '.join(sorted(unknown))}")
    return options


def card() -> dict:
    """The first card as its driver tells of it, in words."""
    told = ours.ask_card("name,driver_version,power.limit,clocks.max.sm")
    return dict(zip(("card", "driver", "power_limit_w", "max_clock_mhz"), told)) if told else {}


def groups(options: argparse.Namespace, bundle: str, weights: str):
    """(source, group) in the order they are run: what is needed for a ratio first."""
    what, clip = set(options.what.split(",")), dict(duration_s=options.duration, steps=options.steps, cfg=5.0)
    common = dict(size=options.size, clip=clip, device=options.device, seconds=options.seconds, part_s=options.part_seconds, load_s=options.load_seconds,
                  bundle=bundle, weights=weights, compile_mode=options.compile_mode, compile_s=options.compile_seconds)
    settings = options.setting or list(SETTINGS)

    watched = tuple(kernels.PREFIX + stage for stage in kernels.STAGES) if "kernels" in what and options.device != "cpu" else ()

    def engine(settings: list[str], worker: str = "ours", precision: str = "auto", stages=None):
        names = [f"{setting}/{stage}" for i, setting in enumerate(settings)
                 for stage in stages or (FEWER_STAGES if i else ours.STAGES if "separate" in setting.split() else ours.STAGES + watched)]
        command = parts.worker_command(worker, common | {"precision": precision})
        return "ours", parts.Group(command, names, ours.environment(settings[0]))

    def torch(names: list[str]):
        return "baseline", parts.Group(parts.worker_command("baseline", common), names)
    baselines = baseline_parts("batch" in what)
    first = [f"ceiling/{name}" for name in ("describe", "product", "copy")] if "ceilings" in what else []
    first += baselines["eager"] if "eager" in what else []
    recorded, separate = ([setting for setting in settings if ("separate" in setting.split()) is wanted] for wanted in (False, True))
    if first:
        yield torch(first)
    if "ours" in what and recorded:
        yield engine(recorded)
    if "separate" in what and separate:
        yield engine(separate)
    if "compiled" in what and options.compile_mode != "none":
        yield torch(baselines["compiled"])
    if "batch" in what:
        for some in (recorded, separate):
            if some:
                yield engine(some, "batch", "bf16", (BATCHED,))
    for precision in PRECISIONS:
        if precision in what and (precision == "f32" or options.device != "cpu"):
            yield engine([f"precision={precision}"], precision=precision, stages=("load", *FEWER_STAGES, "memory"))


def work(name: str, options: dict, channel: int, names: list[str]) -> None:
    """A worker process (`parts.worker_command`)."""
    if name == "ours":
        worker = ours.worker
    elif name == "batch":
        from timing.batch import worker
    else:
        from timing.baseline import worker
    parts.serve(worker(options, names), channel)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a worker is ended with its parent
    environment = {"time": datetime.now(timezone.utc).isoformat(timespec="seconds"), "device": options.device, "commit": options.commit, "python": sys.version.split()[0],
                   **(card() if options.device != "cpu" else {})}
    output = options.output
    if output is None:
        where = re.sub(r"[^a-z0-9]+", "-", environment.get("card", options.device).lower()).strip("-")
        output = ROOT / "bench" / "results" / where / f"speed-{options.size}-{options.duration:g}s.json"
    told = report.Report({"size": options.size, "clip": dict(duration_s=options.duration, steps=options.steps, cfg=5.0), "minutes": options.minutes,
                          "seconds": options.seconds, "compile_mode": options.compile_mode, "compile_s": options.compile_seconds}, environment)
    with tempfile.TemporaryDirectory() as folder:
        bundle = "published"
        if options.size != "published":
            bundle = str(Path(folder, "bundle.json"))
            Path(bundle).write_text(json.dumps(sizes.bundle(options.size)), encoding="utf-8")

        def say(part, text):
            told.save(output)
            print(f"{time.monotonic() - began:6.1f} s  {part}: {text}", flush=True)
        for source, group in groups(options, bundle, str(Path(folder, "mmdit.safetensors"))):
            def done(part, answer, source=source):
                told.add(source, part, answer)
                say(part, f"{1e3 * answer['median_s']:.3f} ms" if "median_s" in answer else json.dumps(answer))

            def failed(part, why, source=source):
                told.fail(source, part, why)
                say(part, f"failed: {why}")
            group.run(began + 60 * options.minutes, done, failed)
    told.save(output)
    print(f"\n{told.markdown()}\nwritten: {output} and {output.with_suffix('.md').name}")
    return 0 if told.stages else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
    else:
        sys.exit(main(sys.argv[1:]))
