"""The CLIP vision tower (spec 05 §3): frames → one feature each.

    pixels [B, 3, S, S] ─ patches ─ [B, (S/p)², width] ─ class token + positions ─ LN ─ layers ─ class token ─ LN ─ projection
"""
import torch
from torch import nn
from torch.nn import functional as F

from twin.clip_layers import ClipStack, load


class PatchEmbedding(nn.Conv2d):
    """Non-overlapping patches through one matrix: [B, 3, S, S] → [B, patches, width], row by row."""

    def __init__(self, width: int, patch: int):
        super().__init__(3, width, patch, stride=patch, bias=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        p, (batch, channels, height, width) = self.kernel_size[0], pixels.shape
        patches = pixels.reshape(batch, channels, height // p, p, width // p, p).permute(0, 2, 4, 1, 3, 5)
        return F.linear(patches.reshape(batch, -1, channels * p * p), self.weight.flatten(1))


class Embeddings(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width, patches = config["hidden_size"], (config["image_size"] // config["patch_size"]) ** 2
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.patch_embedding = PatchEmbedding(width, config["patch_size"])
        self.position_embedding = nn.Embedding(patches + 1, width)
        nn.init.normal_(self.position_embedding.weight, std=0.02)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embedding(pixels)
        return torch.cat([self.class_embedding.expand(len(patches), 1, -1), patches], 1) + self.position_embedding.weight


class VisionModel(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        eps = config.get("layer_norm_eps", 1e-5)
        self.embeddings = Embeddings(config)
        self.pre_layrnorm = nn.LayerNorm(config["hidden_size"], eps=eps)  # spelt so in the checkpoints
        self.encoder = ClipStack(config)
        self.post_layernorm = nn.LayerNorm(config["hidden_size"], eps=eps)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.post_layernorm(self.encoder(self.pre_layrnorm(self.embeddings(pixels)))[:, 0])


class ClipVision(nn.Module):
    """`config`: {"vision_config": {…}, "projection_dim": …} by Hugging Face's names."""

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        self.vision_model = VisionModel(config["vision_config"])
        self.visual_projection = nn.Linear(config["vision_config"]["hidden_size"], config["projection_dim"], bias=False)

    @classmethod
    def from_state(cls, config: dict, state: dict[str, torch.Tensor]) -> "ClipVision":
        return load(cls(config), state)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalised frames [..., 3, S, S] → [..., projection], not L2-normalised."""
        features = self.visual_projection(self.vision_model(pixels.flatten(0, -4)))
        return features.unflatten(0, pixels.shape[:-3])
