"""What the flow model trains on: latents and conditions of clips, by the trained codec and encoders, once.

    python3 -m features build/training/train-4s --model build/training -o build/training/features/train-4s

A folder of features holds float16 arrays, one row a clip
    latents [n, N, latent_dim]   posterior means over the standard deviation of each channel (latent_std.npy beside them)
    clip [n, C, clip_dim], sync [n, S, sync_dim]   clip_text [n, T, d], t5 [n, T, d]
and uint8 video_exist [n]. Folders of one model share the latent_std.npy of the first.
"""
import argparse
import multiprocessing
import os
import shutil
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import model
from clips import Clips
from encoders import FPS, HOP, SEGMENT

BATCH = 2       # clips a task: the frames of more would leave the cache, and be paged in anew every time


def segments_of(num_frames: int, duration_s: float) -> np.ndarray:
    """Frame numbers [segments, 16] of the sync tower: three segments a second, the last frame repeated."""
    count = max(1, round(3 * duration_s))
    return (np.arange(count)[:, None] * HOP + np.arange(SEGMENT)).clip(max=num_frames - 1)


@torch.no_grad()
def encode(networks, tokenizers, clips: Clips, rows: range, latent_std) -> dict:
    """The arrays of some rows, latents divided by `latent_std` [latent_dim]."""
    mel = torch.from_numpy(clips.mel[rows.start : rows.stop].astype(np.float32))
    latents = networks.codec.encode(mel).chunk(2, -1)[0] / latent_std
    lines = clips.lines[rows.start : rows.stop]
    out = {"latents": latents, "video_exist": torch.full((len(rows),), clips.frames is not None, dtype=torch.uint8)}
    for name, field in (("clip_text", "caption"), ("t5", "cot")):
        tokens, mask = tokenizers[name]([line[field] for line in lines])
        out[name] = (model.clip_text_features if name == "clip_text" else model.t5_features)(getattr(networks, name), tokens, mask)
    if clips.frames is None:
        return out
    frames = torch.from_numpy(np.array(clips.frames[rows.start : rows.stop]))
    duration_s = frames.shape[1] / FPS
    chosen = torch.from_numpy(segments_of(frames.shape[1], duration_s))
    sync = model.sync_features(networks.synchformer, frames[:, chosen].flatten(0, 1).float())
    clip = model.clip_features(networks.clip_vision, frames[:, :: FPS // model.CLIP_FPS].flatten(0, 1).float())
    out["sync"] = sync.reshape(len(rows), -1, model.SYNC_DIM)
    out["clip"] = clip.reshape(len(rows), -1, model.CLIP_DIM)
    return out


def latent_std(networks, clips: Clips, count: int = 400) -> torch.Tensor:
    """Standard deviation of each latent channel over the first clips [latent_dim]."""
    with torch.no_grad():
        means = [networks.codec.encode(torch.from_numpy(clips.mel[a : a + 16].astype(np.float32))).chunk(2, -1)[0]
                 for a in range(0, min(count, len(clips)), 16)]
    return torch.cat(means).flatten(0, 1).std(0)


_task = None


def _begin(folder: Path, trained: Path, std: torch.Tensor) -> None:
    global _task
    torch.set_num_threads(1)
    clips, networks, tokenizers = Clips(folder), model.trained(trained), model.text_tokenizers(trained / "vocabularies")
    _task = lambda rows: {name: values.numpy() for name, values in encode(networks, tokenizers, clips, rows, std).items()}


def _encode(rows: range):
    return rows, _task(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="folder with codec, encoders and vocabularies")
    parser.add_argument("--latent-std", type=Path, help="latent_std.npy of another folder of features")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    clips = Clips(options.clips)
    options.output.mkdir(parents=True, exist_ok=True)
    if options.latent_std:
        shutil.copy(options.latent_std, options.output / "latent_std.npy")
    else:
        np.save(options.output / "latent_std.npy", latent_std(model.trained(options.model), clips).numpy())
    std = torch.from_numpy(np.load(options.output / "latent_std.npy"))
    arrays = {}
    tasks = (range(start, min(start + BATCH, len(clips))) for start in range(0, len(clips), BATCH))
    with multiprocessing.Pool(options.workers, _begin, (options.clips, options.model, std)) as pool:
        for rows, encoded in pool.imap(_encode, tasks, chunksize=4):
            for name, values in encoded.items():
                if name not in arrays:
                    dtype = np.uint8 if values.dtype == np.uint8 else np.float16
                    arrays[name] = np.lib.format.open_memmap(options.output / f"{name}.tmp", "w+", dtype, (len(clips), *values.shape[1:]))
                arrays[name][rows.start : rows.stop] = values
            if rows.start % 400 == 0:
                print(f"{options.output.name}: {rows.stop} of {len(clips)} clips", flush=True)
    for name, array in arrays.items():
        array.flush()
        (options.output / f"{name}.tmp").rename(options.output / f"{name}.npy")


if __name__ == "__main__":
    main()
