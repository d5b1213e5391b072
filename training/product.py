"""The product's native library, for programs of this folder: native/include/thinksound.h through ctypes.

    engine = product.Engine("models/foley-small")
    audio = engine.generate(duration_s=4, seed=1, caption="a bell rings", clip=engine.clip_features(frames[::3]))

    fast = product.Engine(synthetic="published", device="cuda")  # seeded random weights of the published sizes

The library is the one that `scripts/build.sh --native cpu` leaves in build/cpu/lib, or the file or folder that
THINKSOUND_LIBRARY_PATH names. Arrays are float32, slowest axis first; errors are `ThinkSoundError` with the library's own
sentence. One call at a time per `Engine` or `Network`; calls let other Python threads run.
"""
import ctypes as c
import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

LIBRARY = Path(__file__).resolve().parents[1] / "build" / "cpu" / "lib"
PRECISIONS = {"auto": 0, "f32": 1, "bf16": 2, "f16": 3, "int8": 4, "fp8": 5}
COMPONENTS = {"mmdit": 1, "vae_decoder": 2, "vae_encoder": 4, "t5": 8, "clip_text": 16, "clip_vision": 32, "synchformer": 64, "recogniser": 128,
              "listener": 256}
DEVICE_ERROR = 9  # a status: the device is missing, lost or failed
TEXT_ENCODERS = {"clip_text": 0, "t5": 1}
DTYPES = {"float32": 0, "float64": 1, "float16": 2, "int64": 4, "int32": 5, "int16": 6, "uint8": 7}

_floats = c.POINTER(c.c_float)
_progress = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int32, c.c_uint32, c.c_uint32)
_pcm = c.CFUNCTYPE(c.c_int32, c.c_void_p, _floats, _floats, c.c_uint64, c.c_uint64)


class ThinkSoundError(RuntimeError):
    """`status` is the library's number, 0 where this module speaks."""

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


class EngineOptions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("precision", c.c_int32), ("bundle_path", c.c_char_p), ("device", c.c_char_p),
                ("num_threads", c.c_uint32), ("components", c.c_uint32), ("memory_cap_bytes", c.c_uint64), ("synthetic", c.c_char_p),
                ("progress", _progress), ("user_data", c.c_void_p)]


class EngineInfo(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("components", c.c_uint32), ("name", c.c_char * 64), ("device", c.c_char * 32),
                ("device_choice", c.c_char * 256), ("precision", c.c_char * 8), ("num_parameters", c.c_uint64), ("weights_bytes", c.c_uint64),
                ("sample_rate", c.c_uint32), ("hop", c.c_uint32), ("latent_dim", c.c_uint32), ("clip_dim", c.c_uint32), ("sync_dim", c.c_uint32),
                ("text_dim", c.c_uint32), ("t5_dim", c.c_uint32), ("text_len", c.c_uint32), ("clip_fps", c.c_double), ("sync_fps", c.c_double),
                ("num_threads", c.c_uint32)]


class Conditions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("num_clip", c.c_uint32), ("clip_features", _floats), ("sync_features", _floats),
                ("num_sync", c.c_uint32), ("num_text", c.c_uint32), ("caption", c.c_char_p), ("cot", c.c_char_p), ("negative_caption", c.c_char_p),
                ("negative_cot", c.c_char_p), ("text_features", _floats), ("t5_features", _floats), ("global_text_feature", _floats),
                ("masked_latent", _floats)]


class GenerateOptions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("num_steps", c.c_uint32), ("cfg_scale", c.c_float), ("scale_phi", c.c_float),
                ("duration_s", c.c_double), ("seed", c.c_uint64), ("sampler", c.c_int32), ("lengths", c.c_int32), ("noise", _floats),
                ("init_latent", _floats), ("sigma_max", c.c_float), ("decode_chunk", c.c_uint32), ("known_latent", _floats), ("known_mask", _floats),
                ("num_jumps", c.c_uint32), ("jump_length", c.c_uint32), ("num_candidates", c.c_uint32)]


class Lengths(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("latent_len", c.c_uint32), ("clip_len", c.c_uint32), ("sync_len", c.c_uint32),
                ("num_sync_frames", c.c_uint32), ("num_samples", c.c_uint64)]


class MemoryPlan(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32),
                *((f"{part}_bytes", c.c_uint64) for part in ("weights", "arena", "text", "sample", "decode", "vision", "total", "recognise"))]


class Frames(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("num_frames", c.c_uint32), ("pixels", c.c_void_p), ("width", c.c_uint32), ("height", c.c_uint32),
                ("row_bytes", c.c_uint64), ("frame_bytes", c.c_uint64)]


class Tensor(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("dtype", c.c_int32), ("name", c.c_char_p), ("data", c.c_void_p), ("rank", c.c_uint32),
                ("reserved", c.c_uint32), ("shape", c.c_int64 * 5)]


class WeightSource(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32), ("path", c.c_char_p), ("prefix", c.c_char_p)]


class NetworkOptions(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("precision", c.c_int32), ("kind", c.c_char_p), ("config", c.c_char_p), ("device", c.c_char_p),
                ("sources", c.POINTER(WeightSource)), ("num_sources", c.c_uint32), ("num_threads", c.c_uint32), ("ignore", c.c_char_p)]


INITIALISERS = {EngineOptions: "ts_engine_options_init_2", EngineInfo: "ts_engine_info_init", Conditions: "ts_conditions_init",
                GenerateOptions: "ts_generate_options_init_3", Lengths: "ts_lengths_init", MemoryPlan: "ts_memory_plan_init_2",
                Frames: "ts_frames_init", Tensor: "ts_tensor_init", WeightSource: "ts_weight_source_init", NetworkOptions: "ts_network_options_init"}
_tensor_fn = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(Tensor), c.c_int32)


def library_path() -> Path:
    """Where the library is, or would be."""
    path = Path(os.environ.get("THINKSOUND_LIBRARY_PATH") or LIBRARY)
    return path / "libthinksound.so" if path.is_dir() else path


@lru_cache(maxsize=1)
def library() -> c.CDLL:
    path = library_path()
    if not path.is_file():
        raise ThinkSoundError(f"{path}: no such library; build it with `scripts/build.sh --native cpu`")
    loaded = c.CDLL(str(path))
    if loaded.ts_abi_version() != 1:
        raise ThinkSoundError(f"{path}: ABI version {loaded.ts_abi_version()}, this module speaks 1; build library and module from one checkout")
    loaded.ts_last_error.restype = c.c_char_p
    for struct, name in INITIALISERS.items():
        value = struct()
        getattr(loaded, name)(c.byref(value))
        if value.struct_size != c.sizeof(struct):
            raise ThinkSoundError(f"{path}: {struct.__name__} has {value.struct_size} bytes there, {c.sizeof(struct)} here; build library and module from one checkout")
    return loaded


def check(status: int) -> None:
    if status:
        raise ThinkSoundError(library().ts_last_error().decode(), status)


def filled(struct, /, **values):
    """A struct with the library's defaults and these values."""
    out = struct()
    getattr(library(), INITIALISERS[struct])(c.byref(out))
    for name, value in values.items():
        setattr(out, name, value.encode() if isinstance(value, str) else value)
    return out


def _pointer(array):
    return array.ctypes.data_as(_floats)


def _rows(features) -> np.ndarray:
    return np.ascontiguousarray(features, np.float32)


class Engine:
    """One bundle on one device and one session of it; or, with `synthetic`, random weights ("published", or a bundle.json's sizes)."""

    def __init__(self, bundle=None, *, synthetic=None, device: str = "cpu", components=COMPONENTS, threads: int = 0, precision: str = "auto"):
        self._engine, self._session = c.c_void_p(), c.c_void_p()
        given = {name: str(value) for name, value in (("bundle_path", bundle), ("synthetic", synthetic)) if value is not None}
        options = filled(EngineOptions, device=device, components=sum(COMPONENTS[name] for name in components), num_threads=threads,
                         precision=PRECISIONS[precision], **given)
        check(library().ts_engine_create(c.byref(options), c.byref(self._engine)))
        check(library().ts_session_create(self._engine, c.byref(self._session)))
        self.info = filled(EngineInfo)
        check(library().ts_engine_get_info(self._engine, c.byref(self.info)))

    def renew_session(self) -> None:
        """A new session in place of the old one, whose activations and recordings go."""
        library().ts_session_destroy(self._session)
        self._session = c.c_void_p()
        check(library().ts_session_create(self._engine, c.byref(self._session)))

    def __del__(self):
        for handle, destroy in ((self._session, "ts_session_destroy"), (self._engine, "ts_engine_destroy")):
            if handle:
                getattr(library(), destroy)(handle)

    def lengths(self, duration_s: float) -> Lengths:
        lengths = filled(Lengths)
        check(library().ts_get_lengths(self._engine, c.c_double(duration_s), 0, c.byref(lengths)))
        return lengths

    def _encode_frames(self, function, frames, rows: int, width: int) -> np.ndarray:
        frames = np.ascontiguousarray(frames, np.uint8)
        if frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"frames are {list(frames.shape)}, not [frames, height, width, 3]")
        given = filled(Frames, num_frames=len(frames), pixels=frames.ctypes.data, height=frames.shape[1], width=frames.shape[2])
        out = np.empty((rows, width), np.float32)
        check(function(self._session, c.byref(given), None, None, _pointer(out), c.c_uint64(out.size)))
        return out

    def clip_features(self, frames) -> np.ndarray:
        """Frames uint8 [C, height, width, 3] at clip_fps → [C, clip_dim]."""
        return self._encode_frames(library().ts_encode_clip_frames, frames, len(frames), self.info.clip_dim)

    def sync_features(self, frames) -> np.ndarray:
        """Frames uint8 [n, height, width, 3] at sync_fps, n ≥ 16 → [8·((n − 16)//8 + 1), sync_dim]."""
        return self._encode_frames(library().ts_encode_sync_frames, frames, 8 * ((len(frames) - 16) // 8 + 1), self.info.sync_dim)

    def video_features(self, frames, duration_s: float) -> dict:
        """`clip` and `sync` for `generate`, of frames at sync_fps; the last frame stands for what is missing."""
        lengths, stride = self.lengths(duration_s), round(self.info.sync_fps / self.info.clip_fps)
        if stride * self.info.clip_fps != self.info.sync_fps:
            raise ValueError(f"{self.info.sync_fps:g} pictures a second are no multiple of {self.info.clip_fps:g}")
        last = len(frames) - 1
        return {"clip": self.clip_features(frames[np.arange(lengths.clip_len).clip(max=last // stride) * stride]),
                "sync": self.sync_features(frames[np.arange(lengths.num_sync_frames).clip(max=last)])}

    def recognise(self, clip, sync, num_classes: int, num_materials: int, onsets_per_step: int = 4):
        """Features [C, clip_dim], [S, sync_dim] → probabilities of classes, materials and onsets [onsets_per_step · S]."""
        clip, sync = _rows(clip), _rows(sync)
        out = [np.empty(count, np.float32) for count in (num_classes, num_materials, onsets_per_step * len(sync))]
        check(library().ts_recognise(self._session, _pointer(clip), len(clip), _pointer(sync), len(sync),
                                     *(argument for array in out for argument in (_pointer(array), c.c_uint64(array.size)))))
        return out

    def text_features(self, encoder: str, text: str) -> np.ndarray:
        """`encoder` "clip_text" or "t5" → [text_len, text_dim or t5_dim]."""
        out = np.empty((self.info.text_len, self.info.t5_dim if encoder == "t5" else self.info.text_dim), np.float32)
        check(library().ts_encode_text(self._session, TEXT_ENCODERS[encoder], text.encode(), _pointer(out), c.c_uint64(out.size)))
        return out

    @staticmethod
    def _conditions(clip=None, sync=None, text=None, t5=None, caption: str | None = None, cot: str | None = None):
        """(Conditions, the arrays that they point into)."""
        kept, conditions = [], filled(Conditions)
        for name, features in (("clip", clip), ("sync", sync), ("text", text), ("t5", t5)):
            if features is None:
                continue
            kept.append(_rows(features))
            setattr(conditions, f"{name}_features", _pointer(kept[-1]))
            if name != "t5":
                setattr(conditions, f"num_{name}", len(kept[-1]))
        conditions.caption, conditions.cot = (words.encode() if words is not None else None for words in (caption, cot))
        return conditions, kept

    def listen(self, latent, caption: str) -> float:
        """Latent [64, N] → how well the caption says what is heard, 0 … 1."""
        latent, fit = _rows(latent), c.c_float()
        check(library().ts_listen(self._session, _pointer(latent), latent.shape[1], caption.encode(), c.byref(fit)))
        return fit.value

    def fits(self) -> tuple[list[float], int]:
        """Of the candidates of the last sound: how well each fits its caption, and which went on; ([], 0) if it had no choice."""
        fits, count, chosen = (c.c_float * 64)(), c.c_uint32(), c.c_uint32()
        check(library().ts_get_fits(self._session, fits, c.c_uint32(len(fits)), c.byref(count), c.byref(chosen)))
        return list(fits[: count.value]), chosen.value

    def generate(self, *, duration_s: float, seed: int, steps: int = 24, cfg: float = 5.0, candidates: int = 1, **given) -> np.ndarray:
        """Sound [2, round(44100·duration_s)], no gain applied. `given`: features `clip`, `sync`, `text`, `t5`, and the words
        `caption` and `cot`; what is not there, or None, is a learned empty. Of several candidates the one that fits the caption best."""
        conditions, _kept = self._conditions(**given)
        options = filled(GenerateOptions, num_steps=steps, cfg_scale=cfg, duration_s=duration_s, seed=seed, num_candidates=candidates)
        out, count = np.empty((2, self.lengths(duration_s).num_samples), np.float32), c.c_uint64()
        check(library().ts_generate(self._session, c.byref(conditions), c.byref(options), None, None, _pointer(out), c.c_uint64(out.size), c.byref(count)))
        return out

    def sample(self, *, duration_s: float, seed: int, steps: int = 24, cfg: float = 5.0, candidates: int = 1, **given) -> np.ndarray:
        """The latent [64, N] of `generate`."""
        conditions, _kept = self._conditions(**given)
        options = filled(GenerateOptions, num_steps=steps, cfg_scale=cfg, duration_s=duration_s, seed=seed, num_candidates=candidates)
        out = np.empty((self.info.latent_dim, self.lengths(duration_s).latent_len), np.float32)
        check(library().ts_sample(self._session, c.byref(conditions), c.byref(options), None, None, _pointer(out), c.c_uint64(out.size)))
        return out

    def stream(self, listen, *, duration_s: float, seed: int, steps: int = 24, cfg: float = 5.0, **given) -> None:
        """`generate` as a job; `listen(offset, num_samples)` hears of each block of sound as it is decoded."""
        conditions, _kept = self._conditions(**given)
        options = filled(GenerateOptions, num_steps=steps, cfg_scale=cfg, duration_s=duration_s, seed=seed)
        heard = _pcm(lambda _, left, right, offset, num_samples: listen(offset, num_samples) or 0)
        job = c.c_void_p()
        check(library().ts_job_start(self._session, c.byref(conditions), c.byref(options), None, heard, None, c.c_uint64(0), c.byref(job)))
        try:
            check(library().ts_job_wait(job, c.c_uint32(2**32 - 1)))
        finally:
            library().ts_job_destroy(job)

    def memory(self, duration_s: float) -> dict[str, int]:
        """Bytes that a generation of that length needs, as `ts_plan_memory` counts them."""
        options, plan = filled(GenerateOptions, duration_s=duration_s), filled(MemoryPlan)
        check(library().ts_plan_memory(self._engine, c.byref(options), c.byref(plan)))
        return {name: getattr(plan, name) for name, _ in MemoryPlan._fields_ if name.endswith("_bytes")}

    def encode(self, audio) -> np.ndarray:
        """Sound [2, n] → means of the latents [64, N]."""
        audio, length = _rows(audio), c.c_uint32()
        arguments = (self._session, _pointer(audio), len(audio), c.c_uint64(audio.shape[1]), self.info.sample_rate, c.c_uint64(0), None, None)
        check(library().ts_encode_audio(*arguments, None, c.c_uint64(0), c.byref(length)))
        out = np.empty((self.info.latent_dim, length.value), np.float32)
        check(library().ts_encode_audio(*arguments, _pointer(out), c.c_uint64(out.size), c.byref(length)))
        return out

    def decode(self, latent, chunk: int = 0, listen=None) -> np.ndarray:
        """Latent [64, N] → sound [2, hop·N], `chunk` latents at a time (0: the device's own); `listen` as in `stream`."""
        latent = _rows(latent)
        out = np.empty((2, self.info.hop * latent.shape[1]), np.float32)
        heard = _pcm(lambda _, left, right, offset, num_samples: listen(offset, num_samples) or 0) if listen else None
        check(library().ts_decode(self._session, _pointer(latent), latent.shape[1], chunk, None, heard, None, _pointer(out), c.c_uint64(out.size)))
        return out

    def restore(self, audio) -> np.ndarray:
        """Sound [2, n] through the codec and back, of the same length."""
        return self.decode(self.encode(audio))[:, : audio.shape[1]]


class Network:
    """One network by itself (docs/networks.md)."""

    def __init__(self, kind: str, config: dict, path, prefix: str, *, device: str = "cpu", precision: str = "f32"):
        self._network = c.c_void_p()
        source = filled(WeightSource, path=str(path), prefix=prefix)
        options = filled(NetworkOptions, kind=kind, config=json.dumps(config), device=device, precision=PRECISIONS[precision],
                         sources=c.pointer(source), num_sources=1)
        check(library().ts_network_create(c.byref(options), c.byref(self._network)))

    def __del__(self):
        if self._network:
            library().ts_network_destroy(self._network)

    def run(self, function: str, settings: dict | None = None, **inputs) -> dict:
        """Results by name, float32; inputs are arrays under the names of docs/networks.md."""
        arrays = [np.ascontiguousarray(value) for value in inputs.values()]
        tensors = (Tensor * len(arrays))(*(
            filled(Tensor, name=name, dtype=DTYPES[array.dtype.name], data=array.ctypes.data, rank=array.ndim, shape=(c.c_int64 * 5)(*array.shape))
            for name, array in zip(inputs, arrays)))
        results = {}

        @_tensor_fn
        def keep(_, tensor, is_output):
            t = tensor[0]
            if is_output and t.dtype == DTYPES["float32"]:
                shape = tuple(t.shape[: t.rank])
                values = c.cast(t.data, _floats) if t.data else None
                results[t.name.decode()] = np.ctypeslib.as_array(values, shape).copy() if np.prod(shape) else np.empty(shape, np.float32)
            return 0

        text = json.dumps(settings).encode() if settings else None
        check(library().ts_network_run(self._network, function.encode(), text, tensors, len(arrays), 0, keep, None))
        return results
