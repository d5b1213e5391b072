"""Trains the listener of a bundle: how well a caption says what is heard in latents (twin.listener, docs/networks.md).

    python3 -m listener --bundle models/foley-small --minutes 6 -o build/training/listener

Sounds are those of scenes, whole and source by source, as the bundle's codec encodes them; texts are the captions of all
scenes, as its CLIP text tower reads them, which stays as it is. Every sound is held against every text of a batch: a pair
fits as far as they are of the same sources, somewhat less where the material is another. It has heard no sound that a
model made, so that it can judge them. `--into BUNDLE` puts the listener into a bundle, beside what is there.
"""
import argparse
import json
import multiprocessing
import os
import pickle
from dataclasses import asdict
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch.nn import functional as F

import export
import model
import scenes
from clips import log_mel
from loop import Loop
from objects import sound_of
from twin import safetensors
from twin.listener import Listener, ListenerConfig

DURATION_S, BATCH = 4.0, 64
SHORTEST = 22                # latents of a crop: a second
OTHER_MATERIAL = 0.6         # what a pair of the same sources is worth then
NOISE = 0.3                  # at most, of a channel's standard deviation: what a sampler makes is not quite what a codec makes

_codec = None


def _begin(bundle: Path) -> None:
    global _codec
    torch.set_num_threads(1)
    _codec = model.of_bundle(bundle).codec


@torch.no_grad()
def _example(job):
    """(caption, classes, material, [(latents f16 [N, latent_dim], classes, material)]) of one scene."""
    seed, split = job
    scene = scenes.generate(seed, DURATION_S, split=split, pictures=False)
    sounds = [(scene.audio, scene.classes, scene.material)]
    if len(scene.sources) > 1:
        sounds += [(sound_of(scene, source), (source.name,), source.material) for source in scene.sources]

    def encoded(audio):
        return _codec.encode(torch.from_numpy(log_mel(audio))[None]).chunk(2, -1)[0][0].numpy().astype(np.float16)
    return scene.caption, scene.classes, scene.material, [(encoded(audio), classes, material) for audio, classes, material in sounds]


def examples(bundle: Path, split: str, count: int, folder: Path, workers: int | None) -> list:
    """Of `count` scenes; kept in `folder`."""
    path = folder / f"{split}-{count}.pickle"
    if path.exists():
        return pickle.loads(path.read_bytes())
    with multiprocessing.Pool(workers or os.cpu_count(), _begin, (bundle,)) as pool:
        made = list(pool.imap(_example, ((seed, split) for seed in range(count)), chunksize=8))
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    partial.write_bytes(pickle.dumps(made))
    partial.rename(path)
    return made


class Pairs:
    """Sounds and texts of scenes, and how well each of one fits each of the other."""

    @torch.no_grad()
    def __init__(self, made: list, networks: model.Networks, bundle: Path, scale: torch.Tensor | None = None):
        """`scale` [latent_dim] is what latents are divided by; by default their standard deviations."""
        sounds = [sound for *_, sounds in made for sound in sounds]
        latents = torch.from_numpy(np.stack([latents for latents, *_ in sounds]).astype(np.float32))  # [n, N, latent_dim]
        self.scale = latents.flatten(0, 1).std(0) if scale is None else scale
        self.latents = latents / self.scale
        self.sounds = self.labels([labels for _, *labels in sounds])
        self.texts = self.labels([(classes, material) for _, classes, material, _ in made])
        tokens, self.mask = model.text_tokenizers(bundle)["clip_text"]([caption for caption, *_ in made])
        self.rows = torch.cat([model.clip_text_features(networks.clip_text, t, m) for t, m in zip(tokens.split(64), self.mask.split(64))])

    @staticmethod
    def labels(labels: list) -> tuple[torch.Tensor, torch.Tensor]:
        """Classes as rows of 0 and 1, material as a number."""
        return model.class_rows([names for names, _ in labels]), model.material_numbers([material for _, material in labels])

    def fit(self, sounds, texts) -> torch.Tensor:
        """[B, C], 0 … 1, of rows of either."""
        (a, material_a), (b, material_b) = ([x[rows] for x in labels] for labels, rows in ((self.sounds, sounds), (self.texts, texts)))
        both = a @ b.t()
        shared = both / (a.sum(1, keepdim=True) + b.sum(1) - both)  # Jaccard's index
        return shared * torch.where(material_a[:, None] == material_b, 1.0, OTHER_MATERIAL)

    def batch(self, size: int):
        """(latents, rows of texts, their mask, fit), of a random stretch."""
        sounds, texts = torch.randint(len(self.latents), (size,)), torch.randint(len(self.rows), (size,))
        length = int(torch.randint(SHORTEST, self.latents.shape[1] + 1, ()))
        start = int(torch.randint(self.latents.shape[1] - length + 1, ()))
        latents = self.latents[sounds, start : start + length]
        latents = latents + NOISE * torch.rand(size, 1, 1) * torch.randn_like(latents)
        return latents, self.rows[texts], self.mask[texts], self.fit(sounds, texts)


def loss_of(listener: Listener, batch) -> torch.Tensor:
    latents, rows, mask, fit = batch
    logits = listener.logits(listener.of_sound(latents), listener.of_text(rows, mask))
    return F.binary_cross_entropy_with_logits(logits, fit)


@torch.no_grad()
def accuracy(listener: Listener, pairs: Pairs) -> float:
    """Share of sounds of one source for which the best of all texts of one source names it."""
    alone, single = ((labels[0].sum(1) == 1).nonzero()[:, 0] for labels in (pairs.sounds, pairs.texts))
    heard = torch.cat([listener.of_sound(pairs.latents[rows]) for rows in alone.split(64)])
    best = single[(heard @ listener.of_text(pairs.rows[single], pairs.mask[single]).t()).argmax(1)]
    return float((pairs.sounds[0][alone] * pairs.texts[0][best]).sum(1).mean())


def into_bundle(listener: Listener, bundle: Path) -> None:
    """Puts the listener into a bundle, in a file of its own; one that it has makes way."""
    tensors = {f"listener.{name}": export.stored(name, value, False) for name, value in listener.state_dict().items()}
    safetensors.write(bundle / "listener.safetensors", tensors, {"format": "pt", "name": model.NAME})
    described = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    described["defaults"] |= {"object_candidates": model.OBJECT_CANDIDATES, "edit_candidates": model.EDIT_CANDIDATES}
    described["components"]["listener"] = {"config": asdict(listener.config), "files": ["listener.safetensors"], "prefix": "listener."}
    partial = bundle / "bundle.json.tmp"
    partial.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    partial.rename(bundle / "bundle.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True, help="whose codec and CLIP text tower are used")
    parser.add_argument("--count", type=int, default=1400, help="training scenes")
    parser.add_argument("--test", type=int, default=220, help="scenes of the split val to try it on")
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--into", type=Path, help="bundle that gets the listener")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    networks = model.of_bundle(options.bundle)
    def pairs_of(split: str, count: int, scale=None) -> Pairs:
        return Pairs(examples(options.bundle, split, count, options.output, options.workers), networks, options.bundle, scale)
    pairs = pairs_of("train", options.count)
    held = pairs_of("val", options.test, pairs.scale)
    torch.manual_seed(1)
    listener = Listener(ListenerConfig(**model.LISTENER)).train()
    loop = Loop(listener, options.output, minutes=options.minutes, lr=1e-3)

    def work():
        loss = loss_of(listener, pairs.batch(BATCH))
        return loss, {}
    loop.run([work], watch=lambda: {"held_accuracy": accuracy(listener, held)})
    print(f"held out: {loop.averaged(lambda: accuracy(listener, held)):.3f} of {len(held.latents)} sounds", flush=True)
    if options.into:
        listener.load_state_dict(loop.ema_state)
        with torch.no_grad():
            getattr(listener, "in").weight /= pairs.scale[None, :, None]  # it is given latents as they are
        into_bundle(listener, options.into)


if __name__ == "__main__":
    main()
