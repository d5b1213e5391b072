"""Trains and fine-tunes the velocity network by rectified flow (spec 06 §4).

    python3 -m flow train FOLDER... --minutes 120 -o build/training/flow
    python3 -m flow finetune FOLDER... --base thinksound_light.safetensors --lora 16 --steps 2000 -o tuned
    python3 -m flow merge --base thinksound_light.safetensors --adapter tuned/adapter.safetensors -o merged.safetensors

Folders are those of `flow_data`. A run leaves checkpoint.pt (with which the same command goes on), loss.png, config.json,
and at its end mmdit.safetensors with the averaged weights, or adapter.safetensors (`twin.lora`). `--base` is a bundle, or
the published checkpoint, as safetensors or as it is; then the defaults are the reference's own.
"""
import argparse
import json
import os
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import torch

import flow_data
import sync_stream
from loop import Loop, fast_products
from twin import lora, safetensors
from twin.mmdit import Mmdit, MmditConfig
from twin.objective import DropRates, logit_normal, rectified_flow_loss

PUBLISHED = dict(latent_dim=64, clip_dim=1024, sync_dim=768, text_dim=2048, hidden_dim=1024, depth=21, fused_depth=14, num_heads=16, v2=True, kernel_size=3)


class Objective:
    """The loss of a step and its gradients: a function of seed, step, batch and weights.

    On the CPU the batch is cut over `workers` threads, each of which runs forward and backward with one thread of its own:
    at small widths 1.6 times as fast as two threads inside of each operator (390 against 630 ms on two cores).
    """

    def __init__(self, model: Mmdit, parameters, rates: DropRates, *, seed: int, workers: int = 1, bf16: bool = False):
        self.model, self.parameters, self.rates, self.seed, self.bf16 = model, list(parameters), rates, seed, bf16
        self.device = next(model.parameters()).device
        self.workers, self.pool = workers, None
        if workers > 1:
            self.pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
            torch.set_num_threads(1)  # for the optimiser: waking a second thread for each small tensor costs more than it gives

    def precision(self):
        return torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext()

    def draw(self, step: int, batch: flow_data.Batch):
        """(noise, t, masks), on the CPU so that every device draws the same."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step)
        noise = torch.randn(batch.sound.shape, generator=generator)
        t = logit_normal(len(noise), generator)
        return noise, t, self.rates.draw(len(noise), "cpu", generator)

    def part(self, batch: flow_data.Batch, noise, t, masks, share: float):
        batch, (noise, t) = batch.to(self.device), (x.to(self.device) for x in (noise, t))
        masks = {name: mask.to(self.device) for name, mask in masks.items()}
        with self.precision():
            loss = share * rectified_flow_loss(self.model, batch.sound, noise, t, batch.features, video_exist=batch.video_exist, drop=masks, emphasis=batch.emphasis)
        return loss.detach(), torch.autograd.grad(loss, self.parameters, allow_unused=True)

    def gradients(self, step: int, batch: flow_data.Batch):
        """(loss, gradients in the order of the parameters)."""
        noise, t, masks = self.draw(step, batch)
        total = len(noise)
        if not self.pool or total < self.workers:
            return self.part(batch, noise, t, masks, 1.0)
        cuts = [total * i // self.workers for i in range(self.workers + 1)]
        rows = [slice(a, b) for a, b in zip(cuts, cuts[1:])]
        results = list(self.pool.map(
            lambda r: self.part(batch.part(r), noise[r], t[r], {name: mask[r] for name, mask in masks.items()}, (r.stop - r.start) / total), rows))
        losses, gradients = zip(*results)
        summed = [None if all(g is None for g in group) else sum(g for g in group if g is not None) for group in zip(*gradients)]
        return sum(losses), summed


class Validation:
    """Loss without dropout on the first clips of some folders; noise and times are the same whenever it is asked."""

    def __init__(self, folders: list, count: int, batch: int, seed: int = 0):
        self.batches = [folder.batch(np.arange(start, min(start + batch, count, len(folder))))
                        for folder in folders for start in range(0, min(count, len(folder)), batch)]
        self.seed = seed

    @torch.no_grad()
    def loss(self, model: Mmdit) -> float:
        device, total, items = next(model.parameters()).device, 0.0, 0
        for number, batch in enumerate(self.batches):
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
            noise, t = torch.randn(batch.sound.shape, generator=generator), logit_normal(len(batch.sound), generator)
            batch = batch.to(device)
            loss = rectified_flow_loss(model, batch.sound, noise.to(device), t.to(device), batch.features, video_exist=batch.video_exist)
            total, items = total + float(loss) * len(noise), items + len(noise)
        return total / items


def inverse_rate(base: float):
    """The reference's schedule: a short warm-up, then 1/√(1 + s/10⁶)."""
    return lambda step: (1 - 0.99 ** (step + 1)) * base * (1 + step / 1e6) ** -0.5


def reference_ema(step: int) -> float:
    """What is kept of the average at a step, 1-based: ema-pytorch's power law as the reference configures it."""
    return 0.0 if step <= 2 else min(1 - (1 + max(step - 2, 0)) ** -0.75, 0.9999)


# Files


def network_prefix(names, path) -> str:
    """What stands before the network's own names; training checkpoints hold an average beside it, which is passed over."""
    found = sorted({name[: -len("empty_clip_feat")] for name in names if name.endswith("empty_clip_feat") and "ema" not in name}, key=len)
    if not found:
        raise ValueError(f"{path}: no velocity network in it (nothing is called empty_clip_feat)")
    return found[0]


def read_base(path: Path, config_path: Path | None) -> tuple[MmditConfig, dict, str]:
    """(configuration, the network's tensors, prefix of their names) of a bundle, safetensors file or checkpoint."""
    config = json.loads(config_path.read_text()) if config_path else PUBLISHED
    if path.is_dir():
        component = json.loads((path / "bundle.json").read_text())["components"]["mmdit"]
        config, prefix = component["config"], component.get("prefix", "")
        state = {}
        for file in component["files"]:
            state |= safetensors.read(path / file, prefix)[0]
        return MmditConfig(**config), state, prefix
    if path.suffix == ".safetensors":
        prefix = network_prefix(safetensors.read_header(path)[0], path)
        return MmditConfig(**config), safetensors.read(path, prefix)[0], prefix
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise ValueError(f"{path} holds more than tensors ({error}); save its state dict as safetensors where it can be trusted") from error
    loaded = loaded.get("state_dict", loaded)
    prefix = network_prefix(loaded, path)
    return MmditConfig(**config), {name[len(prefix) :]: value for name, value in loaded.items() if name.startswith(prefix)}, prefix


# Commands


def run(model: Mmdit, trained: torch.nn.Module, options) -> Loop:
    """Trains the parameters of `trained` (the model, or its adapters) until the budget is spent."""
    device, config = torch.device(options.device), model.config
    fast_products()
    model.to(device).train()
    files = {"split": options.split, "extra_cot": options.extra_cot} if hasattr(options, "split") else {}
    mixture = flow_data.Mixture([flow_data.opened(folder, config, **files) for folder in options.folders], options.seed, options.weights)
    validation = Validation([flow_data.opened(folder, config) for folder in options.validate], options.validate_clips, options.batch) if options.validate else None
    if options.sync_steps and not (options.output / "checkpoint.pt").exists():
        sync_stream.teach(model, mixture.folders, options.sync_steps, options.seed)
    schedule = inverse_rate(options.lr) if options.schedule == "inverse" else None
    loop = Loop(trained, options.output, minutes=options.minutes or float("inf"), steps=options.steps, lr=options.lr, warmup=options.warmup,
                decay_from=options.decay_from, weight_decay=options.weight_decay, betas=(0.9, options.beta2), eps=1e-6, clip=options.clip,
                ema=reference_ema if options.ema == 0 else options.ema, save_every_s=60 * options.save_every, seed=options.seed,
                schedule=schedule)
    (options.output / "config.json").write_text(json.dumps({k: v for k, v in asdict(config).items() if v is not None}, indent=2) + "\n")
    rates = DropRates(**options.drop)
    objective = Objective(model, loop.parameters, rates, seed=options.seed, workers=options.workers if device.type == "cpu" else 1, bf16=options.bf16)

    def validate() -> float:
        """Of the averaged weights."""
        return loop.averaged(lambda: validation.loss(model))

    if device.type == "cuda" and all((folder / "latents.npy").exists() for folder in options.folders):
        run_on_device(model, loop, rates, options, (lambda: {"val_loss": validation.loss(model)}) if validation else None)
    else:
        # The next batch is read while this one is computed.
        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(mixture.batch, loop.at, options.batch)
            for step in loop:
                batch, ahead = ahead.result(), reader.submit(mixture.batch, step + 1, options.batch)
                if validation and step % options.validate_every == 0:
                    loop.note("val_loss", validate())
                loss, gradients = objective.gradients(step, batch)
                loop.step(loss, {}, gradients)
    if validation:
        print(f"validation loss {validate():.4f}", flush=True)
    return loop


def run_on_device(model: Mmdit, loop: Loop, rates: DropRates, options, watch) -> None:
    """Everything on the GPU: data, draws and steps. A kind of step for each folder, since each has clips of its own length."""
    device = next(model.parameters()).device
    folders = [flow_data.OnDevice(folder, model.config, device, options.batch) for folder in options.folders]
    sizes = np.array([folder.data.capacity for folder in folders], float) * (options.weights or 1.0)

    def part(folder):
        def work():
            batch = folder.batch(options.batch)
            noise, t = torch.randn_like(batch.sound), logit_normal(options.batch, device=device)
            with torch.autocast("cuda", torch.bfloat16) if options.bf16 else nullcontext():
                loss = rectified_flow_loss(model, batch.sound, noise, t, batch.features, video_exist=batch.video_exist,
                                           drop=rates.draw(options.batch, device), emphasis=batch.emphasis)
            return loss, {}
        return [work]
    first, *others = map(part, folders)
    loop.run(first, others, sizes / sizes.sum(), watch)


def train(options) -> None:
    if options.config:
        config = json.loads(options.config.read_text())
    else:
        import model as embedded
        config = embedded.MMDIT
    torch.manual_seed(options.seed)
    network = Mmdit(MmditConfig(**config))
    loop = run(network, network, options)
    safetensors.write(options.output / "mmdit.safetensors", loop.ema_state, {"format": "pt"})


def finetune(options) -> None:
    config, state, prefix = read_base(options.base, options.config)
    network = Mmdit.from_state(config, state)
    del state
    torch.manual_seed(options.seed)
    if options.lora:
        if options.sync_steps:
            raise ValueError("--sync-steps changes the network itself, which adapters leave as it is; use one or the other")
        adapters = lora.Adapters(network, options.lora, options.alpha or options.lora)
        network.to(options.device)
        loop = run(network, adapters, options)
        adapters.save(options.output / "adapter.safetensors", loop.ema_state)
    else:
        loop = run(network, network, options)
        safetensors.write(options.output / "mmdit.safetensors", {prefix + name: value for name, value in loop.ema_state.items()}, {"format": "pt"})


def merge(options) -> None:
    _, state, prefix = read_base(options.base, options.config)
    adapters, metadata = safetensors.read(options.adapter)
    if "alpha" not in metadata:
        raise ValueError(f"{options.adapter}: no alpha in its metadata, so it is no adapter of ours")
    merged = lora.merge(state, adapters, float(metadata["alpha"]), options.strength)
    safetensors.write(options.output, {prefix + name: value for name, value in merged.items()}, {"format": "pt"})


def drop_rates(text: str) -> dict:
    """clip=0.2,video=0.1 → rates by name."""
    known = {field.name for field in fields(DropRates)}
    rates = {name: float(value) for name, value in (pair.split("=") for pair in text.split(","))}
    if unknown := set(rates) - known:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: known are {', '.join(sorted(known))}")
    return rates


def add_training_options(parser, *, lr: float, schedule: str, clip: float, weight_decay: float, beta2: float, ema: float) -> None:
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--config", type=Path, help="configuration of the network, JSON as in bundle.json")
    parser.add_argument("--minutes", type=float, help="time budget; with --steps, whichever ends first")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--weights", type=float, nargs="+", help="of the folders, beside their sizes")
    parser.add_argument("--validate", type=Path, nargs="+", help="folders held out")
    parser.add_argument("--validate-clips", type=int, default=128, help="of each such folder")
    parser.add_argument("--validate-every", type=int, default=1000, help="steps")
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--schedule", choices=["cosine", "inverse"], default=schedule, help="cosine: warm-up, plateau, fall; inverse: the reference's")
    parser.add_argument("--warmup", type=int, default=200, help="steps, with cosine")
    parser.add_argument("--decay-from", type=float, default=0.3, help="part of the budget after which cosine falls")
    parser.add_argument("--weight-decay", type=float, default=weight_decay)
    parser.add_argument("--beta2", type=float, default=beta2)
    parser.add_argument("--clip", type=float, default=clip, help="largest norm of the gradients; 0 = off")
    parser.add_argument("--ema", type=float, default=ema, help="kept of the average a step; 0: the reference's power law up to 0.9999")
    parser.add_argument("--drop", type=drop_rates, default={}, help="chances such as clip=0.2,sync=0.2,text=0.2,t5=0.2,video=0.1,words=0.1 (0.2 each, the last two 0)")
    parser.add_argument("--sync-steps", type=int, default=0, help="before the first step: steps in which the projection of sync features learns to say when something strikes")
    parser.add_argument("--save-every", type=float, default=4, help="minutes between checkpoints")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true", help="products in bfloat16")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads that share a batch on the CPU")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    add_training_options(commands.add_parser("train"), lr=1e-3, schedule="cosine", clip=1.0, weight_decay=1e-4, beta2=0.99, ema=0.999)
    tune = commands.add_parser("finetune")
    add_training_options(tune, lr=5e-5, schedule="inverse", clip=0.0, weight_decay=1e-4, beta2=0.95, ema=0)
    tune.add_argument("--base", type=Path, required=True, help="bundle, safetensors file or published checkpoint")
    tune.add_argument("--lora", type=int, help="rank of adapters; without it everything is trained")
    tune.add_argument("--alpha", type=float, help="adapters count alpha/rank times; as large as the rank unless given")
    tune.add_argument("--split", type=Path, help="list of feature files, one a line")
    tune.add_argument("--extra-cot", type=Path, help="folder whose .pth files override features")
    merging = commands.add_parser("merge")
    merging.add_argument("--base", type=Path, required=True)
    merging.add_argument("--config", type=Path)
    merging.add_argument("--adapter", type=Path, required=True)
    merging.add_argument("--strength", type=float, default=1.0)
    merging.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.command != "merge" and not (options.minutes or options.steps):
        parser.error("give a budget: --minutes, --steps or both")
    try:
        {"train": train, "finetune": finetune, "merge": merge}[options.command](options)
    except (ValueError, OSError) as error:
        sys.exit(f"flow {options.command}: {error}")


if __name__ == "__main__":
    main()
