"""The product beside the twin, network by network, in float32, on the weights and the first clip of a bundle's evaluation.

Tolerances are the goldens' (tests/golden/README.md): relative L2, about ten times the noise of float32.
"""
import numpy as np
import torch

import model
import product
from evaluation.measures import Measure
from features import segments_of
from twin.mmdit import Features

TOLERANCES = {"clip_vision": 1e-5, "synchformer": 1e-5, "clip_text": 1e-5, "t5": 1e-5, "flow": 3e-5, "mel": 5e-6}
WHAT = {"clip_vision": "vision tower", "synchformer": "Synchformer", "clip_text": "CLIP text tower", "t5": "T5 encoder", "flow": "flow", "mel": "decoded log-mel"}


def difference(ours: np.ndarray, reference: torch.Tensor) -> float:
    """‖ours − reference‖ / ‖reference‖."""
    reference = reference.double().numpy().reshape(ours.shape)
    return float(np.linalg.norm(ours - reference) / np.linalg.norm(reference))


@torch.no_grad()
def measure(bundle, scene) -> list[Measure]:
    networks, tokenizers, engine = model.of_bundle(bundle), model.text_tokenizers(bundle), product.Engine(bundle, precision="f32")
    duration_s, frames = scene.duration_s, torch.from_numpy(np.array(scene.frames))
    differences, random = {}, np.random.default_rng(1)

    ours = engine.video_features(scene.frames, duration_s)
    stride = model.SYNC_FPS // model.CLIP_FPS
    clip = model.clip_features(networks.clip_vision, frames[::stride].float())
    sync = model.sync_features(networks.synchformer, frames[torch.from_numpy(segments_of(len(frames), duration_s))].float()).flatten(0, 1)
    differences["clip_vision"], differences["synchformer"] = difference(ours["clip"], clip), difference(ours["sync"], sync)

    texts = {}
    for name, text in (("clip_text", scene.caption), ("t5", scene.cot)):
        encode = model.clip_text_features if name == "clip_text" else model.t5_features
        texts[name] = encode(getattr(networks, name), *tokenizers[name]([text]))
        differences[name] = difference(engine.text_features(name, text), texts[name])

    count = engine.lengths(duration_s).latent_len
    x, t = random.standard_normal((1, model.LATENT_DIM, count)).astype(np.float32), np.array([0.6], np.float32)
    weights = bundle / "model.safetensors"
    flow = product.Network("mmdit", model.MMDIT, weights, "mmdit.").run(
        "flow", {"L": [count, len(clip), len(sync)]}, x=x, t=t, clip_f=clip[None].numpy(), sync_f=sync[None].numpy(), text_f=texts["clip_text"].numpy(),
        t5_features=texts["t5"].numpy())["flow"]
    features = Features(clip=clip[None], sync=sync[None], text=texts["clip_text"], t5=texts["t5"])
    differences["flow"] = difference(flow, networks.mmdit(torch.from_numpy(x).transpose(1, 2), torch.from_numpy(t), features).transpose(1, 2))

    latent = engine.encode(scene.audio).T[None].copy()
    codec = {side: {"type": "mel", "config": vars(config)} for side, config in model.CODEC.items()}
    rows = product.Network("vae", codec, weights, "vae.").run("decode_rows", latent=latent)
    differences["mel"] = difference(next(iter(rows.values())), networks.codec.decode(torch.from_numpy(latent)))
    return [Measure(f"parity.{name}", "parity", f"{WHAT[name]}: native f32 against the twin, relative L2", value, at_most=TOLERANCES[name])
            for name, value in differences.items()]
