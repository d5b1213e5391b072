"""Scenes as video files, by ffmpeg: h264 and aac in mp4."""
import os
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from .scene import FPS, Scene
from .sound import SAMPLE_RATE


def write_wav(path, audio) -> None:
    """16-bit WAV of stereo float32 [2, num_samples]."""
    samples = np.round(np.clip(audio, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(audio.shape[0])
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.T.tobytes())


def render_video(scene: Scene, path, size: int | None = None, audio=None, *, silent: bool = False) -> None:
    """Writes `path` (mp4) with the scene's pictures and sound, or with other `audio` float32 [2, num_samples].

    silent: no sound track at all.
    Raises RuntimeError with ffmpeg's own words if it fails; the file appears only when it is complete.
    """
    if shutil.which("ffmpeg") is None:
        raise RuntimeError("ffmpeg is not installed; scripts/setup-training.sh installs it")
    path = Path(path)
    frames = scene.frames if size in (None, scene.size) else scene.render(size)
    side = frames.shape[1] - frames.shape[1] % 2  # 4:2:0 wants even sides
    partial = path.with_name(path.stem + ".partial.mp4")
    with tempfile.TemporaryDirectory() as folder:
        sound = []
        if not silent:
            wav = os.path.join(folder, "sound.wav")
            write_wav(wav, scene.audio if audio is None else audio)
            sound = ["-i", wav, "-c:a", "aac", "-b:a", "192k"]
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "rgb24",
            "-s",
            f"{side}x{side}",
            "-r",
            str(FPS),
            "-i",
            "-",
            *sound,
            "-c:v",
            "libx264",
            "-crf",
            "18",
            "-pix_fmt",
            "yuv420p",
            "-movflags",
            "+faststart",
            "-map_metadata",
            "-1",
            str(partial),
        ]
        done = subprocess.run(
            command, input=np.ascontiguousarray(frames[:, :side, :side]).tobytes(), capture_output=True, check=False
        )
    if done.returncode:
        partial.unlink(missing_ok=True)
        raise RuntimeError(f"{path}: ffmpeg failed: {done.stderr.decode(errors='replace').strip()}")
    partial.replace(path)
