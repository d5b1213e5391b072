"""The product through its C ABI. Latencies are of the host's clock around a call, which ends when its results are on the host:
uploads of pixels and features, downloads of latents and sound are in them.

Parts are "SETTING/STAGE". A setting is words like "separate product=mma attention=mma early=0 branches=0 precision=f32"; what
has a value, but the precision, is read by each call, so that one engine serves several settings, with a new session each. "kernels of STAGE" tells where a stage's
time goes (`kernels`).
"""
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import product
from timing import kernels
from timing.parts import Lost, measure
from timing.sizes import SIZES, Clip

CAPTION = "a dog barks twice, then a car passes on a wet road"
COT = ("First a dog barks twice, sharp and close, with a short echo from the houses. After a second of quiet rain a car passes from left to "
       "right on the wet road, its tyres hissing, and fades away.")
STAGES = ("load", "sample_loop", "decode", "first_block", "decode_whole", "clip_vision", "synchformer", "text_clip", "text_t5", "generate", "first_pcm", "end_to_end", "memory")
FRAME = (360, 640)  # of end_to_end; the towers by themselves get frames of the size that they see
VARIABLES = {"product": "THINKSOUND_CUDA_PRODUCT", "attention": "THINKSOUND_CUDA_ATTENTION", "early": "THINKSOUND_CUDA_EARLY", "branches": "THINKSOUND_CUDA_BRANCHES"}


def choose(setting: str) -> None:
    """Makes the environment of this process that of a setting. Whether steps are recorded is for the process's whole life: `environment`."""
    chosen = dict(word.split("=", 1) for word in setting.split() if "=" in word)
    for word, variable in VARIABLES.items():
        os.environ.pop(variable, None)
        if word in chosen:
            os.environ[variable] = chosen[word]


def environment(setting: str) -> dict[str, str]:
    """Of a process for settings like this one; a cuBLASLt that came with PyTorch is found where nobody named another."""
    chosen = {"THINKSOUND_CUDA_GRAPHS": "0" if "separate" in setting.split() else "1"}
    brought = sorted(file for folder in sys.path if folder for file in Path(folder).glob("nvidia/*/lib/libcublasLt.so.1?"))
    if brought and "THINKSOUND_CUBLASLT" not in os.environ:
        chosen["THINKSOUND_CUBLASLT"] = str(brought[-1])
    return chosen


def ask_card(what: str) -> list[str] | None:
    """What nvidia-smi says of the first card; None where there is none to ask."""
    try:
        told = subprocess.run(["nvidia-smi", "--id=0", f"--query-gpu={what}", "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return [word.strip() for word in told.stdout.splitlines()[0].split(",")]


def card_bytes() -> int | None:
    """Memory in use on the first card, by everyone."""
    told = ask_card("memory.used")
    return int(told[0]) * 2**20 if told and told[0].isdigit() else None


def lasting(work):
    """`work`, whose device errors mean that this process is of no more use."""
    def run():
        try:
            return work()
        except product.ThinkSoundError as error:
            if error.status == product.DEVICE_ERROR:
                raise Lost(str(error)) from error
            raise
    return run


class Stages:
    """One engine, its inputs, and what can be asked of it."""

    def __init__(self, options: dict):
        self.clip = Clip(**options["clip"])
        self.is_card = options["device"] != "cpu"
        self.before = card_bytes() if self.is_card else None
        began = time.perf_counter()
        components = options.get("components") or [name for name in product.COMPONENTS if name != "recogniser"]
        self.engine = product.Engine(synthetic=options["bundle"], device=options["device"], precision=options["precision"], components=components)
        self.load_s = time.perf_counter() - began
        info, lengths = self.engine.info, self.engine.lengths(self.clip.duration_s)
        told = (lengths.latent_len, lengths.clip_len, lengths.sync_len, lengths.num_sync_frames)
        if told != (self.clip.latent_len, self.clip.clip_len, self.clip.sync_len, self.clip.num_sync_frames):
            raise ValueError(f"the library's lengths {told} are not those that the arithmetic is counted for")
        random = np.random.default_rng(1)
        self.latent = random.standard_normal((info.latent_dim, lengths.latent_len), np.float32)
        self.features = {name: random.standard_normal((rows, width), np.float32) for name, rows, width in (
            ("clip", lengths.clip_len, info.clip_dim), ("sync", lengths.sync_len, info.sync_dim), ("text", info.text_len, info.text_dim), ("t5", info.text_len, info.t5_dim))}
        configs = SIZES[options["size"]]

        def frames(count, height, width):
            return random.integers(0, 256, (count, height, width, 3), np.uint8)
        side, sync_side = configs["clip_vision"]["vision_config"]["image_size"], configs["synchformer"]["image"]
        self.clip_frames, self.sync_frames = frames(lengths.clip_len, side, side), frames(lengths.num_sync_frames, sync_side, sync_side)
        self.film = frames(lengths.clip_len, *FRAME), frames(lengths.num_sync_frames, *FRAME)
        self.how = dict(duration_s=self.clip.duration_s, seed=1, steps=self.clip.steps, cfg=self.clip.cfg)

    def work(self, stage: str):
        engine = self.engine
        return {
            "sample_loop": lambda: engine.sample(**self.how, **self.features),
            "decode": lambda: engine.decode(self.latent),
            "decode_whole": lambda: engine.decode(self.latent, chunk=self.clip.latent_len),
            "first_block": lambda: self.first(lambda listen: engine.decode(self.latent, listen=listen)),
            "clip_vision": lambda: engine.clip_features(self.clip_frames),
            "synchformer": lambda: engine.sync_features(self.sync_frames),
            "text_clip": lambda: engine.text_features("clip_text", CAPTION),
            "text_t5": lambda: engine.text_features("t5", COT),
            "generate": lambda: engine.generate(**self.how, **self.features),
            "first_pcm": lambda: self.first(lambda listen: engine.stream(listen, **self.how, **self.features)),
            "end_to_end": self.end_to_end,
        }[stage]

    @staticmethod
    def first(work) -> float:
        """Seconds until `work` has told of its first block."""
        times, began = [], time.perf_counter()
        work(lambda offset, num_samples: times.append(time.perf_counter() - began))
        return times[0]

    def end_to_end(self) -> np.ndarray:
        clip, sync = self.film
        return self.engine.generate(clip=self.engine.clip_features(clip), sync=self.engine.sync_features(sync), caption=CAPTION, cot=COT, **self.how)

    def memory(self) -> dict:
        """Of the engine and a session that has done everything, one length of clip."""
        plan, now = self.engine.memory(self.clip.duration_s), card_bytes() if self.is_card else None
        return {"weights_bytes": plan["weights_bytes"], "arena_bytes": plan["arena_bytes"], "total_bytes": plan["total_bytes"],
                "card_bytes": None if now is None or self.before is None else now - self.before}

    def describe(self) -> dict:
        info = self.engine.info
        return {"load_s": self.load_s, "device": info.device.decode(), "device_choice": info.device_choice.decode(), "precision": info.precision.decode(),
                "parameters": info.num_parameters, "weights_bytes": info.weights_bytes}


def check(answer) -> None:
    if isinstance(answer, np.ndarray) and not np.isfinite(answer).all():
        raise ValueError("the answer has values that are no numbers")


def worker(options: dict, parts: list[str]):
    """`options`: size, clip, device, precision, bundle ("published" or a path), [components]; seconds, part_s and load_s: of a
    measurement, and the most that a part and loading may take."""
    stages, current = None, None

    def load(setting: str) -> None:
        nonlocal stages, current
        choose(setting)
        try:
            stages, current = Stages(options), setting
        except Exception as error:
            raise Lost(f"loading: {error}") from error

    def run(setting: str, stage: str) -> dict:
        nonlocal current
        if stage == "load":
            return stages.describe()
        if setting != current:
            choose(setting)
            stages.engine.renew_session()
            current = setting
        if stage.startswith(kernels.PREFIX):
            return kernels.summary(kernels.watched(stages.work(stage.removeprefix(kernels.PREFIX))))
        return stages.memory() if stage == "memory" else measure(stages.work(stage), check=check, seconds=options["seconds"])
    for part in parts:
        setting, stage = part.split("/")
        if stages is None:
            yield part, options["load_s"], lambda: load(setting)
        yield part, options["part_s"], lasting(lambda: run(setting, stage))
