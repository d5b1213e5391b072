"""The transformer layer both CLIP towers are built of (spec 04 §2, 05 §3). Radford et al., 2021."""
import torch
from torch import nn
from torch.nn import functional as F

from twin.layers import attention

ACTIVATIONS = {"quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "gelu": F.gelu}


class SelfAttention(nn.Module):
    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        layers = (self.q_proj, self.k_proj, self.v_proj)
        q, k, v = (F.linear(x, torch.cat([layer.weight for layer in layers]), torch.cat([layer.bias for layer in layers]))
                   .unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4))
        return self.out_proj(attention(q, k, v, bias=bias).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width: int, inner: int, activation: str):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"hidden_act {activation}: known are {', '.join(ACTIVATIONS)}")
        self.fc1, self.fc2, self.activation = nn.Linear(width, inner), nn.Linear(inner, width), ACTIVATIONS[activation]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.activation(self.fc1(x)))


class ClipLayer(nn.Module):
    """h += attention(LN h); h += mlp(LN h)."""

    def __init__(self, width: int, inner: int, num_heads: int, activation: str, eps: float):
        super().__init__()
        self.self_attn = SelfAttention(width, num_heads)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)
        self.mlp = Mlp(width, inner, activation)

    def forward(self, x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        x = x + self.self_attn(self.layer_norm1(x), bias)
        return x + self.mlp(self.layer_norm2(x))


class ClipStack(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.layers = nn.ModuleList(
            ClipLayer(config["hidden_size"], config["intermediate_size"], config["num_attention_heads"],
                      config.get("hidden_act", "quick_gelu"), config.get("layer_norm_eps", 1e-5))
            for _ in range(config["num_hidden_layers"]))

    def forward(self, x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x, bias)
        return x


def load(model: nn.Module, state: dict[str, torch.Tensor]) -> nn.Module:
    """The tower's own tensors out of a whole CLIP model's, all of them and nothing else under its names."""
    roots = tuple({name.split(".")[0] for name in model.state_dict()})
    model.load_state_dict({k: v.float() for k, v in state.items() if k.startswith(roots) and not k.endswith("position_ids")})
    return model
