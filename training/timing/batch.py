"""The product's sampling loop over a batch, which the C ABI does for a network by itself: ts_network_run, "sample". Its weights come
from a file, written here with random numbers. Conditions, uploads and the memory of a run are in each time."""
from pathlib import Path

import numpy as np
import torch

import product
from timing.ours import check, choose, lasting
from timing.parts import Lost, measure
from timing.sizes import SIZES, TEXT_LEN, Clip
from timing.variants import BATCH
from twin import safetensors
from twin.mmdit import Mmdit, MmditConfig


def shapes(config: dict) -> dict[str, tuple]:
    with torch.device("meta") if hasattr(torch.nn.Module, "compile") else torch.no_grad():
        return {name: tuple(tensor.shape) for name, tensor in Mmdit(MmditConfig(**config)).state_dict().items()}


def write_weights(path: Path, config: dict) -> None:
    """bf16, a million draws over and over, each tensor at the size that keeps activations alive."""
    draws, tensors = torch.randn(2**20 + 1, generator=torch.Generator().manual_seed(1)), {}
    for name, shape in shapes(config).items():
        count = int(np.prod(shape))
        values = draws * (shape[0] / count) ** 0.5 if len(shape) > 1 else 1 + 0.05 * draws
        values = values.bfloat16()
        tensors[name] = values.repeat(-(-count // len(values)))[:count].reshape(shape)
    safetensors.write(path, tensors)


def worker(options: dict, parts: list[str]):
    """`options` as those of `ours`, and where the weights are, or are to be, for several processes."""
    clip, config, weights = Clip(**options["clip"]), SIZES[options["size"]]["mmdit"], Path(options["weights"])
    random = np.random.default_rng(2)

    def draw(*shape):
        return random.standard_normal((BATCH, *shape), np.float32)
    inputs = dict(noise=draw(config["latent_dim"], clip.latent_len), clip_f=draw(clip.clip_len, config["clip_dim"]), sync_f=draw(clip.sync_len, config["sync_dim"]),
                  text_f=draw(TEXT_LEN, config.get("clip_text_dim", 1024)), t5_features=draw(TEXT_LEN, config["text_dim"]))
    settings = dict(L=[clip.latent_len, clip.clip_len, clip.sync_len], steps=clip.steps, cfg=clip.cfg)
    network = None

    def prepare() -> None:
        nonlocal network
        try:
            if not weights.exists():
                write_weights(weights, config)
            network = product.Network("mmdit", config, weights, "", device=options["device"], precision=options["precision"])
        except Exception as error:
            raise Lost(f"loading: {error}") from error

    def run(setting: str) -> dict:
        choose(setting)
        return measure(lambda: network.run("sample", settings, **inputs)["latent"], check=check, seconds=options["seconds"])
    for part in parts:
        if network is None:
            yield part, options["load_s"], prepare
        yield part, options["part_s"], lasting(lambda: run(part.split("/")[0]))
