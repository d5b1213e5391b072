"""The visual branch of Synchformer (spec 05 §5): a segment of 16 frames → 8 features.

    frames [B, 16, 3, S, S] ─ patches of 2 frames ─ [B, 8·P, D] ─ class token, positions in space and time
      ─ depth × { x += time(norm3 x);  x += space(norm1 x);  x += mlp(norm2 x) } ─ norm without the class token
      ─ per time step: a class token of its own, one transformer layer, its row ─ [B, 8, D]

Divided attention: Bertasius et al., "Is space-time attention all you need", 2021; Patrick et al., Motionformer, 2021;
Iashin et al., Synchformer, 2024.
"""
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from twin.layers import attention


@dataclass(frozen=True)
class SynchformerConfig:
    embed_dim: int = 768
    depth: int = 12
    num_heads: int = 12
    image: int = 224
    patch: int = 16
    temporal_patch: int = 2
    frames_per_segment: int = 16
    mlp_dim: int | None = None  # 4·embed_dim

    @property
    def sites(self) -> int:
        return (self.image // self.patch) ** 2

    @property
    def steps(self) -> int:
        return self.frames_per_segment // self.temporal_patch


def norm(width: int) -> nn.LayerNorm:
    return nn.LayerNorm(width, eps=1e-6)


class DividedAttention(nn.Module):
    """The class token sees everything; a patch sees it and its own site over time, or its own moment over space."""

    def __init__(self, config: SynchformerConfig, over_time: bool):
        super().__init__()
        self.config, self.over_time = config, over_time
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, 1 + steps·sites, D] → the same."""
        steps, sites = self.config.steps, self.config.sites
        q, k, v = self.qkv(x).unflatten(-1, (3, self.config.num_heads, -1)).permute(2, 0, 3, 1, 4)     # [B, heads, tokens, d]
        first = attention(q[:, :, :1], k, v)

        def grouped(tokens):  # [B, heads, groups, length, d]
            tokens = tokens[:, :, 1:].unflatten(2, (steps, sites))
            return tokens.transpose(2, 3) if self.over_time else tokens

        def with_first(tokens):
            groups = grouped(tokens)
            return torch.cat([tokens[:, :, None, :1].expand(-1, -1, groups.shape[2], -1, -1), groups], 3)

        patches = attention(grouped(q), with_first(k), with_first(v))
        patches = (patches.transpose(2, 3) if self.over_time else patches).flatten(2, 3)
        return self.proj(torch.cat([first, patches], 2).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, config: SynchformerConfig):
        super().__init__()
        width = config.embed_dim
        self.norm1, self.norm2, self.norm3 = norm(width), norm(width), norm(width)
        self.attn, self.timeattn = DividedAttention(config, over_time=False), DividedAttention(config, over_time=True)
        self.mlp = Mlp(width, config.mlp_dim or 4 * width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.timeattn(self.norm3(x))
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PackedAttention(nn.Module):
    """The parameters of nn.MultiheadAttention, run for the first query alone."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, n, D] → [B, 1, D]."""
        width = x.shape[-1]

        def heads(tokens):
            return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        q = F.linear(x[:, :1], self.in_proj_weight[:width], self.in_proj_bias[:width])
        k, v = F.linear(x, self.in_proj_weight[width:], self.in_proj_bias[width:]).chunk(2, -1)
        return self.out_proj(attention(heads(q), heads(k), heads(v)).transpose(1, 2).flatten(2))


class SpatialAggregation(nn.Module):
    def __init__(self, config: SynchformerConfig):
        super().__init__()
        width = config.embed_dim
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.self_attn = PackedAttention(width, config.num_heads)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm1, self.norm2 = norm(width), norm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, sites, D] → [B, D]."""
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        first = x[:, :1] + self.self_attn(self.norm1(x))
        return (first + self.linear2(F.gelu(self.linear1(self.norm2(first)))))[:, 0]


class TubeEmbedding(nn.Conv3d):
    """Patches of several frames through one matrix: [B, T, 3, S, S] → [B, steps·sites, D], time-major, row by row."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        (t, p, _), (batch, num_frames, channels, height, width) = self.kernel_size, frames.shape
        tubes = frames.reshape(batch, num_frames // t, t, channels, height // p, p, width // p, p).permute(0, 1, 4, 6, 3, 2, 5, 7)
        return F.linear(tubes.reshape(batch, -1, channels * t * p * p), self.weight.flatten(1), self.bias)


class PatchEmbed3d(nn.Module):
    def __init__(self, config: SynchformerConfig):
        super().__init__()
        kernel = (config.temporal_patch, config.patch, config.patch)
        self.proj = TubeEmbedding(3, config.embed_dim, kernel, stride=kernel)


class Motionformer(nn.Module):
    def __init__(self, config: SynchformerConfig):
        super().__init__()
        self.config, width = config, config.embed_dim
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + config.sites, width) * 0.02)
        self.temp_embed = nn.Parameter(torch.zeros(1, config.steps, width))
        self.patch_embed_3d = PatchEmbed3d(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = norm(width)
        self.spatial_attn_agg = SpatialAggregation(config)

    def embed(self, frames: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embed_3d.proj(frames)
        positions = (self.temp_embed[:, :, None] + self.pos_embed[:, None, 1:]).flatten(1, 2)
        return torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(len(frames), -1, -1), patches + positions], 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        x = self.embed(frames)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x[:, 1:])
        rows = self.spatial_attn_agg(x.reshape(len(x) * self.config.steps, self.config.sites, -1))
        return rows.unflatten(0, (len(x), self.config.steps))


class Synchformer(nn.Module):
    """The published file also holds patch_embed (unused) and the audio side; `from_state` passes over both."""

    def __init__(self, config: SynchformerConfig):
        super().__init__()
        self.config = config
        self.vfeat_extractor = Motionformer(config)

    @classmethod
    def from_state(cls, config: SynchformerConfig, state: dict[str, torch.Tensor]) -> "Synchformer":
        model = cls(config)
        own, unused = "vfeat_extractor.", "vfeat_extractor.patch_embed."
        model.load_state_dict({k: v.float() for k, v in state.items() if k.startswith(own) and not k.startswith(unused)})
        return model

    def segments(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [F, ...] → [segments, 16, ...]: one every 8 frames, what does not fill the last is left out."""
        length = self.config.frames_per_segment
        starts = range(0, len(frames) - length + 1, length // 2)
        return torch.stack([frames[start : start + length] for start in starts])

    def forward(self, segments: torch.Tensor) -> torch.Tensor:
        """Normalised segments [B, 16, 3, S, S] → [B, 8, D]."""
        return self.vfeat_extractor(segments)
