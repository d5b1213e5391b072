"""Puts a bundle's codec into the units in which its flow model makes latents, channel by channel.

    python3 -m latent_units models/foley-small            (--dry-run only tells)

The flow knows latents in the units it was trained in; whatever is encoded to be kept, varied or edited must come in the same.
What the flow makes, decoded to a log-mel and encoded again, says by how much a channel is off, for that way keeps what a
channel says even where the decoder hardly listens to it. There it matters most: of weak channels every codec has another scale.
Rows of the encoder's last layer are multiplied and columns of the decoder's first divided, so the codec by itself stays the same.
"""
import argparse
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch

import clips
import export
import model
import product
import scenes
from twin import safetensors

COUNT, DURATION_S = 64, 4.0
ALIKE = 1.25     # within this factor a channel is as it should be: samples scatter, and the codec's round trip shrinks


@torch.no_grad()
def measure(bundle: Path, count: int = COUNT) -> np.ndarray:
    """What each channel of the codec's latents is to be multiplied by [latent_dim], by `count` sounds of the flow's."""
    engine, codec = product.Engine(bundle), model.of_bundle(bundle).codec
    shown = [scenes.generate(seed, DURATION_S, split="val", pictures=False) for seed in range(count)]
    made = torch.from_numpy(np.stack([engine.sample(duration_s=DURATION_S, seed=scene.seed, cfg=1.0, caption=scene.caption).T for scene in shown]))
    true = torch.cat([codec.encode(torch.from_numpy(clips.log_mel(scene.audio))[None]).chunk(2, -1)[0] for scene in shown])

    def shrinks(latents):
        """Of each channel, by the way through the codec and back."""
        again = torch.cat([codec.encode(codec.decode(one[None])).chunk(2, -1)[0] for one in latents])
        return again.flatten(0, 1).std(0) / latents.flatten(0, 1).std(0)
    return (shrinks(true) / shrinks(made)).numpy()


def rescale(bundle: Path, factors: torch.Tensor) -> None:
    """Multiplies channels of the codec's latents by `factors` [latent_dim]; `export.scaled_codec` says how exactly."""
    path = bundle / "model.safetensors"
    tensors, metadata = safetensors.read_stored(path)
    codec = {name: tensors[f"vae.{name}"] for name in ("encoder.out.weight", "encoder.out.bias", "decoder.in.weight")}
    wide = codec["encoder.out.bias"].dtype == torch.float32
    state = {name: value.stored if isinstance(value, safetensors.Rows8) else value.float() for name, value in codec.items()}
    scaled = export.scaled_codec(state, 1 / factors)
    safetensors.write(path, tensors | {f"vae.{name}": export.stored(name, value, wide) for name, value in scaled.items()}, metadata)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    factors = measure(options.bundle)
    off = np.abs(np.log(factors)) > np.log(ALIKE)
    print(f"{off.sum()} of {len(off)} channels are off: " + (", ".join(f"{k} by {factors[k]:.2f}" for k in np.nonzero(off)[0]) or "none"))
    if off.any() and not options.dry_run:
        rescale(options.bundle, torch.from_numpy(np.where(off, factors, 1)).float())


if __name__ == "__main__":
    main()
