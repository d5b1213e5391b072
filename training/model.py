"""The embedded model: what its networks measure, and how they are put together. All sizes of `foley-small` stand here.

Configurations are those of bundle.json (docs/bundle.md), so the product runs exactly what is described here.
"""
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

import scenes
from twin import mel_codec, pixels, safetensors, tokenizers
from twin.clip_text import ClipText
from twin.clip_vision import ClipVision
from twin.mmdit import Mmdit, MmditConfig
from twin.recogniser import Recogniser, RecogniserConfig
from twin.synchformer import Synchformer, SynchformerConfig
from twin.t5 import T5Config, T5Encoder

NAME = "foley-small"
LATENT_DIM, CLIP_DIM, SYNC_DIM, TEXT_DIM, TEXT_LEN = 64, 96, 96, 96, 64
CLIP_FPS, SYNC_FPS, IMAGE, PATCH = 8, 24, 64, 8   # 24 pictures a second are whole segments: three times 8 a second
CFG_SCALE = 3.0                                    # guidance that was measured best
OBJECT_STREAMS = ["sync", "caption"]               # of an object: its picture is unlike those that were learned from (docs/objects.md)
HITS = "a fist knocks on a door and a stick strikes a block"
OBJECT_AVOID = {"bounce": HITS, "bell": HITS, "footsteps": HITS}  # what these sounds pass for; doors became silent by it
OBJECT_CANDIDATES = EDIT_CANDIDATES = 4            # sounds of an object or an edit, of which the listener chooses one

CODEC = {"encoder": mel_codec.MelConfig(), "decoder": mel_codec.MelConfig()}
CLIP_VISION = {"vision_config": {"hidden_size": 96, "intermediate_size": 384, "num_attention_heads": 3, "num_hidden_layers": 4, "image_size": IMAGE,
                                 "patch_size": PATCH, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}, "projection_dim": CLIP_DIM}
SYNCHFORMER = {"embed_dim": SYNC_DIM, "depth": 2, "num_heads": 3, "image": IMAGE, "patch": PATCH, "temporal_patch": 2, "frames_per_segment": 16}
# 8 s is the length that the tables are made for; others are made as they come.
MMDIT = {"latent_dim": LATENT_DIM, "clip_dim": CLIP_DIM, "sync_dim": SYNC_DIM, "text_dim": TEXT_DIM, "clip_text_dim": TEXT_DIM, "hidden_dim": 96,
         "depth": 10, "fused_depth": 7, "num_heads": 3, "latent_seq_len": 173, "clip_seq_len": 64, "sync_seq_len": 192, "text_seq_len": TEXT_LEN,
         "v2": True, "kernel_size": 3}

LISTENER = {"latent_dim": LATENT_DIM, "text_dim": TEXT_DIM, "hidden_dim": 96, "embed_dim": 96, "num_blocks": 4, "expansion": 3}


def clip_text_config(vocab_size: int) -> dict:
    return {"text_config": {"hidden_size": TEXT_DIM, "intermediate_size": 256, "num_attention_heads": 3, "num_hidden_layers": 2, "vocab_size": vocab_size,
                            "max_position_embeddings": TEXT_LEN, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}, "projection_dim": CLIP_DIM}


def t5_config(vocab_size: int) -> dict:
    return {"vocab_size": vocab_size, "d_model": TEXT_DIM, "d_kv": 32, "d_ff": 256, "num_layers": 2, "num_heads": 3, "relative_attention_num_buckets": 32,
            "layer_norm_epsilon": 1e-6, "feed_forward_proj": "gated-gelu"}


def recogniser_config() -> RecogniserConfig:
    return RecogniserConfig(classes=tuple(scenes.CLASSES), materials=tuple(scenes.MATERIALS), clip_dim=CLIP_DIM, sync_dim=SYNC_DIM,
                            temporal_patch=SYNCHFORMER["temporal_patch"])


def vocabulary_sizes(folder: Path) -> dict:
    return {"clip_text": len(json.loads((folder / "vocab.json").read_text(encoding="utf-8"))),
            "t5": tokenizers.T5Tokenizer(folder / "spiece.model").processor.get_piece_size()}


def text_tokenizers(folder: Path) -> dict:
    """By component: texts → ids and mask, i64 [B, TEXT_LEN]."""
    return {"clip_text": tokenizers.ClipTokenizer(folder / "merges.txt", folder / "vocab.json", TEXT_LEN),
            "t5": tokenizers.T5Tokenizer(folder / "spiece.model", TEXT_LEN)}


def configurations(vocabularies: Path) -> dict:
    """The `config` of every component, by the names of bundle.json."""
    sizes = vocabulary_sizes(vocabularies)
    return {"mmdit": MMDIT, "vae": {side: {"type": "mel", "config": asdict(config)} for side, config in CODEC.items()},
            "t5": t5_config(sizes["t5"]), "clip_text": clip_text_config(sizes["clip_text"]), "clip_vision": CLIP_VISION,
            "synchformer": SYNCHFORMER, "recogniser": asdict(recogniser_config())}


def class_rows(names: list) -> torch.Tensor:
    """Lists of classes → rows of 0 and 1 [n, classes]."""
    rows = torch.zeros(len(names), len(scenes.CLASSES))
    for row, some in zip(rows, names):
        row[[scenes.CLASSES.index(name) for name in some]] = 1
    return rows


def material_numbers(names: list) -> torch.Tensor:
    """Materials → their numbers [n]."""
    return torch.tensor([scenes.MATERIALS.index(name) for name in names])


class Networks(nn.Module):
    """All networks of a bundle with these configurations, untrained."""

    def __init__(self, configs: dict):
        super().__init__()
        self.codec = mel_codec.MelCodec(*(mel_codec.MelConfig(**configs["vae"][side]["config"]) for side in ("encoder", "decoder")))
        self.clip_vision = ClipVision(configs["clip_vision"])
        self.synchformer = Synchformer(SynchformerConfig(**configs["synchformer"]))
        labels = {name: tuple(configs["recogniser"][name]) for name in ("classes", "materials")}
        self.recogniser = Recogniser(RecogniserConfig(**{**configs["recogniser"], **labels}))
        self.clip_text = ClipText(configs["clip_text"])
        self.t5 = T5Encoder(T5Config(**configs["t5"]))
        self.mmdit = Mmdit(MmditConfig(**configs["mmdit"]))


def trained(folder: Path) -> Networks:
    """The networks with the averaged weights of every checkpoint that `folder` has: codec, encoders, flow."""
    networks = Networks(configurations(folder / "vocabularies"))
    networks.codec.load_state_dict(averaged(folder / "codec"))
    if (folder / "encoders" / "checkpoint.pt").exists():
        state = averaged(folder / "encoders")
        for name, key in (("clip_vision", "vision"), ("synchformer", "synchformer"), ("recogniser", "recogniser"), ("clip_text", "clip_text"), ("t5", "t5")):
            getattr(networks, name).load_state_dict({k[len(key) + 1 :]: v for k, v in state.items() if k.startswith(key + ".")})
    if (folder / "flow" / "checkpoint.pt").exists():
        networks.mmdit.load_state_dict(averaged(folder / "flow"))
    return networks.eval()


def of_bundle(folder: Path) -> Networks:
    """The networks of a bundle that `export` wrote, weights as they are stored: what the product computes with."""
    components = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["components"]
    networks = Networks({name: component["config"] for name, component in components.items()})
    tensors, _ = safetensors.read(folder / "model.safetensors")
    for component, name in (("vae", "codec"), *((name, name) for name in ("mmdit", "t5", "clip_text", "clip_vision", "synchformer", "recogniser"))):
        state = {key[len(component) + 1 :]: value.float() for key, value in tensors.items() if key.startswith(component + ".")}
        getattr(networks, name).load_state_dict(state)
    return networks.eval()


def averaged(folder: Path) -> dict:
    return torch.load(folder / "checkpoint.pt", map_location="cpu")["ema"]


def clip_features(vision: ClipVision, frames: torch.Tensor) -> torch.Tensor:
    """Frames [B, 64, 64, 3], 0 … 255 → [B, CLIP_DIM]."""
    return vision(pixels.clip_pixels(frames.permute(0, 3, 1, 2)))


def sync_features(synchformer: Synchformer, segments: torch.Tensor) -> torch.Tensor:
    """Segments [B, 16, 64, 64, 3], 0 … 255 → [B, 8, SYNC_DIM]."""
    return synchformer(pixels.sync_pixels(segments.permute(0, 1, 4, 2, 3)))


def clip_text_features(clip_text: ClipText, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return clip_text(tokens, mask)[0]


def t5_features(t5: T5Encoder, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return t5(tokens, mask)
