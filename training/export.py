"""Writes the trained networks as a bundle: 8-bit rows where they do no harm, 16-bit floats elsewhere.

    python3 -m export --model build/training --validate build/training/val-4s -o models/foley-small
    python3 -m export --tuned tuned/mmdit.safetensors -o models/foley-small         a fine-tuned flow into a bundle that is there

The bundle's latents have standard deviation 1 in every channel, as the flow model was trained; the codec's first and last
layers take the factor in. With --validate its recogniser's onsets count from the probability on at which they are right most
often in those clips, which training must not have seen; bundle.json says so (`onset_threshold`).
"""
import argparse
import json
import math
import shutil
from pathlib import Path

import numpy as np
import torch

import encoders
import model
from twin import safetensors
from twin.safetensors import Rows8

# Layers whose error every step of the sampler sees, or that are tiny: kept as 16-bit floats.
KEEP = ("final_layer", "t_embed", "pos_emb", "_feat", "position_embedding", "class_embedding", "cls_token", "pos_embed", "temp_embed", "relative_attention")
MIN_ROWS8 = 4096  # elements


def stored(name: str, tensor: torch.Tensor, wide: bool):
    """`tensor` as the bundle holds it."""
    if wide:
        return tensor.float()
    if tensor.dim() < 2 or tensor.numel() < MIN_ROWS8 or any(part in name for part in KEEP):
        return tensor.half()
    return Rows8.of(tensor)


def scaled_codec(state: dict, std: torch.Tensor) -> dict:
    """The codec over latents divided by `std` [latent_dim]. Exact for the means; deviations are scaled in the limit of
    small ones, where softplus is the exponential."""
    state = dict(state)
    state["decoder.in.weight"] = state["decoder.in.weight"] * std[None, :, None]
    for suffix in ("weight", "bias"):
        mean, raw = state[f"encoder.out.{suffix}"].chunk(2)
        if suffix == "weight":
            state["encoder.out.weight"] = torch.cat([mean / std[:, None], raw])
        else:
            state["encoder.out.bias"] = torch.cat([mean / std, raw - torch.log(std)])
    return state


def replace_flow(tuned: Path, bundle: Path, wide: bool) -> None:
    """Puts the network that `flow finetune` wrote in place of the bundle's; everything else stays to the bit."""
    path = bundle / "model.safetensors"
    tensors, metadata = safetensors.read_stored(path)
    state, _ = safetensors.read(tuned)
    state = {(name if name.startswith("mmdit.") else f"mmdit.{name}"): value for name, value in state.items()}
    there = {name for name in tensors if name.startswith("mmdit.")}
    if odd := there.symmetric_difference(state):
        raise SystemExit(f"{tuned} is no flow of {bundle}: {min(odd)} is in one of them alone")
    safetensors.write(path, tensors | {name: stored(name, value, wide) for name, value in state.items()}, metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="folder with codec, encoders, flow, vocabularies and features")
    parser.add_argument("--tuned", type=Path, help="instead: a fine-tuned flow, for the bundle that is there")
    parser.add_argument("--validate", type=Path, help="folder of held-out clips, for the threshold of onsets; default: 0.5, untried")
    parser.add_argument("--wide", action="store_true", help="float32 throughout, to see what 8 bits cost")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    if (options.model is None) == (options.tuned is None):
        parser.error("give one of --model and --tuned")
    if options.tuned:
        replace_flow(options.tuned, options.output, options.wide)
        return

    networks = model.trained(options.model)
    std = torch.from_numpy(np.load(next((options.model / "features").glob("*/latent_std.npy"))))
    states = {"mmdit": networks.mmdit.state_dict(), "vae": scaled_codec(networks.codec.state_dict(), std),
              **{name: getattr(networks, name).state_dict() for name in ("t5", "clip_text", "clip_vision", "synchformer", "recogniser")}}
    tensors = {f"{name}.{key}": stored(key, value, options.wide) for name, state in states.items() for key, value in state.items()
               if torch.is_tensor(value) and value.is_floating_point()}
    options.output.mkdir(parents=True, exist_ok=True)
    safetensors.write(options.output / "model.safetensors", tensors, {"format": "pt", "name": model.NAME})
    for file in ("merges.txt", "vocab.json", "spiece.model"):
        shutil.copy(options.model / "vocabularies" / file, options.output / file)

    tokenizers = {"t5": {"type": "sentencepiece", "file": "spiece.model"},
                  "clip_text": {"type": "clip_bpe", "file": "merges.txt", "vocabulary": "vocab.json"}}
    configs = model.configurations(options.model / "vocabularies")
    if options.validate:
        validation = encoders.Validation(options.validate, "cpu")
        _, found = validation.see(networks.clip_vision, networks.synchformer, networks.recogniser)
        f1, configs["recogniser"]["onset_threshold"] = validation.best_f1(found)
        print(f"onsets count from {configs['recogniser']['onset_threshold']:g} on: F1 {f1:.3f} on {len(found)} held-out clips")
    bundle = {"format": "thinksound-bundle", "version": 1, "name": model.NAME, "license": "CC-BY-4.0",
              "origin": "trained from nothing on generated scenes and licence-clean recordings by training/ of this repository; see MODEL_CARD.md",
              "sample_rate": 44100, "features": {"clip_fps": model.CLIP_FPS, "sync_fps": model.SYNC_FPS, "clip_resize": "slow"},
              "defaults": {"cfg_scale": model.CFG_SCALE, "object_streams": model.OBJECT_STREAMS, "object_avoid": model.OBJECT_AVOID},
              "components": {name: {"config": config, "files": ["model.safetensors"], "prefix": f"{name}.",
                                    **({"tokenizer": tokenizers[name]} if name in tokenizers else {})}
                             for name, config in configs.items()}}
    (options.output / "bundle.json").write_text(json.dumps(bundle, indent=2) + "\n")
    size = sum(file.stat().st_size for file in options.output.iterdir())
    count = sum(math.prod(value.shape) for state in states.values() for value in state.values())
    print(f"{options.output}: {count / 1e6:.2f} M parameters, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
