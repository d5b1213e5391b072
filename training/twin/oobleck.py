"""The Oobleck VAE (spec 03): stereo sound [B, 2, L] ↔ latent [B, 64, L/2048]. Channel-first, as its convolutions are.

    encode   conv 7 ─ blocks {3 residual units, snake, strided conv} ─ snake ─ conv 3 ─ moments
    decode   conv 7 ─ blocks {snake, transposed conv, 3 residual units} ─ snake ─ conv 7 without bias

Every convolution is weight-normalised, with the parameters weight_g and weight_v; snake parameters are logarithms.
Evans et al., "Stable Audio Open", 2024; snake: Ziyin, Hartwig and Ueda, 2020.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

from twin.bottleneck import sample

__all__ = ["Oobleck", "sample"]


class Snake(nn.Module):
    """x + sin²(αx) / (β + 1e-9), a frequency and a size per channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.sin(self.alpha.exp()[:, None] * x).square() / (self.beta.exp()[:, None] + 1e-9)


class NormedConv(nn.Module):
    """weight = g · v / ‖v‖ over all but the first axis, which is the input channel of a transposed convolution."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int = 1, dilation: int = 1, bias: bool = True, transposed: bool = False):
        super().__init__()
        self.stride, self.dilation, self.transposed = stride, dilation, transposed
        self.padding = math.ceil(stride / 2) if stride > 1 else dilation * (kernel - 1) // 2
        shape = (width_in, width_out, kernel) if transposed else (width_out, width_in, kernel)
        self.weight_v = nn.Parameter(torch.empty(shape))
        nn.init.kaiming_uniform_(self.weight_v, a=math.sqrt(5))
        self.weight_g = nn.Parameter(self.weight_v.detach().flatten(1).norm(dim=1)[:, None, None])
        self.bias = nn.Parameter(torch.zeros(width_out)) if bias else None

    @property
    def weight(self) -> torch.Tensor:
        return self.weight_g * self.weight_v / self.weight_v.flatten(1).norm(dim=1)[:, None, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.transposed:
            return F.conv_transpose1d(x, self.weight, self.bias, self.stride, self.padding)
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


class Layers(nn.Module):
    """A sequence under the name `layers`, as the published files have it."""

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class ResidualUnit(Layers):
    def __init__(self, width: int, dilation: int):
        super().__init__(Snake(width), NormedConv(width, width, 7, dilation=dilation), Snake(width), NormedConv(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def residual_units(width: int) -> list[nn.Module]:
    return [ResidualUnit(width, dilation) for dilation in (1, 3, 9)]


def widths_and_strides(config: dict) -> tuple[list[int], list[int]]:
    """Widths from the sound's side inwards, one more than strides."""
    if not config.get("use_snake", True):
        raise ValueError("use_snake false: only snake activations are known here")
    multiples, strides = [1, *config.get("c_mults", [1, 2, 4, 8])], config.get("strides", [2, 4, 8, 8])
    if len(multiples) != len(strides) + 1:
        raise ValueError(f"{len(strides)} strides for {len(multiples) - 1} c_mults")
    return [m * config.get("channels", 128) for m in multiples], strides


class Encoder(Layers):
    def __init__(self, config: dict):
        widths, strides = widths_and_strides(config)
        blocks = [Layers(*residual_units(narrow), Snake(narrow), NormedConv(narrow, wide, 2 * stride, stride))
                  for narrow, wide, stride in zip(widths, widths[1:], strides)]
        super().__init__(NormedConv(config.get("in_channels", 2), widths[0], 7), *blocks, Snake(widths[-1]),
                         NormedConv(widths[-1], config["latent_dim"], 3))


class Decoder(Layers):
    def __init__(self, config: dict):
        widths, strides = widths_and_strides(config)
        blocks = [Layers(Snake(wide), NormedConv(wide, narrow, 2 * stride, stride, transposed=True), *residual_units(narrow))
                  for wide, narrow, stride in zip(widths[::-1], widths[-2::-1], strides[::-1])]
        super().__init__(NormedConv(config["latent_dim"], widths[-1], 7), *blocks, Snake(widths[0]),
                         NormedConv(widths[0], config.get("out_channels", 2), 7, bias=False),
                         nn.Tanh() if config.get("final_tanh", True) else nn.Identity())


class Oobleck(nn.Module):
    """`config`: {"encoder": {"config": …}, "decoder": {"config": …}} as bundle.json has it; either may be absent."""

    def __init__(self, config: dict):
        super().__init__()
        if "encoder" in config:
            self.encoder = Encoder(config["encoder"]["config"])
        if "decoder" in config:
            self.decoder = Decoder(config["decoder"]["config"])

    def encode(self, audio: torch.Tensor) -> torch.Tensor:
        """[B, 2, L] → moments [B, 128, L/hop], means first; see `sample(…, axis=1)`."""
        return self.encoder(audio)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """[B, 64, N] → sound [B, 2, hop·N]."""
        return self.decoder(latent)
