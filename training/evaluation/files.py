"""The command line program from a video to a finished file: its time, its memory, and what stands in the file."""
import json
import os
import subprocess
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

import scenes
from scenes import quality
from evaluation import clips
from evaluation.measures import SILENT_DBFS, Measure

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "cli" / "thinksound"
VIDEO = ROOT / "samples" / "wet-hawk.mp4"  # 960×540, 25 pictures a second
CORES = 2


def available() -> bool:
    return PROGRAM.exists()


def generate(video: Path, output: Path, bundle: Path, *options: str) -> tuple[float, int]:
    """Runs it on `CORES` cores → (seconds, bytes of memory at its peak). Raises RuntimeError with its own words."""
    command = [str(PROGRAM), "generate", str(video), "-o", str(output), "--bundle", str(bundle), "--no-cache", "--force", *options]
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    with tempfile.TemporaryFile("w+") as messages:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=messages, stderr=messages, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if status:
            messages.seek(0)
            raise RuntimeError(f"{' '.join(command)}: exit status {os.waitstatus_to_exitcode(status)}\n{messages.read().strip()}")
    return seconds, usage.ru_maxrss * 1024


def read_wav(path: Path) -> np.ndarray:
    """16-bit WAV → f64 [channels, num_samples], full scale 1."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).T / 32768


def speed(bundle: Path, repeats: int = 3) -> list[Measure]:
    """8 s of a real video to a finished mp4, the best of a few: what else the machine does is not the program's."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [generate(VIDEO, Path(folder) / "out.mp4", bundle, "--duration", "8", "--caption", "a bird shakes its wet feathers") for _ in range(repeats)]
    return [Measure("speed", "speed", f"8 s of video to the finished file, {CORES} cores, everything included", min(seconds for seconds, _ in runs), at_most=4.0, unit="s"),
            Measure("memory", "speed", "memory at its peak", max(size for _, size in runs) / 1e9, at_most=1.0, unit="GB")]


def silence(bundle: Path, count: int = 2, *options: str) -> Measure:
    """Silent scenes to finished files, after the program's rule of loudness."""
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for scene in clips.of_class("silence", count):
            video, output = Path(folder) / "in.mp4", Path(folder) / "out.wav"
            scenes.render_video(scene, video, size=256)
            generate(video, output, bundle, "--caption", scene.caption, *options)
            peaks.append(quality.hygiene(read_wav(output)).peak_dbfs)
    return Measure("hygiene.silent_files", "hygiene", "loudest sample of silent scenes' finished files", max(peaks), at_most=SILENT_DBFS, clips=count, unit="dBFS")
