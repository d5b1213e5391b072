"""The T5 v1.1 encoder (spec 04 §1): token ids → the last hidden state. Raffel et al., 2020.

    h = embedding;  layers × { h += o(attention(norm h));  h += wo(gelu(wi_0 n) ⊙ wi_1 n), n = norm h };  norm

No scaling of the scores, no biases; relative positions enter as one table of buckets that layer 0 holds for all layers.
"""
import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.nn import functional as F

from twin.layers import RmsNorm, attention


@dataclass(frozen=True)
class T5Config:
    """By Hugging Face's names."""
    vocab_size: int
    d_model: int
    d_kv: int
    d_ff: int
    num_layers: int
    num_heads: int
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: str = "gated-gelu"

    def __post_init__(self):
        if self.feed_forward_proj != "gated-gelu":
            raise ValueError(f"feed_forward_proj {self.feed_forward_proj}: only gated-gelu (T5 v1.1) is known here")


@lru_cache
def buckets(length: int, num_buckets: int, max_distance: int, device: torch.device) -> torch.Tensor:
    """i64 [query, key]: half the buckets for keys behind, half for keys ahead; exact near, logarithmic far."""
    relative = torch.arange(length)[None] - torch.arange(length)[:, None]
    half, distance = num_buckets // 2, relative.abs()
    exact = half // 2
    far = exact + (torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact) * (half - exact)).long()
    return (torch.where(relative > 0, half, 0) + torch.where(distance < exact, distance, far.clamp(max=half - 1))).to(device)


class SelfAttention(nn.Module):
    def __init__(self, config: T5Config, first: bool):
        super().__init__()
        inner = config.num_heads * config.d_kv
        self.num_heads = config.num_heads
        self.q, self.k, self.v = (nn.Linear(config.d_model, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, config.d_model, bias=False)
        if first:
            self.relative_attention_bias = nn.Embedding(config.relative_attention_num_buckets, config.num_heads)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        q, k, v = (F.linear(x, torch.cat([self.q.weight, self.k.weight, self.v.weight]))
                   .unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4))
        return self.o(attention(q, k, v, scale=1.0, bias=bias).transpose(1, 2).flatten(2))


class AttentionLayer(nn.Module):
    def __init__(self, config: T5Config, first: bool):
        super().__init__()
        self.SelfAttention = SelfAttention(config, first)
        self.layer_norm = RmsNorm(config.d_model, config.layer_norm_epsilon)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return x + self.SelfAttention(self.layer_norm(x), bias)


class DenseReluDense(nn.Module):
    def __init__(self, config: T5Config):
        super().__init__()
        self.wi_0 = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wi_1 = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.wo = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.wo(F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x))


class FeedForwardLayer(nn.Module):
    def __init__(self, config: T5Config):
        super().__init__()
        self.DenseReluDense = DenseReluDense(config)
        self.layer_norm = RmsNorm(config.d_model, config.layer_norm_epsilon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.DenseReluDense(self.layer_norm(x))


class Block(nn.Module):
    def __init__(self, config: T5Config, first: bool):
        super().__init__()
        self.layer = nn.ModuleList([AttentionLayer(config, first), FeedForwardLayer(config)])

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return self.layer[1](self.layer[0](x, bias))


class Stack(nn.Module):
    def __init__(self, config: T5Config):
        super().__init__()
        self.block = nn.ModuleList(Block(config, first=i == 0) for i in range(config.num_layers))
        self.final_layer_norm = RmsNorm(config.d_model, config.layer_norm_epsilon)


class T5Encoder(nn.Module):
    def __init__(self, config: T5Config):
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = Stack(config)
        self.initialise()

    @classmethod
    def from_state(cls, config: T5Config, state: dict[str, torch.Tensor]) -> "T5Encoder":
        """From an encoder's or a whole T5's tensors; the embedding may go by either of its names."""
        model = cls(config)
        known = {k: v.float() for k, v in state.items() if not k.startswith(("decoder.", "lm_head."))}
        alias = known.pop("encoder.embed_tokens.weight", None)
        if alias is not None:
            known.setdefault("shared.weight", alias)
        model.load_state_dict(known)
        return model

    def initialise(self) -> None:
        """The T5 initialisation: what keeps unscaled scores small."""
        c = self.config
        nn.init.normal_(self.shared.weight)
        for name, weight in self.encoder.named_parameters():
            fan_in = {"q": c.d_model * c.d_kv, "o": c.num_heads * c.d_kv, "wo": c.d_ff}.get(name.split(".")[-2], c.d_model)
            if weight.dim() == 2:
                nn.init.normal_(weight, std=fan_in**-0.5)

    def position_bias(self, length: int) -> torch.Tensor:
        """[1, heads, query, key]."""
        table = self.encoder.block[0].layer[0].SelfAttention.relative_attention_bias
        index = buckets(length, self.config.relative_attention_num_buckets, self.config.relative_attention_max_distance, table.weight.device)
        return table(index).permute(2, 0, 1)[None]

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """ids [B, n], mask [B, n] (1 = real) → [B, n, d_model]. Padding is no key, but its rows are computed."""
        h = self.shared(input_ids)
        bias = self.position_bias(input_ids.shape[1])
        if attention_mask is not None:
            bias = bias.masked_fill(~attention_mask.bool()[:, None, None], torch.finfo(h.dtype).min)
        for block in self.encoder.block:
            h = block(h, bias)
        return self.encoder.final_layer_norm(h)
