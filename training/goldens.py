"""Writes golden files from the twin: small networks with drawn weights, their inputs, and what the twin computes.

    python3 -m goldens mel_codec -o tests/golden       one of the committed ones: no reference but the twin has this codec,
    python3 -m goldens recogniser -o tests/golden      nor these networks
    python3 -m goldens listener -o tests/golden
    python3 -m goldens all -o build/goldens            every network in the geometry of the embedded model, to hold the
                                                       product against with `thinksound verify`

Keys and metadata are those of tests/golden/README.md. Weights and inputs are exact in float16; outputs come in float32 and,
for one case each, in float64 too; `floors` has the difference for all.
"""
import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from twin import mel_codec, safetensors
from twin.clip_text import ClipText
from twin.clip_vision import ClipVision
from twin.listener import Listener, ListenerConfig
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.recogniser import Recogniser, RecogniserConfig
from twin.synchformer import Synchformer, SynchformerConfig
from twin.t5 import T5Config, T5Encoder

EMBEDDINGS = ("embedding", "embed", "_emb", "_token", "_feat", "shared", "relative_attention_bias")


def exact(array) -> torch.Tensor:
    """float32 values that float16 holds exactly."""
    return torch.as_tensor(np.asarray(array, np.float32)).half().float()


def redraw(model: torch.nn.Module, random: np.random.Generator) -> None:
    """Natural sizes for every parameter: fresh ones begin with zeros, which would hide whole paths."""
    for name, parameter in model.named_parameters():
        shape = tuple(parameter.shape)
        values = random.standard_normal(shape)
        if name.endswith("bias") and parameter.dim() == 1:
            values = 0.05 * values
        elif parameter.dim() == 1 and name.endswith("weight"):
            values = 1 + 0.05 * values
        elif any(part in name for part in EMBEDDINGS) and ".proj." not in name and "patch_embedding" not in name:
            values = 0.3 * values
        else:
            values = values / np.sqrt(np.prod(shape[1:]))
        parameter.data = exact(values)


def in_double(inputs: dict) -> dict:
    return {name: value.double() if torch.is_tensor(value) and value.is_floating_point() else value for name, value in inputs.items()}


def stored(tensor: torch.Tensor) -> torch.Tensor:
    """float16 where that is exact."""
    return tensor.half() if tensor.dtype == torch.float32 and torch.equal(tensor.half().float(), tensor) else tensor


def figures(value: torch.Tensor, truth: torch.Tensor) -> dict:
    """The float32 noise of a result, two digits of it."""
    error = value.double() - truth
    floor = {"max_abs": error.abs().max(), "rel_l2": error.norm() / truth.norm(), "ref_absmax": truth.abs().max(), "ref_rms": truth.square().mean().sqrt()}
    return {name: float(f"{float(figure):.1e}") for name, figure in floor.items()}


@torch.no_grad()
def write(path: Path, model: torch.nn.Module, config: dict, cases: dict, run, **metadata) -> None:
    """`cases`: case → (settings, inputs by name); `run(model, settings, inputs)` → (outputs, intermediates) by name.

    A single case named "" leaves its name out of the keys. Settings with `inner` keep intermediates and float64 results.
    """
    state = {f"w.{name}": stored(value) for name, value in model.state_dict().items()}
    tensors, floors = {}, {}
    results = {case: run(model, *given) for case, given in cases.items()}
    model.double()
    for case, (settings, inputs) in cases.items():
        dot = f"{case}." if case else ""
        tensors |= {f"in.{dot}{name}": stored(value) for name, value in inputs.items()}
        outputs, mids = results[case]
        outputs64, mids64 = run(model, settings, in_double(inputs))
        tensors |= {f"out.{dot}{name}": value for name, value in outputs.items()} | {f"mid.{dot}{name}": value for name, value in mids.items()}
        if case == "" or settings.get("inner"):
            tensors |= {f"out.{dot}{name}.f64": value for name, value in outputs64.items()}
        truth = outputs64 | mids64
        floor = {name: figures(value, truth[name]) for name, value in (outputs | mids).items()}
        floors |= {case: floor} if case else floor
    model.float()
    metadata = {"config": json.dumps(config), "floors": json.dumps(floors), "torch": torch.__version__,
                "dtype": "float32 compute, CPU, eval mode; *.f64 = same run in float64", **metadata}
    if "" not in cases:
        metadata["cases"] = json.dumps({case: settings for case, (settings, _) in cases.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.write(path, state | tensors, metadata)


def watched(model: torch.nn.Module, names) -> dict:
    """Outputs of modules by their names, filled by the next forward, the last of each."""
    seen, modules = {}, dict(model.named_modules())
    for name in names:
        modules[name].register_forward_hook(lambda m, inputs, output, name=name: seen.__setitem__(name, output))
    return seen


def write_mel_codec(folder: Path, random: np.random.Generator) -> None:
    encoder = mel_codec.MelConfig(latent_dim=5, fine_width=7, coarse_width=12, fine_blocks=1, coarse_blocks=2, num_bands=9, max_hz=16000)
    decoder = mel_codec.MelConfig(**{**asdict(encoder), "fine_blocks": 2, "coarse_blocks": 1, "expansion": 2})
    model = mel_codec.MelCodec(encoder, decoder)
    redraw(model, random)
    stages = [name for name, _ in model.named_modules() if name.count(".") in (1, 2) and name.split(".")[-1] not in ("fine", "coarse", "norm", "out")]
    seen = watched(model, stages)
    tone = np.sin(np.arange(2048) * (2 * np.pi * 700 / 44100)) * np.exp(-np.arange(2048) / 600)
    audio = exact(np.stack([0.5 * tone, 0.2 * tone] + 0.01 * random.standard_normal((2, 2048))))[None]

    def run(model, settings, inputs):
        seen.clear()
        if "audio" in inputs:
            return {"mel": mel_codec.analyse(inputs["audio"], encoder)}, {}
        outputs = {"moments": model.encode(inputs["mel"])} if "mel" in inputs else {"mel": model.decode(inputs["latent"])}
        if "decoder.in" in seen:
            seen["decoder.in"] = seen["decoder.in"].transpose(1, 2)
            seen["decoder.split"] = seen["decoder.split"].reshape(len(seen["decoder.split"]), -1, decoder.fine_width)
        return outputs, dict(seen) if settings.get("inner") else {}

    def mel(batch, latents):
        return {"mel": exact(0.7 * random.standard_normal((batch, 8 * latents, encoder.features)) - 1)}

    def latent(batch, latents):
        return {"latent": exact(random.standard_normal((batch, latents, encoder.latent_dim)))}
    cases = {
        "enc3": ({"inner": True}, mel(1, 3)), "enc5": ({}, mel(1, 5)),
        "dec3": ({"inner": True}, latent(1, 3)), "dec1_b2": ({}, latent(2, 1)), "dec5": ({}, latent(1, 5)), "analysis": ({}, {"audio": audio}),
    }
    config = {"model": {side: {"type": "mel", "config": asdict(c)} for side, c in (("encoder", encoder), ("decoder", decoder))}}
    write(folder / "mel_codec_small.safetensors", model, config, cases, run, reference="mel_codec",
          description="The mel codec of docs/mel-codec.md: network in both directions, and the analysis of sound",
          note="channel-last: latent [B, N, latent_dim], mel [B, 8N, 2*bands]; inner stages under their module's name")


def write_recogniser(folder: Path, random: np.random.Generator) -> None:
    config = RecogniserConfig(classes=("bell", "door", "rain"), materials=("glass", "wood"), clip_dim=6, sync_dim=5, hidden_dim=7, onsets_per_step=2)
    model = Recogniser(config)
    redraw(model, random)

    def run(model, settings, inputs):
        outputs = dict(zip(("classes", "materials", "onsets"), model(inputs["clip"], inputs["sync"])))
        if not settings.get("inner"):
            return outputs, {}
        summary = model.summary(inputs["clip"], inputs["sync"])
        return outputs, {"summary": summary, "scene.hidden": F.gelu(model.scene.fc1(summary)), "onset.hidden": F.gelu(model.onset.fc1(inputs["sync"]))}

    def inputs(batch, c, s):
        return {"clip": exact(random.standard_normal((batch, c, config.clip_dim))), "sync": exact(random.standard_normal((batch, s, config.sync_dim)))}
    cases = {"c3s5": ({"inner": True}, inputs(1, 3, 5)), "c1s2_b2": ({}, inputs(2, 1, 2))}
    write(folder / "recogniser_small.safetensors", model, asdict(config), cases, run, reference="recogniser", description="The recogniser: logits")


def write_listener(folder: Path, random: np.random.Generator) -> None:
    config = ListenerConfig(latent_dim=5, text_dim=6, hidden_dim=7, embed_dim=4, num_blocks=1, expansion=2)
    model = Listener(config)
    redraw(model, random)
    model.scale.data, model.bias.data = exact(3.5), exact(-1.25)
    seen = watched(model, ("in", "blocks.0", "norm", "sound.fc1", "text.fc1"))

    def run(model, settings, inputs):
        sound, words = model.of_sound(inputs["latent"]), model.of_text(inputs["text"], inputs["mask"])
        outputs = {"sound": sound, "words": words, "logits": model.logits(sound, words)}
        if not settings.get("inner"):
            return outputs, {}
        mean = (inputs["text"] * inputs["mask"][..., None]).sum(1) / inputs["mask"].sum(1, keepdim=True)
        return outputs, {"in": seen["in"].transpose(1, 2), "blocks.0": seen["blocks.0"],
                         "summary": torch.cat([seen["norm"].mean(1), seen["norm"].amax(1)], -1), "sound.hidden": F.gelu(seen["sound.fc1"]),
                         "text.mean": mean, "text.hidden": F.gelu(seen["text.fc1"])}

    def inputs(batch, n, lengths):
        mask = torch.tensor([[int(i < length) for i in range(5)] for length in lengths], dtype=torch.uint8)
        return {"latent": exact(random.standard_normal((batch, n, config.latent_dim))), "text": exact(random.standard_normal((len(lengths), 5, config.text_dim))),
                "mask": mask}
    cases = {"n9": ({"inner": True}, inputs(1, 9, [3])), "n1_b2": ({}, inputs(2, 1, [5, 1, 2]))}
    write(folder / "listener_small.safetensors", model, asdict(config), cases, run, reference="listener",
          description="The listener: unit vectors, and logits of all pairs", note="latent channel-last")


def write_mmdit(folder: Path, random: np.random.Generator) -> None:
    config = dict(latent_dim=12, clip_dim=24, sync_dim=20, text_dim=24, clip_text_dim=24, hidden_dim=48, depth=3, fused_depth=2, num_heads=3,
                  latent_seq_len=22, clip_seq_len=8, sync_seq_len=24, text_seq_len=16, v2=True, kernel_size=3)
    model = Mmdit(MmditConfig(**config))
    redraw(model, random)

    def run(model, settings, inputs):
        features = Features(clip=inputs["clip_f"], sync=inputs["sync_f"], text=inputs["text_f"], t5=inputs["t5_features"])
        x, (length, *lengths) = inputs["x"].transpose(1, 2), settings["L"]
        t, cfg = torch.tensor(settings["t"]), settings.get("cfg", 1)
        if cfg == 1:
            flow = model(x, t, features)
        else:
            flow = model.guided(x, t, model.prepare(model.with_null(features, *lengths), length), cfg)
        return {"flow": flow.transpose(1, 2)}, {}

    def inputs(batch, n, c, s):
        shapes = {"x": (12, n), "clip_f": (c, 24), "sync_f": (s, 20), "text_f": (16, 24), "t5_features": (16, 24)}
        return {name: exact(random.standard_normal((batch, *shape))) for name, shape in shapes.items()}
    cases = {"d1": ({"L": [22, 8, 24], "t": [0.73]}, inputs(1, 22, 8, 24)), "d2_b2_cfg5": ({"L": [44, 16, 48], "t": [1.0, 0.125], "cfg": 5.0, "B": 2}, inputs(2, 44, 16, 48))}
    write(folder / "mmdit_twin.safetensors", model, config, cases, run, reference="the training twin", description="MM-DiT with narrow texts of 16 tokens")


def write_encoders(folder: Path, random: np.random.Generator) -> None:
    ids = torch.from_numpy(random.integers(3, 90, (2, 16)))
    ids[0, 5:], ids[1, 12:] = 99, 99
    mask = torch.ones_like(ids)
    mask[0, 6:], mask[1, 13:] = 0, 0
    token_inputs = {"input_ids": ids, "attention_mask": mask}

    config = {"vocab_size": 100, "d_model": 48, "d_kv": 16, "d_ff": 96, "num_layers": 2, "num_heads": 3, "relative_attention_num_buckets": 32,
              "layer_norm_epsilon": 1e-6, "feed_forward_proj": "gated-gelu"}
    model = T5Encoder(T5Config(**config))
    redraw(model, random)
    write(folder / "t5_twin.safetensors", model, config, {"": ({}, token_inputs)}, lambda m, s, i: ({"last_hidden_state": m(i["input_ids"], i["attention_mask"])}, {}),
          reference="the training twin", description="T5 v1.1 encoder of 16 tokens")

    layers = {"hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 3, "num_hidden_layers": 2, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}
    config = {"text_config": {**layers, "vocab_size": 100, "max_position_embeddings": 16}, "projection_dim": 24}
    model = ClipText(config)
    redraw(model, random)
    write(folder / "clip_text_twin.safetensors", model, config, {"": ({}, token_inputs)},
          lambda m, s, i: (dict(zip(("last_hidden_state", "text_features"), m(i["input_ids"], i["attention_mask"]))), {}),
          reference="the training twin", description="CLIP text tower of 16 tokens")

    config = {"vision_config": {**layers, "image_size": 64, "patch_size": 8}, "projection_dim": 24}
    model = ClipVision(config)
    redraw(model, random)
    write(folder / "clip_vision_twin.safetensors", model, config, {"": ({}, {"pixel_values": exact(random.standard_normal((1, 2, 3, 64, 64)))})},
          lambda m, s, i: ({"image_features": m(i["pixel_values"])}, {}), reference="the training twin", description="CLIP vision tower, 64 pixels in patches of 8")

    config = {"embed_dim": 48, "depth": 2, "num_heads": 3, "image": 64, "patch": 8, "temporal_patch": 2, "frames_per_segment": 16}
    model = Synchformer(SynchformerConfig(**config))
    redraw(model, random)
    frames = torch.from_numpy(random.integers(0, 256, (24, 3, 64, 64), np.uint8))

    def run(model, settings, inputs):
        pixels = (inputs["frames_u8"].to(model.vfeat_extractor.cls_token.dtype) / 255 - 0.5) / 0.5
        return {"segment": model(pixels[None, :16])[None], "video": model(model.segments(pixels)).flatten(0, 1)[None]}, {}
    write(folder / "synchformer_twin.safetensors", model, config, {"": ({}, {"frames_u8": frames, "video_index": torch.arange(24)})}, run,
          reference="the training twin", description="Synchformer's visual branch, 64 pixels in patches of 8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("which", choices=["mel_codec", "recogniser", "listener", "all"])
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    if options.which in ("mel_codec", "all"):
        write_mel_codec(options.output, np.random.default_rng(20))
    if options.which in ("recogniser", "all"):
        write_recogniser(options.output, np.random.default_rng(23))
    if options.which in ("listener", "all"):
        write_listener(options.output, np.random.default_rng(24))
    if options.which == "all":
        write_mmdit(options.output, np.random.default_rng(21))
        write_encoders(options.output, np.random.default_rng(22))


if __name__ == "__main__":
    main()
