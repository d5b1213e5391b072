"""Measurements that cannot hurt each other. A group of parts runs in a process of its own and tells of each part as it is
done; a part that fails, hangs or ends its process is a failure with a message, and a new process goes on behind it.

A worker is a generator: it yields (name, limit in seconds, function), and the function's answer is what is measured; None is
only a preparation of what comes next.
"""
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TRAINING = Path(__file__).resolve().parents[1]
MOST_LOST = 2  # processes by parts of one variant, before its other parts are not tried


class Lost(Exception):
    """This process is of no more use, because of its device or because it could not load what it measures."""


def measure(work, *, check=None, warm_up: int = 1, seconds: float = 1.0, most: int = 20, least: int = 3) -> dict:
    """Times of `work`, or what it answers if it times itself: the first call is cold, then `least` to `most` samples in about
    `seconds`. `check` sees the first answer."""
    def sample():
        began = time.perf_counter()
        answer = work()
        return answer if isinstance(answer, float) else time.perf_counter() - began, answer
    cold, answer = sample()
    if check:
        check(answer)
    for _ in range(warm_up - 1):
        sample()
    samples, began = [], time.perf_counter()
    while len(samples) < least or (len(samples) < most and time.perf_counter() - began < seconds):
        samples.append(sample()[0])
    return summary(samples, cold)


def summary(samples: list[float], cold: float | None = None) -> dict:
    ordered = sorted(samples)
    middle = len(ordered) // 2
    return {"cold_s": cold, "samples_s": samples, "min_s": ordered[0],
            "median_s": ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2}


def serve(worker, channel: int) -> None:
    """Runs a worker's parts and tells of them through a pipe: libraries print what they like to standard output."""
    lines = os.fdopen(channel, "w", buffering=1)

    def tell(**message):
        lines.write(json.dumps(message) + "\n")
    for name, limit_s, work in worker:
        tell(begin=name, limit_s=limit_s)
        try:
            answer = work()
            if answer is not None:
                tell(done=name, answer=answer)
        except Lost as error:
            tell(failed=name, why=_sentence(error), lost=True)
            os._exit(1)  # the device's own clean-up may hang
        except Exception as error:
            tell(failed=name, why=_sentence(error))


def _sentence(error: Exception) -> str:
    first = (str(error).strip() or "no message").splitlines()[0]
    return first if isinstance(error, Lost) else f"{type(error).__name__}: {first}"


@dataclass
class Group:
    """Parts by name, in the order wanted; "variant/stage". `command` serves through a pipe the parts that it is given, both
    behind its own words."""
    command: list[str]
    parts: list[str]
    environment: dict = field(default_factory=dict)
    start_s: float = 90  # until the first part must have begun

    def run(self, deadline: float, done, failed) -> None:
        """Calls done(part, answer) or failed(part, why) for every part, by `deadline` on time.monotonic's clock."""
        left, lost = list(self.parts), Counter()

        def fail(part, why, is_lost=True):
            left.remove(part)
            lost[part.split("/")[0]] += is_lost
            failed(part, why)
        while left:
            over = time.monotonic() > deadline
            for part in [part for part in left if over or lost[part.split("/")[0]] >= MOST_LOST]:
                left.remove(part)
                failed(part, "not tried: the time was over" if over else f"not tried after {MOST_LOST} such failures")
            if left:
                self._process(left, deadline, done, fail)

    def _process(self, left: list[str], deadline: float, done, fail) -> None:
        """One process, until it ends or has to be ended; `left` loses what it answers for."""
        with tempfile.TemporaryFile("w+") as log:
            reading, writing = os.pipe()
            process = subprocess.Popen([*self.command, str(writing), *left], stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(writing,),
                                       start_new_session=True, cwd=TRAINING.parent, env={**os.environ, "PYTHONPATH": str(TRAINING), **self.environment})
            os.close(writing)
            lines = queue.Queue()
            threading.Thread(target=_read, args=(reading, lines), daemon=True).start()
            current, until, has_told = None, time.monotonic() + self.start_s, False
            try:
                while left:
                    try:
                        message = lines.get(timeout=max(0.0, min(until, deadline) - time.monotonic()))
                    except queue.Empty:
                        return fail(current or left[0], "no answer in time" if time.monotonic() < deadline else "the time was over")
                    if message is None:
                        # A part that was told to have failed may have taken its process along; nobody else is to blame then.
                        return None if has_told and not current else fail(current or left[0], _ending(process, log))
                    if "begin" in message:
                        current, until = message["begin"], time.monotonic() + message["limit_s"]
                        continue
                    current, until, has_told = None, time.monotonic() + self.start_s, True
                    if "done" in message:
                        left.remove(message["done"])
                        done(message["done"], message["answer"])
                    else:
                        fail(message["failed"], message["why"], message.get("lost", False))
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # a compiler has processes of its own
                process.wait()


def _read(channel: int, lines: queue.Queue) -> None:
    with os.fdopen(channel) as stream:
        for line in stream:
            if line.endswith("\n"):  # else its process ended in the middle of it
                lines.put(json.loads(line))
    lines.put(None)


def _ending(process, log) -> str:
    """How a process ended by itself, with the last that it said."""
    code = process.wait()
    log.seek(0)
    said = " / ".join([line.strip() for line in log.read().splitlines() if line.strip()][-3:])[-400:]
    return f"its process ended with {signal.Signals(-code).name if code < 0 else f'status {code}'}: {said}"


def worker_command(name: str, options: dict) -> list[str]:
    return [sys.executable, "-m", "speed", "--worker", name, json.dumps(options)]
