"""Low-rank adapters: a frozen linear layer learns W + (alpha / r) · B A. Hu et al., "LoRA", 2021.

A file of adapters holds `<module>.lora_A` [r, in] and `<module>.lora_B` [out, r] under the names of the velocity network,
and `alpha` in its metadata; r is read off the shapes. B begins as zeros, so that a fresh adapter changes nothing.
"""
import math

import torch
from torch import nn
from torch.nn.utils import parametrize

from twin import safetensors

BLOCKS = ("joint_blocks.", "fused_blocks.")


class LowRank(nn.Module):
    """The weight as the network sees it, whichever way it uses it."""

    def __init__(self, weight: torch.Tensor, rank: int, alpha: float):
        super().__init__()
        self.scale = alpha / rank
        self.lora_A = nn.Parameter(torch.empty(rank, weight.shape[1], device=weight.device))
        self.lora_B = nn.Parameter(torch.zeros(weight.shape[0], rank, device=weight.device))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return torch.addmm(weight, self.lora_B, self.lora_A, alpha=self.scale)


class Adapters(nn.Module):
    """All adapters of a network, which it freezes otherwise; their parameters and state are these alone."""

    def __init__(self, model: nn.Module, rank: int, alpha: float, where=BLOCKS):
        super().__init__()
        self.alpha = alpha
        model.requires_grad_(False)
        layers = {name: module for name, module in model.named_modules() if type(module) is nn.Linear and name.startswith(tuple(where))}
        if not layers:
            raise ValueError(f"no linear layer of the network begins with {' or '.join(where)}")
        # A module's name may hold no dots.
        self.layers = nn.ModuleDict({name.replace(".", "/"): LowRank(layer.weight, rank, alpha) for name, layer in layers.items()})
        for name, layer in layers.items():
            parametrize.register_parametrization(layer, "weight", self.layers[name.replace(".", "/")])

    def tensors(self, state: dict[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        """Names and values of a file, of a `state_dict` of this module or of the present one."""
        state = self.state_dict() if state is None else state
        return {name[len("layers.") :].replace("/", "."): value for name, value in state.items()}

    def save(self, path, state: dict[str, torch.Tensor] | None = None) -> None:
        safetensors.write(path, self.tensors(state), {"format": "pt", "alpha": f"{self.alpha:g}"})


def merge(state: dict[str, torch.Tensor], adapters: dict[str, torch.Tensor], alpha: float, strength: float = 1.0) -> dict[str, torch.Tensor]:
    """The network's tensors with the adapters in them, `strength` times; sums in float32, types as they were."""
    merged, used = dict(state), set()
    for name, down in adapters.items():
        if not name.endswith(".lora_A"):
            continue
        module = name[: -len(".lora_A")]
        target, up = f"{module}.weight", adapters.get(f"{module}.lora_B")
        if target not in state or up is None:
            raise ValueError(f"the adapter of {module} " + ("has no lora_B" if up is None else "finds no such layer in the network"))
        if tuple(state[target].shape) != (up.shape[0], down.shape[1]):
            raise ValueError(f"the adapter of {module} is made for [{up.shape[0]}, {down.shape[1]}], the layer is {list(state[target].shape)}")
        merged[target] = torch.addmm(state[target].float(), up.float(), down.float(), alpha=strength * alpha / len(down)).to(state[target].dtype)
        used |= {name, f"{module}.lora_B"}
    if used != set(adapters):
        raise ValueError(f"the adapter file has tensors of another kind: {', '.join(sorted(set(adapters) - used)[:5])}")
    return merged
