"""What the flow model trains on: latents and conditions of clips, by the trained codec and encoders, once.

    python3 -m features build/training/train-4s --model build/training -o build/training/features/train-4s

A folder of features holds float16 arrays, one row a clip
    latents [n, N, latent_dim]   posterior means over the standard deviation of each channel (latent_std.npy beside them)
    clip [n, C, clip_dim], sync [n, S, sync_dim]   clip_text [n, T, d], t5 [n, T, d]
    onsets [n, 4·N]              where something seen strikes, in quarters of a latent
and uint8 video_exist [n]. Folders of one model share the latent_std.npy of the first; a bundle's latents stay as they are. Clips that are still being made are
followed to their end, and whoever reads the features may follow them in turn.
"""
import argparse
import multiprocessing
import os
import shutil
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

import model
from clips import Lines
from encoders import FPS, HOP, SEGMENT, onset_curves
from flow_data import HOP as LATENT_HOP, QUARTERS, SAMPLE_RATE
from loop import fast_products
from resident import mark_ready, ready, wait_for

CPU_BATCH, GPU_BATCH = 2, 32   # clips a task: the frames of more would leave a CPU's cache, and be paged in anew every time
STD_CLIPS = 400                # whose latents are measured


def segments_of(num_frames: int, duration_s: float) -> np.ndarray:
    """Frame numbers [segments, 16] of the sync tower: three segments a second, the last frame repeated."""
    count = max(1, round(3 * duration_s))
    return (np.arange(count)[:, None] * HOP + np.arange(SEGMENT)).clip(max=num_frames - 1)


def is_bundle(folder: Path) -> bool:
    return (folder / "bundle.json").exists()


class Encoder:
    """The arrays of some clips, by the networks of a folder that `train` made, or of a bundle."""

    def __init__(self, trained: Path, device):
        self.device = torch.device(device)
        if is_bundle(trained):
            networks, vocabularies = model.of_bundle(trained), trained
        else:
            networks, vocabularies = model.trained(trained), trained / "vocabularies"
        self.networks, self.tokenizers = networks.to(self.device), model.text_tokenizers(vocabularies)
        self.latent_std = None  # [latent_dim]

    def _take(self, array, rows: range) -> torch.Tensor:
        return torch.from_numpy(np.array(array[rows.start : rows.stop])).to(self.device)

    @torch.no_grad()
    def latents(self, mel, rows: range) -> torch.Tensor:
        """Posterior means as the codec has them."""
        return self.networks.codec.encode(self._take(mel, rows).float()).chunk(2, -1)[0]

    def measure(self, mel, count: int) -> np.ndarray:
        """Standard deviation of each latent channel over the first clips [latent_dim]."""
        return torch.cat([self.latents(mel, range(a, min(a + 16, count))) for a in range(0, count, 16)]).flatten(0, 1).std(0).cpu().numpy()

    @torch.no_grad()
    def __call__(self, mel, frames, rows: range, lines: list[dict]) -> dict:
        networks = self.networks
        out = {"latents": self.latents(mel, rows) / torch.as_tensor(self.latent_std, device=self.device),
               "video_exist": torch.full((len(rows),), frames is not None, dtype=torch.uint8)}
        out["onsets"] = torch.from_numpy(onset_curves(lines, QUARTERS * out["latents"].shape[1], QUARTERS * SAMPLE_RATE / LATENT_HOP))
        for name, field in (("clip_text", "caption"), ("t5", "cot")):
            tokens, mask = (x.to(self.device) for x in self.tokenizers[name]([line[field] for line in lines]))
            out[name] = (model.clip_text_features if name == "clip_text" else model.t5_features)(getattr(networks, name), tokens, mask)
        if frames is not None:
            pictures = self._take(frames, rows)
            chosen = torch.from_numpy(segments_of(pictures.shape[1], pictures.shape[1] / FPS)).to(self.device)
            sync = model.sync_features(networks.synchformer, pictures[:, chosen].flatten(0, 1).float())
            clip = model.clip_features(networks.clip_vision, pictures[:, :: FPS // model.CLIP_FPS].flatten(0, 1).float())
            out["sync"], out["clip"] = sync.reshape(len(rows), -1, model.SYNC_DIM), clip.reshape(len(rows), -1, model.CLIP_DIM)
        return {name: values.cpu().numpy() for name, values in out.items()}


def arrays_of(folder: Path):
    """Spectrograms, and frames if there are any."""
    frames = folder / "frames.npy"
    return np.load(folder / "mel.npy", mmap_mode="r"), np.load(frames, mmap_mode="r") if frames.exists() else None


_task = None


def _begin(folder: Path, trained: Path, device: str, latent_std) -> None:
    global _task
    torch.set_num_threads(1)
    encoder, (mel, frames) = Encoder(trained, device), arrays_of(folder)
    encoder.latent_std = latent_std
    _task = lambda rows, lines: (rows, encoder(mel, frames, rows, lines))


def _encode(task):
    return _task(*task)


def tasks(folder: Path, count: int, batch: int):
    """(rows, lines) of the clips in their order, as soon as they are there."""
    lines, first = Lines(folder), 0
    while first < count:
        last = min(first + batch, count, max(ready(folder), wait_for(folder, first + 1)))
        yield range(first, last), lines.take(last - first)
        first = last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder with codec, encoders and vocabularies, or a bundle")
    parser.add_argument("--latent-std", type=Path, help="latent_std.npy of another folder of features")
    parser.add_argument("--count", type=int, help="of the first clips alone")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="on a CPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    fast_products()
    options.output.mkdir(parents=True, exist_ok=True)
    wait_for(options.clips)
    mel, frames = arrays_of(options.clips)
    count = min(len(mel), options.count or len(mel))
    if ready(options.output) == count:
        return
    if is_bundle(options.model):  # its flow knows its latents as they are
        np.save(options.output / "latent_std.npy", np.ones(model.LATENT_DIM, np.float32))
    elif options.latent_std:
        shutil.copy(options.latent_std, options.output / "latent_std.npy")
    else:
        some = min(STD_CLIPS, count)
        wait_for(options.clips, some)
        np.save(options.output / "latent_std.npy", Encoder(options.model, options.device).measure(mel, some))
    start = (options.clips, options.model, options.device, np.load(options.output / "latent_std.npy"))
    arrays = {}

    def keep(rows, encoded):
        for name, values in encoded.items():
            if name not in arrays:
                dtype = np.uint8 if values.dtype == np.uint8 else np.float16
                arrays[name] = np.lib.format.open_memmap(options.output / f"{name}.npy", "w+", dtype, (count, *values.shape[1:]))
            arrays[name][rows.start : rows.stop] = values
        mark_ready(options.output, rows.stop)
        if rows.stop % 400 < len(rows):
            print(f"{options.output.name}: {rows.stop} of {count} clips", flush=True)

    if options.device == "cpu":
        with multiprocessing.Pool(options.workers, _begin, start) as pool:
            for rows, encoded in pool.imap(_encode, tasks(options.clips, count, CPU_BATCH), chunksize=1):
                keep(rows, encoded)
    else:
        _begin(*start)
        for task in tasks(options.clips, count, GPU_BATCH):
            keep(*_encode(task))
    for array in arrays.values():
        array.flush()


if __name__ == "__main__":
    main()
