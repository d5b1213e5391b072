#!/usr/bin/env python3
"""Everything that needs a GPU, in one command, on a machine that has one and need have nothing else of ours. Parts in the order
of their worth, each within its seconds; one that fails, hangs or finds its program missing is in the table and ends nothing else.

    tests       60 s   every operator test and every golden on the CUDA backend, the choices of kernels left as they are
    cli         70 s   by the command line: a sample video on the card and on the CPU, the card by its UUID, two programs at once,
                       too little memory by order and in fact, the goldens by `verify`
    speed      195 s   training/speed.py: the whole path beside PyTorch
    memcheck, racecheck, synccheck, initcheck
                50 s   each: compute-sanitizer over the operator tests, as many as there is time for
    products   100 s   cuda_product_bench --tiles
    attention   45 s   ts_cuda_attention_bench

    scripts/device-check.py [BUILD]        a build folder (default build/cuda-plain), or an archive of scripts/device-pack.sh, which
                                           has every program
    ... --parts tests,memcheck             only these, in this order
    ... --files ops/linear,models/t5       only these files of tests, for tests and sanitizers
    ... --minutes 9.5                      after which nothing runs

What comes of it goes to $OUT, if that is set: table.txt, logs.tar.gz and the figures. Fails if a part did.
"""
import argparse
import array
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "models/foley-small"
SECONDS = {"tests": 60, "cli": 70, "speed": 195, "memcheck": 50, "racecheck": 50, "synccheck": 50, "initcheck": 50, "products": 100, "attention": 45}
# Recorded steps are the default: what they replay is run step by step, too.
STEP_BY_STEP = ["ops/replay+THINKSOUND_CUDA_GRAPHS=0", "abi/cuda_engine+THINKSOUND_CUDA_GRAPHS=0"]
# What a sanitizer prints of a finding, whatever the tool.
FINDING = re.compile(r"^========= (?!COMPUTE-SANITIZER|ERROR SUMMARY: 0 |RACECHECK SUMMARY: 0 |LEAK SUMMARY: 0 )\w", re.MULTILINE)


class Skipped(Exception):
    """A part that cannot be run here, and why."""


class Run:
    """One command: its exit status (None: its time was over), what it printed, and how long it took."""

    def __init__(self, command, seconds: float, log: Path | None = None, **environment: str):
        began = time.monotonic()
        self.status = None
        # In a session of its own, so that its children end with it.
        with tempfile.TemporaryFile() as output, subprocess.Popen([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                                                                  stderr=subprocess.STDOUT, env=os.environ | environment, start_new_session=True) as process:
            try:
                self.status = process.wait(max(seconds, 0.1))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            self.output = output.read().decode(errors="replace")
        self.seconds = time.monotonic() - began
        if log:
            log.write_text(self.output, encoding="utf-8")

    @property
    def told(self) -> str:
        lines = self.output.strip().splitlines()
        return lines[-1][:150] if lines else "nothing printed"


class Check:
    def __init__(self, options: argparse.Namespace, build: Path, logs: Path):
        self.build, self.logs, self.device, self.files = build, logs, options.device, options.files.split(",") if options.files else []
        self.rows: list[str] = []
        self.failed = False
        self.end = time.monotonic() + 60 * options.minutes
        head = build / "commit"
        self.commit = head.read_text(encoding="utf-8").split()[0] if head.exists() else Run(["git", "rev-parse", "HEAD"], 5).told

    def program(self, name: str) -> Path:
        path = self.build / "bin" / name
        if not path.exists():
            raise Skipped(f"{name} is not in {self.build}")
        return path

    def row(self, name: str, answer: str, seconds: float, told: str) -> None:
        self.rows.append(f"{name:<12} {answer:<8} {seconds:6.1f} s  {told}")
        print(self.rows[-1], flush=True)
        out = os.environ.get("OUT")
        if out:  # after every part, and in few files
            Path(out, "table.txt").write_text("\n".join(self.rows) + "\n", encoding="utf-8")
            with tarfile.open(Path(out, "logs.tar.gz"), "w:gz") as logs:
                logs.add(self.logs, "logs")
            for figures in ("speed.json", "speed.md", "cuda_product_bench.json", "attention.json"):
                if (self.logs / figures).exists():
                    shutil.copy(self.logs / figures, out)

    def part(self, name: str) -> None:
        began = time.monotonic()
        seconds = min(SECONDS[name], self.end - began)
        if seconds < 10:
            self.row(name, "skipped", 0, "no time left")
            return
        try:
            is_right, told = getattr(self, name)(began + seconds)
            answer = "ok" if is_right else "FAILED"
            self.failed |= not is_right
        except Skipped as why:
            answer, told = "skipped", str(why)
        except Exception as error:  # the next part is run whatever happened to this one
            answer, told, self.failed = "FAILED", repr(error), True
        self.row(name, answer, time.monotonic() - began, told)

    # Tests

    def test_file(self, name: str, end: float, most: float, kind: str, under: tuple[str, ...] = ()) -> tuple[str, Run]:
        """One process for each file, so that a kernel that ends its device's context spoils no other. A file may name an environment."""
        file, _, setting = name.partition("+")
        key, _, value = setting.partition("=")
        run = Run([*under, self.program("ts_tests"), f"-sf=*/native/{file}_test.cpp", "-sc=cuda", "-d"], min(most, end - time.monotonic()),
                  self.logs / f"{kind}-{name.replace('/', '-')}.log", **({key: value} if key else {}))
        return name, run

    def all_files(self) -> list[str]:
        return [f"{folder}/{path.name.removesuffix('_test.cpp')}" for folder in ("ops", "models", "sampler", "pipeline")
                for path in sorted(Path(ROOT, "tests/native", folder).glob("*_test.cpp"))]

    def tests(self, end: float) -> tuple[bool, str]:
        self.program("ts_tests")
        with ThreadPoolExecutor(8) as pool:
            runs = list(pool.map(lambda name: self.test_file(name, end, 40, "tests"), self.files or [*self.all_files(), "abi/cuda_engine", *STEP_BY_STEP]))
        for name, run in runs:
            counts = re.search(r"^\[doctest\] assertions: *(.*)", run.output, re.MULTILINE)
            print(f"  {name:<44} {'late' if run.status is None else f'rc {run.status}':<6} {run.seconds:6.1f} s  {' '.join(counts[1].split()) if counts else run.told}")
            if run.status != 0:
                for line in [line for line in run.output.splitlines() if re.search(r"TEST CASE|ERROR:|values:|logged:|exception", line)][:8]:
                    print(f"      {line.strip()}")
        for line in sorted({line for _, run in runs for line in run.output.splitlines() if "SKIPPED:" in line}):
            print(f"  {line.strip()}")
        failed = sum(run.status != 0 for _, run in runs)
        return failed == 0, f"{len(runs) - failed} files of tests passed, {failed} failed"

    # A file that is not through in time has failed only if something had been found.
    def sanitizer(self, tool: str, end: float) -> tuple[bool, str]:
        self.program("ts_tests")
        if not shutil.which("compute-sanitizer"):
            raise Skipped("compute-sanitizer is not on this machine")
        # Tests ask for more memory than there is, and are answered: no error.
        under = ("compute-sanitizer", "--tool", tool, "--report-api-errors", "no", "--error-exitcode", "99")
        files = self.files or [name for name in self.all_files() if name.startswith(("ops/", "sampler/"))]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            runs = list(pool.map(lambda name: self.test_file(name, end, SECONDS[tool], tool, under), files))
        clean = late = 0
        wrong = []
        for name, run in runs:
            if run.status == 0:
                clean += 1
            elif run.status is None and not FINDING.search(run.output):
                late += 1
            else:
                wrong.append(name)
                first = FINDING.search(run.output)
                print(f"  {name}: rc {run.status}, {run.output[first.start():].splitlines()[0] if first else run.told}")
        return clean > 0 and not wrong, f"{clean} files clean, {late} not through in time, {len(wrong)} with findings{': ' + ' '.join(wrong) if wrong else ''}"

    def memcheck(self, end: float): return self.sanitizer("memcheck", end)
    def racecheck(self, end: float): return self.sanitizer("racecheck", end)
    def synccheck(self, end: float): return self.sanitizer("synccheck", end)
    def initcheck(self, end: float): return self.sanitizer("initcheck", end)

    # The command line

    def cli(self, end: float) -> tuple[bool, str]:
        program, lines = self.program("thinksound"), []
        folder = Path(tempfile.mkdtemp(dir=self.logs.parent))

        def holds(name: str, condition, run: Run | None = None) -> None:
            lines.append(f"  {'ok  ' if condition else 'FAIL'} {name}" + ("" if condition or run is None else f": rc {run.status}, {run.told}"))
            print(lines[-1], flush=True)

        def call(*words, seconds: float = 60) -> Run:
            return Run([program, *words], min(seconds, end - time.monotonic()), self.logs / f"cli-{len(list(self.logs.glob('cli-*')))}-{words[0]}.log")

        def generate(name: str, device: str, *more, precision: str = "f32", duration: str = "2") -> Run:
            return call("generate", ROOT / "samples/stream-of-water.mp4", "-o", folder / f"{name}.wav", "--device", device, "--precision", precision,
                        "--bundle", BUNDLE, "--duration", duration, "--provider", "none", "--no-cache", "--caption", "a stream of water", "--steps", "24", "--seed", "7",
                        "--loudness", "none", "--quiet", *more)

        def sound(name: str) -> array.array:
            with wave.open(str(folder / f"{name}.wav")) as file:
                return array.array("h", file.readframes(file.getnframes()))

        def distance(ours: str, expected: str) -> float:
            a, b = sound(ours), sound(expected)
            if len(a) != len(b):
                raise ValueError(f"{ours} has {len(a)} samples, {expected} {len(b)}")
            return (sum((x - y) ** 2 for x, y in zip(a, b)) / max(1, sum(y * y for y in b))) ** 0.5

        def agrees(name: str, ours: str, expected: str, most: float) -> None:
            try:
                apart = distance(ours, expected)
                holds(f"{name}: {apart:.2e} apart, {most:g} at most", apart <= most)
            except (OSError, EOFError, ValueError, wave.Error) as error:
                holds(f"{name}: {error}", False)

        def makes(name: str, what: str, device: str, precision: str = "f32") -> None:
            run = generate(name, device, precision=precision)
            holds(f"{what} ({run.seconds:.1f} s)", run.status == 0, run)

        call("doctor")
        makes("cpu", "a video's sound on the CPU", "cpu")
        makes("card", "a video's sound on the card", self.device)
        agrees("the card's beside the CPU's", "card", "cpu", 1e-3)
        makes("narrow", "the same in bf16", self.device, "bf16")
        agrees("bf16 beside f32", "narrow", "card", 0.3)
        run = call("info", "--bundle", BUNDLE, "--device", "auto")
        holds("auto takes the card and says so", run.status == 0 and "loaded on cuda:0 (cuda:0: the first GPU that works)" in run.output, run)
        uuid = re.search(r"GPU-[0-9a-f-]{36}", call("doctor").output)
        if uuid:
            makes("uuid", "the card by its UUID", f"cuda:{uuid[0]}")
            agrees("the same sound", "uuid", "card", 0)
            makes("begin", "the card by the beginning of its UUID", f"cuda:{uuid[0][:12]}")
            agrees("the same sound", "begin", "card", 0)
        else:
            holds("doctor tells the card's UUID", False)
        run = generate("none", "cuda:GPU-ffffffff-ffff")
        holds("a UUID that no card has is refused", run.status == 4 and "not there" in run.output, run)
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(lambda name: generate(name, self.device), ("one", "two")))
        holds("two programs at once", all(run.status == 0 for run in both), both[0])
        agrees("the first is right", "one", "card", 0)
        agrees("the second is right", "two", "card", 0)
        run = call("generate", "-o", folder / "small.wav", "--bundle", BUNDLE, "--device", self.device, "--precision", "f32", "--duration", "60", "--provider", "none",
                   "--caption", "water", "--quiet", "--memory-cap", "45MB")  # 32 of them for weights
        holds("too little memory by order is answered with what would fit", run.status == 4 and "what would fit: " in run.output, run)
        self.full_card(call, holds)
        makes("after", "the sound after all that", self.device)
        agrees("is the same", "after", "card", 0)
        goldens = [path for path in sorted(Path(ROOT, "tests/golden").glob("*.safetensors"))]
        for precision in ("f32", "bf16", "fp8"):
            run = call("verify", *goldens, "--device", self.device, "--precision", precision)
            holds(f"verify in {precision}: {run.told}", run.status == 0)
        failed = sum(line.startswith("  FAIL") for line in lines)
        return failed == 0, f"{len(lines) - failed} hold, {failed} do not"

    def full_card(self, call, holds) -> None:
        """The published sizes on a card that has 3 GB left: an answer, not a crash."""
        filled = self.logs.parent / "filled"
        fill = ("import sys, time, pathlib, torch; free, _ = torch.cuda.mem_get_info(); "
                "block = torch.empty(free - 3_000_000_000, dtype=torch.uint8, device='cuda'); pathlib.Path(sys.argv[1]).touch(); time.sleep(60)")
        with subprocess.Popen([sys.executable, "-c", fill, str(filled)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as holder:
            while holder.poll() is None and not filled.exists():
                time.sleep(0.1)
            if holder.poll() is None:
                run = call("info", "--synthetic", "published", "--device", self.device, "--precision", "bf16", seconds=45)
                holds("too little memory in fact is answered", run.status == 4 and "memory" in run.output, run)
                holder.kill()
            else:
                print("  SKIPPED: a card that is full: PyTorch, which would fill it, cannot")

    # Figures

    def speed(self, end: float) -> tuple[bool, str]:
        if Run([sys.executable, "-c", "import torch, numpy"], 30).status != 0:
            raise Skipped("PyTorch or numpy is not on this machine")
        seconds = end - time.monotonic()
        run = Run([sys.executable, "-m", "speed", "--device", self.device, "--commit", self.commit, "--minutes", f"{(seconds - 8) / 60:.3f}", "-o", self.logs / "speed.json",
                   *os.environ.get("SPEED", "").split()], seconds, self.logs / "speed.log", PYTHONPATH="training", PYTHONUNBUFFERED="1",
                  XDG_CACHE_HOME=str(self.logs))  # products are measured anew, and what was measured is among the logs
        print("\n".join(f"  {line}" for line in run.output.splitlines()))
        return run.status == 0, run.told if run.status == 0 else f"rc {run.status}: {run.told}"

    def bench(self, program: str, end: float, *words) -> tuple[bool, str]:
        run = Run([self.program(program), *words], end - time.monotonic(), self.logs / f"{program}.log", OUT=str(self.logs))
        print("\n".join(f"  {line}" for line in run.output.splitlines()))
        lines = len(run.output.splitlines())
        return run.status == 0, f"{lines} lines" if run.status == 0 else f"{'late' if run.status is None else f'rc {run.status}'} after {lines} lines: {run.told}"

    def products(self, end: float): return self.bench("cuda_product_bench", end, os.environ["THINKSOUND_CUDA_LIBRARY"], "--tiles")
    def attention(self, end: float): return self.bench("ts_cuda_attention_bench", end)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default="build/cuda-plain", type=Path)
    parser.add_argument("--parts", default=",".join(SECONDS))
    parser.add_argument("--files", default="")
    parser.add_argument("--minutes", type=float, default=9.5)
    parser.add_argument("--device", default="cuda", help="for trying this out where there is no card")
    options = parser.parse_args()
    parts = options.parts.split(",")
    if set(parts) - set(SECONDS):
        parser.error(f"--parts knows no {', '.join(sorted(set(parts) - set(SECONDS)))}")
    if not options.build.exists():
        parser.error(f"{options.build} is not there; scripts/device-pack.sh makes an archive of all that is needed")
    with tempfile.TemporaryDirectory() as work:
        build, logs = options.build.resolve(), Path(work, "logs")
        logs.mkdir()
        if build.is_file():
            with tarfile.open(build) as archive:
                archive.extractall(Path(work, "build"))
            build = Path(work, "build")
        os.environ["THINKSOUND_SOURCE"] = str(ROOT)
        os.environ["THINKSOUND_LIBRARY_PATH"] = str(build / "lib")
        os.environ.setdefault("THINKSOUND_CUDA_LIBRARY", str(build / "lib" / "libthinksound_cuda.so"))
        os.environ["LD_LIBRARY_PATH"] = ":".join([str(build / "lib"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])])
        check = Check(options, build, logs)
        card = Run(["sh", "-c", "nvidia-smi --query-gpu=name,driver_version,memory.total,uuid --format=csv,noheader"], 20).output.strip()
        print(f"{card or 'nvidia-smi prints nothing'}\ncommit {check.commit}", flush=True)
        for name in parts:
            print(f"{name}:", flush=True)
            check.part(name)
        print("\n" + "\n".join(check.rows))
    return int(check.failed)


if __name__ == "__main__":
    sys.exit(main())
