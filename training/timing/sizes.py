"""Configurations of the published networks and of tiny ones, and the arithmetic of each: two operations for a multiply-add of
products, convolutions and attentions, as `ThinkSound.Benchmarks.NetworkCost` counts them. Norms, activations and padding do
not count, so that a part of a ceiling is an honest one."""
import math
from dataclasses import dataclass


def _clip(width, inner, heads, layers, **more):
    return {"hidden_size": width, "intermediate_size": inner, "num_attention_heads": heads, "num_hidden_layers": layers, **more}


def _oobleck(channels, multiples, latent_dim, **more):
    return {"type": "oobleck", "config": {"channels": channels, "c_mults": multiples, "strides": [2, 4, 4, 8, 8], "latent_dim": latent_dim, "use_snake": True, **more}}


# As bundle.json has them (docs/bundle.md). "published" is what the library makes of `synthetic = "published"`.
SIZES = {
    "published": {
        "mmdit": dict(latent_dim=64, clip_dim=1024, sync_dim=768, text_dim=2048, hidden_dim=1024, depth=21, fused_depth=14, num_heads=16, v2=True, kernel_size=3),
        "vae": {"encoder": _oobleck(128, [1, 2, 4, 8, 16], 128, in_channels=2), "decoder": _oobleck(128, [1, 2, 4, 8, 16], 64, out_channels=2, final_tanh=False)},
        "t5": dict(vocab_size=32128, d_model=2048, d_kv=64, d_ff=5120, num_layers=24, num_heads=32),
        "clip_text": {"text_config": _clip(1024, 4096, 16, 24, vocab_size=49408, max_position_embeddings=77), "projection_dim": 1024},
        "clip_vision": {"vision_config": _clip(1280, 5120, 16, 32, image_size=224, patch_size=14), "projection_dim": 1024},
        "synchformer": dict(embed_dim=768, depth=12, num_heads=12, image=224, patch=16, temporal_patch=2, frames_per_segment=16),
    },
    "small": {
        "mmdit": dict(latent_dim=64, clip_dim=24, sync_dim=32, text_dim=48, clip_text_dim=32, hidden_dim=32, depth=3, fused_depth=1, num_heads=2, v2=True, kernel_size=3),
        "vae": {"encoder": _oobleck(4, [1, 2, 4, 4, 4], 128, in_channels=2), "decoder": _oobleck(4, [1, 2, 4, 4, 4], 64, out_channels=2, final_tanh=False)},
        "t5": dict(vocab_size=100, d_model=48, d_kv=8, d_ff=64, num_layers=2, num_heads=4),
        "clip_text": {"text_config": _clip(32, 64, 2, 2, vocab_size=100, max_position_embeddings=77), "projection_dim": 24},
        "clip_vision": {"vision_config": _clip(32, 64, 2, 2, image_size=28, patch_size=14), "projection_dim": 24},
        "synchformer": dict(embed_dim=32, depth=1, num_heads=2, image=32, patch=16, temporal_patch=2, frames_per_segment=16),
    },
}
TEXT_LEN, RATE, HOP = 77, 44100, 2048


def bundle(size: str) -> dict:
    """A bundle.json without weights."""
    return {"format": "thinksound-bundle", "version": 1, "name": f"thinksound-{size}", "sample_rate": RATE,
            "components": {name: {"config": config} for name, config in SIZES[size].items()}}


@dataclass(frozen=True)
class Clip:
    """Lengths that belong to a duration, as ts_get_lengths gives them, and how it is sampled."""
    duration_s: float
    steps: int
    cfg: float

    @property
    def latent_len(self) -> int:
        return math.ceil(self.duration_s * RATE / HOP)

    @property
    def clip_len(self) -> int:
        return max(1, round(8 * self.duration_s))

    @property
    def segments(self) -> int:
        return max(1, round(3 * self.duration_s))

    @property
    def sync_len(self) -> int:
        return 8 * self.segments

    @property
    def num_sync_frames(self) -> int:
        return 8 * self.segments + 8


def flop(size: str, clip: Clip, stage: str) -> float | None:
    """Useful arithmetic of a stage of one clip; None where a stage is not a matter of arithmetic."""
    configs = SIZES[size]
    evaluations = 1 if clip.cfg == 1 else 2
    sampling = evaluations * (clip.steps * mmdit(configs["mmdit"], clip) + conditions(configs["mmdit"], clip))
    stages = {
        "sample_loop": sampling, "decode": decode(configs["vae"]["decoder"]["config"], clip.latent_len),
        "clip_vision": clip.clip_len * vision(configs["clip_vision"]), "synchformer": clip.segments * synchformer(configs["synchformer"]),
        "text_clip": text(configs["clip_text"]), "text_t5": t5(configs["t5"]),
    }
    stages |= {"decode_whole": stages["decode"], "generate": sampling + stages["decode"]}
    stages["end_to_end"] = stages["generate"] + sum(stages[name] for name in ("clip_vision", "synchformer", "text_clip", "text_t5"))
    name, _, batch = stage.partition("_x")
    return int(batch or 1) * stages[name] if name in stages else None


def _widths(config: dict) -> tuple[int, int]:
    return config["hidden_dim"], 256 * math.ceil(int(2 * 4 * config["hidden_dim"] / 3) / 256)


def mmdit(config: dict, clip: Clip) -> float:
    """One evaluation; what does not depend on the step is `conditions`."""
    d, f = _widths(config)
    n, c, t, k, latent_dim = clip.latent_len, clip.clip_len, 2 * TEXT_LEN, config["kernel_size"], config["latent_dim"]
    tokens, joints = n + c + t, config["depth"] - config["fused_depth"]
    audio = n * (k * latent_dim * d + 3 * k * d * f) + 2 * d * d
    latent_block = n * (6 * d * d + 3 * d * d + 3 * d * d + 9 * d * f)
    clip_block, text_block = 6 * d * d + c * (6 * d * d + 9 * d * f), 6 * d * d + t * (4 * d * d + 3 * d * f)
    joint = latent_block + clip_block + text_block + 2 * tokens * tokens * d
    last_joint = latent_block + 4 * d * d + (c + t) * 3 * d * d + 2 * n * tokens * d  # clip and text only feed the attention
    fused = n * (9 * d * d + k * d * d + 3 * k * d * f) + 2 * n * n * d
    return 2 * (audio + (joints - 1) * joint + last_joint + config["fused_depth"] * fused + n * (2 * d * d + 7 * d * latent_dim))


def conditions(config: dict, clip: Clip) -> float:
    """Projections of the conditions, once a clip."""
    d, f = _widths(config)
    return 2 * (clip.clip_len * (config["clip_dim"] * d + 9 * d * f) + clip.sync_len * (7 * config["sync_dim"] * d + 9 * d * f) +
                2 * TEXT_LEN * (config["text_dim"] * d + 3 * d * f) + d * d + config.get("clip_text_dim", 1024) * d + 3 * d * f)


def decode(config: dict, latent_len: int) -> float:
    widths = [config["channels"] * multiple for multiple in [1, *config["c_mults"]]]
    length, total = latent_len, 7 * config["latent_dim"] * widths[-1] * latent_len
    for wide, narrow, stride in zip(widths[:0:-1], widths[-2::-1], config["strides"][::-1]):
        length *= stride
        total += length * (2 * wide * narrow + 3 * 8 * narrow * narrow)  # two taps an output; three units of kernels 7 and 1
    return 2 * (total + 7 * widths[0] * config["out_channels"] * length)


def _layer(tokens: int, width: int, inner: int) -> float:
    return tokens * (4 * width * width + 2 * tokens * width + 2 * width * inner)


def t5(config: dict) -> float:
    d, inner = config["d_model"], config["d_kv"] * config["num_heads"]
    return 2 * config["num_layers"] * TEXT_LEN * (4 * d * inner + 2 * TEXT_LEN * inner + 3 * d * config["d_ff"])


def text(config: dict) -> float:
    tower = config["text_config"]
    return 2 * tower["num_hidden_layers"] * _layer(TEXT_LEN, tower["hidden_size"], tower["intermediate_size"])


def vision(config: dict) -> float:
    """A frame."""
    tower = config["vision_config"]
    d, patch, sites = tower["hidden_size"], tower["patch_size"], (tower["image_size"] // tower["patch_size"]) ** 2
    return 2 * (sites * 3 * patch * patch * d + tower["num_hidden_layers"] * _layer(sites + 1, d, tower["intermediate_size"]) + d * config["projection_dim"])


def synchformer(config: dict) -> float:
    """A segment of 16 frames."""
    d, patch, temporal = config["embed_dim"], config["patch"], config["temporal_patch"]
    sites, steps = (config["image"] // patch) ** 2, config["frames_per_segment"] // temporal
    patches = sites * steps
    tokens = patches + 1
    # The class token attends to everything; a patch to the class token and its site, or its frame.
    over_time, over_space = (4 * d * d * tokens + 2 * d * (patches * (keys + 1) + tokens) for keys in (steps, sites))
    aggregation = steps * (2 * d * d * (sites + 1) + 2 * d * (sites + 1) + 10 * d * d)
    return 2 * (patches * 3 * temporal * patch * patch * d + config["depth"] * (over_time + over_space + 8 * d * d * tokens) + aggregation)
