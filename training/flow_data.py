"""What the flow model is trained on: arrays of latents and conditions, from either of two kinds of folders.

| kind | a folder holds | made by |
|---|---|---|
| shards | `latents.npy` [n, N, latent_dim], `clip` [n, C, ·], `sync` [n, S, ·], `clip_text`, `t5` [n, T, ·], `video_exist` [n], `onsets` [n, 4·N]; or the same arrays in `*.npz` | `python3 -m features` |
| feature files | a `.npz` or `.pth` a clip, by the keys of the reference (spec 06 §1), latents channel-first | the reference's extractors, and ours |

A folder without pictures has no clip and sync; zeros stand in, and the learned empties replace them. Latents in which something
seen strikes (`onsets`, in quarters of a latent, 1 at the moment itself) count more in the loss. All clips of a folder
are of one length; each batch comes from one folder.
"""
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from resident import Resident, ready
from twin.mmdit import Features, MmditConfig

SAMPLE_RATE, HOP = 44100, 2048
QUARTERS = 4   # of a latent
STRIKE = 4.0   # they are few, and what is heard best
ARRAYS = ("latents", "clip", "sync", "clip_text", "t5", "video_exist", "onsets")
KEYS = {"clip": "metaclip_features", "sync": "sync_features", "clip_text": "metaclip_text_features", "t5": "t5_features"}


@dataclass
class Batch:
    sound: torch.Tensor        # f32 [B, N, latent_dim]
    features: Features
    video_exist: torch.Tensor  # bool [B]
    emphasis: torch.Tensor     # f32 [B, N]

    def part(self, rows: slice) -> "Batch":
        f = self.features
        return Batch(self.sound[rows], Features(f.clip[rows], f.sync[rows], f.text[rows], f.t5[rows]), self.video_exist[rows], self.emphasis[rows])

    def to(self, device) -> "Batch":
        f = self.features
        move = lambda tensor: tensor.to(device, non_blocking=True)
        return Batch(move(self.sound), Features(move(f.clip), move(f.sync), move(f.text), move(f.t5)), move(self.video_exist), move(self.emphasis))


def emphasis_of(onsets: torch.Tensor) -> torch.Tensor:
    """How much each latent counts in the loss [B, N], 1 on average over a clip: STRIKE times as much beside an onset."""
    struck = (onsets.unflatten(-1, (-1, QUARTERS)).amax(-1) >= 1).float()
    weights = 1 + (STRIKE - 1) * F.max_pool1d(struck[:, None], 3, 1, 1)[:, 0]
    return weights / weights.mean(1, keepdim=True)


def visual_lens(latent_len: int) -> tuple[int, int]:
    """CLIP and sync frames that go with a number of latents: 8 a second, and three segments of 8 a second."""
    seconds = latent_len * HOP / SAMPLE_RATE
    return max(1, round(8 * seconds)), 8 * max(1, round(3 * seconds))


class Shards:
    """A folder of arrays; rows are read as they are needed."""

    def __init__(self, folder: Path, config: MmditConfig):
        self.folder = Path(folder)
        self.arrays = {name: np.load(path, mmap_mode="r") for name in ARRAYS if (path := self.folder / f"{name}.npy").exists()}
        if (there := ready(self.folder)) > 0:
            self.arrays = {name: array[:there] for name, array in self.arrays.items()}
        shards = [np.load(path) for path in sorted(self.folder.glob("*.npz"))]
        for name in ARRAYS:
            if shards and all(name in shard for shard in shards):
                self.arrays[name] = np.concatenate([shard[name] for shard in shards])
        missing = [name for name in ("latents", "clip_text", "t5") if name not in self.arrays]
        if missing:
            raise ValueError(f"{folder}: no {', '.join(missing)}; `python3 -m features` makes such a folder")
        counts = {name: len(array) for name, array in self.arrays.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"{folder}: the arrays differ in their number of clips: {counts}; make the folder again")
        widths = {"latents": config.latent_dim, "clip": config.clip_dim, "sync": config.sync_dim, "clip_text": config.clip_text_dim, "t5": config.text_dim}
        for name, width in widths.items():
            if name in self.arrays and self.arrays[name].shape[2:] != (width,):
                raise ValueError(f"{folder}: {name} is {list(self.arrays[name].shape)}, the model takes {width} wide features")
        clip_len, sync_len = visual_lens(self.arrays["latents"].shape[1])
        self.absent = {"clip": (clip_len, config.clip_dim), "sync": (sync_len, config.sync_dim)}

    def __len__(self) -> int:
        return len(self.arrays["latents"])

    def batch(self, rows: np.ndarray) -> Batch:
        def take(name):
            if name in self.arrays:
                return torch.from_numpy(self.arrays[name][np.sort(rows)].astype(np.float32))
            return torch.zeros(len(rows), *self.absent[name])
        seen = "clip" in self.arrays and "sync" in self.arrays
        exist = torch.from_numpy(self.arrays["video_exist"][np.sort(rows)].astype(bool)) if seen and "video_exist" in self.arrays else torch.full((len(rows),), seen)
        return Batch(take("latents"), Features(take("clip"), take("sync"), take("clip_text"), take("t5")), exist, emphasis_of(self.onsets(rows)))

    def onsets(self, rows: np.ndarray) -> torch.Tensor:
        """f32 [B, 4·N], rows in their order."""
        if "onsets" not in self.arrays:
            return torch.zeros(len(rows), QUARTERS * self.arrays["latents"].shape[1])
        return torch.from_numpy(self.arrays["onsets"][np.sort(rows)].astype(np.float32))


class OnDevice:
    """A folder of arrays on a GPU, batches drawn there; rows that `features` is still adding are followed."""

    def __init__(self, folder: Path, config: MmditConfig, device, at_least: int = 1):
        self.data = Resident(folder, ARRAYS, device, at_least=at_least)
        clip_len, sync_len = visual_lens(self.data.latents.shape[1])
        self.absent = {"clip": (clip_len, config.clip_dim), "sync": (sync_len, config.sync_dim)}
        self.seen = "clip" in self.data and "sync" in self.data

    def __len__(self) -> int:
        return len(self.data)

    def batch(self, size: int) -> Batch:
        data, rows = self.data, self.data.draw(size)

        def take(name):
            return getattr(data, name)[rows].float() if name in data else torch.zeros(size, *self.absent[name], device=data.device)
        exist = data.video_exist[rows].bool() if self.seen and "video_exist" in data else torch.full((size,), self.seen, device=data.device)
        latents = take("latents")
        emphasis = emphasis_of(data.onsets[rows].float()) if "onsets" in data else torch.ones(latents.shape[:2], device=data.device)
        return Batch(latents, Features(take("clip"), take("sync"), take("clip_text"), take("t5")), exist, emphasis)


def read_features(path: Path) -> dict:
    """One feature file as a dictionary of arrays; of a missing `.pth` the `.npz` of the same name."""
    if not path.exists() and path.with_suffix(".npz").exists():
        path = path.with_suffix(".npz")
    try:
        if path.suffix == ".npz":
            with np.load(path) as file:
                # Only arrays of numbers: captions are pickled text, and nobody reads them here.
                return {key: file[key] for key in (*KEYS.values(), "latent") if key in file.files}
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        return {key: value.float().numpy() for key, value in loaded.items() if torch.is_tensor(value)}
    except (OSError, ValueError, pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, AttributeError) as error:
        raise ValueError(f"{path}: cannot be read as features: {error}") from error


class FeatureFiles:
    """A folder of feature files; `split` names a list of them, one a line, `extra_cot` a folder whose `.pth` files of the
    same names override keys (spec 06 §1)."""

    def __init__(self, folder: Path, config: MmditConfig, split: Path | None = None, extra_cot: Path | None = None):
        self.folder, self.config, self.extra_cot = Path(folder), config, extra_cot
        if split:
            self.names = [line.strip() for line in Path(split).read_text().splitlines() if line.strip()]
        else:
            self.names = sorted({path.stem: path.name for path in self.folder.iterdir() if path.suffix in (".npz", ".pth")}.values())
        if not self.names:
            raise ValueError(f"{folder}: no feature files (.npz, .pth)")

    def __len__(self) -> int:
        return len(self.names)

    def item(self, index: int) -> dict[str, np.ndarray]:
        config, path = self.config, self.folder / self.names[index]
        arrays = read_features(path)
        if self.extra_cot and (extra := (self.extra_cot / path.name).with_suffix(".pth")).exists():
            arrays |= read_features(extra)
        missing = [key for key in (KEYS["clip_text"], KEYS["t5"]) if key not in arrays]
        if missing:
            raise ValueError(f"{path}: no {', '.join(missing)}")
        latent = np.asarray(arrays.get("latent", np.zeros((config.latent_dim, config.latent_seq_len))), np.float32)
        if latent.ndim != 2 or len(latent) != config.latent_dim:
            raise ValueError(f"{path}: latent is {list(latent.shape)}, not [{config.latent_dim}, length]")
        item = {"latents": latent.T, "video_exist": np.array("metaclip_features" in arrays and "sync_features" in arrays)}
        clip_len, sync_len = visual_lens(len(item["latents"])) if "latent" in arrays else (config.clip_seq_len, config.sync_seq_len)
        absent = {"clip": (clip_len, config.clip_dim), "sync": (sync_len, config.sync_dim)}
        for name, key in KEYS.items():
            item[name] = np.asarray(arrays[key], np.float32) if key in arrays else np.zeros(absent[name], np.float32)
        return item

    def batch(self, rows: np.ndarray) -> Batch:
        items = [self.item(row) for row in rows]
        stacked = {}
        for name in items[0]:
            shapes = {item[name].shape for item in items}
            if len(shapes) > 1:
                odd = next(self.names[row] for row, item in zip(rows, items) if item[name].shape != items[0][name].shape)
                raise ValueError(f"{self.folder / odd}: {name} is not as long as in {self.names[rows[0]]}; put clips of each length into a folder of their own")
            stacked[name] = torch.from_numpy(np.stack([item[name] for item in items]))
        features = Features(stacked["clip"], stacked["sync"], stacked["clip_text"], stacked["t5"])
        return Batch(stacked["latents"], features, stacked["video_exist"], torch.ones(stacked["latents"].shape[:2]))


def opened(folder: Path, config: MmditConfig, **files):
    """Whichever kind the folder is."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    arrays = (folder / "latents.npy").exists()
    if not arrays and (first := next(iter(sorted(folder.glob("*.npz"))), None)):
        with np.load(first) as file:
            arrays = "latents" in file.files
    return Shards(folder, config) if arrays else FeatureFiles(folder, config, **files)


class Mixture:
    """Batches of one folder at a time, folders in proportion to their clips times their weight. Batch n is a function of
    seed and n, so a resumed run goes on as if it had not stopped."""

    def __init__(self, folders: list, seed: int, weights: list[float] | None = None):
        self.folders, self.seed = folders, seed
        sizes = np.array([len(folder) for folder in folders], np.float64) * (weights or 1.0)
        self.chances = sizes / sizes.sum()

    def batch(self, number: int, size: int) -> Batch:
        random = np.random.default_rng([self.seed, number])
        folder = self.folders[random.choice(len(self.folders), p=self.chances)]
        return folder.batch(random.choice(len(folder), size, replace=len(folder) < size))
