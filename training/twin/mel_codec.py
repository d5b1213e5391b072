"""The mel codec (docs/mel-codec.md): stereo sound → log-mel → latents, and latents → log-mel.

    audio [B, 2, S] ─ analyse ─ y [B, 8N, 2·bands] ─ encode ─ moments [B, N, 2·latent_dim] ─ sample ─ z [B, N, latent_dim]
    z [B, N, latent_dim] ─ decode ─ y [B, 8N, 2·bands] ─ phase.synthesise ─ audio [2, 2048·N]

Everything is differentiable. From log-mel back to sound: `twin.phase`.
"""
import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn
from torch.nn import functional as F

from twin.bottleneck import sample

__all__ = ["MelCodec", "MelConfig", "analyse", "magnitudes", "mel_filters", "sample"]

FLOOR = 1e-4  # added to the band magnitudes before the logarithm: −80 dB of a full-scale sine


@dataclass(frozen=True)
class MelConfig:
    """The `config` of a codec of type "mel" in bundle.json."""
    latent_dim: int = 64
    fine_width: int = 128
    coarse_width: int = 256
    fine_blocks: int = 4
    coarse_blocks: int = 4
    expansion: int = 3
    n_fft: int = 1024
    hop: int = 256
    num_bands: int = 96
    max_hz: float = 20000
    frames_per_latent: int = 8
    sample_rate: int = 44100

    @property
    def features(self) -> int:
        """Width of y: the bands of both channels."""
        return 2 * self.num_bands


def hz_to_mel(hz: torch.Tensor) -> torch.Tensor:
    """Slaney's scale: linear below 1 kHz, 200/3 Hz a mel; above, 27 mel a factor of 6.4."""
    return torch.where(hz < 1000, hz * 3 / 200, 15 + torch.log(hz.clamp(min=1000) / 1000) * (27 / math.log(6.4)))


def mel_to_hz(mel: torch.Tensor) -> torch.Tensor:
    return torch.where(mel < 15, mel * 200 / 3, 1000 * torch.exp((mel.clamp(min=15) - 15) * (math.log(6.4) / 27)))


def band_centres_hz(config: MelConfig) -> torch.Tensor:
    """f64 [num_bands], equally spaced on the mel scale from one bin to max_hz."""
    ends = hz_to_mel(torch.tensor([config.sample_rate / config.n_fft, config.max_hz], dtype=torch.float64))
    return mel_to_hz(torch.linspace(float(ends[0]), float(ends[1]), config.num_bands, dtype=torch.float64))


@lru_cache
def mel_filters(config: MelConfig) -> torch.Tensor:
    """f64 [num_bands, n_fft/2 + 1]: triangles at least a bin wide on either side, each of sum 1."""
    bin_hz = config.sample_rate / config.n_fft
    bins = torch.arange(config.n_fft // 2 + 1, dtype=torch.float64) * bin_hz
    centres = band_centres_hz(config)
    step = centres.diff()
    below = torch.cat([step[:1], step]).clamp(min=bin_hz)
    above = torch.cat([step, step[-1:]]).clamp(min=bin_hz)
    distance = bins - centres[:, None]
    triangles = torch.where(distance < 0, 1 + distance / below[:, None], 1 - distance / above[:, None]).clamp(min=0)
    return triangles / triangles.sum(1, keepdim=True)


def magnitudes(audio: torch.Tensor, config: MelConfig = MelConfig()) -> torch.Tensor:
    """|FFT| of [..., S], S a multiple of the hop → [..., S/hop, n_fft/2 + 1]; a sine of amplitude A reaches A.

    Frame m is centred on hop m and holds zeros outside the sound.
    """
    if audio.shape[-1] % config.hop:
        raise ValueError(f"the sound has {audio.shape[-1]} samples a channel; append zeros up to a multiple of {config.hop}")
    reach = (config.n_fft - config.hop) // 2
    frames = F.pad(audio, (reach, reach)).unfold(-1, config.n_fft, config.hop)
    window = torch.hann_window(config.n_fft, periodic=True, dtype=audio.dtype, device=audio.device)
    return torch.fft.rfft(frames * window).abs() * (4 / config.n_fft)


def analyse(audio: torch.Tensor, config: MelConfig = MelConfig()) -> torch.Tensor:
    """Log-mel y [B, 8N, 2·bands] of stereo sound [B, 2, 2048·N]: left bands, then right bands, about −2 … 3."""
    if audio.dim() != 3 or audio.shape[1] != 2 or audio.shape[2] % (config.hop * config.frames_per_latent):
        raise ValueError(f"the sound is {list(audio.shape)}; it must be [B, 2, a multiple of {config.hop * config.frames_per_latent}]")
    bands = magnitudes(audio, config) @ mel_filters(config).to(audio).t()
    y = (torch.log(bands + FLOOR) + 5) / 2
    return y.transpose(1, 2).flatten(2)


class DepthwiseConv(nn.Conv1d):
    """Each channel alone over `taps` frames, zeros beyond the ends; [B, T, C] → [B, T, C].

    Runs as a two-dimensional convolution of height 1: oneDNN takes [B, T, C] as it lies for that, three times as fast.
    """

    def __init__(self, width: int, taps: int):
        super().__init__(width, width, taps, padding=taps // 2, groups=width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = F.conv2d(x.transpose(1, 2).unsqueeze(2), self.weight.unsqueeze(2), self.bias, padding=(0, self.padding[0]), groups=self.groups)
        return rows.squeeze(2).transpose(1, 2)


class Block(nn.Module):
    """x + fc2(gelu(fc1(norm(dw(x))))), after Liu et al., "A ConvNet for the 2020s", 2022; [B, T, width]."""

    def __init__(self, width: int, expansion: int):
        super().__init__()
        self.dw = DepthwiseConv(width, taps=7)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, expansion * width)
        self.fc2 = nn.Linear(expansion * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.fc2(F.gelu(self.fc1(self.norm(self.dw(x)))))


def blocks(count: int, width: int, expansion: int) -> nn.Sequential:
    return nn.Sequential(*[Block(width, expansion) for _ in range(count)])


class Encoder(nn.Module):
    """y [B, 8N, 2·bands] → moments [B, N, 2·latent_dim]."""

    def __init__(self, config: MelConfig):
        super().__init__()
        self.frames = config.frames_per_latent
        self.patch = nn.Linear(config.features, config.fine_width)
        self.fine = blocks(config.fine_blocks, config.fine_width, config.expansion)
        self.merge = nn.Linear(self.frames * config.fine_width, config.coarse_width)
        self.coarse = blocks(config.coarse_blocks, config.coarse_width, config.expansion)
        self.norm = nn.LayerNorm(config.coarse_width, eps=1e-6)
        self.out = nn.Linear(config.coarse_width, 2 * config.latent_dim)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        fine = self.fine(self.patch(y))                                                    # [B, 8N, W₁]
        coarse = self.merge(fine.reshape(y.shape[0], -1, self.frames * fine.shape[-1]))    # [B, N, W₂]
        return self.out(self.norm(self.coarse(coarse)))                                    # [B, N, 2·latent_dim]


class Decoder(nn.Module):
    """z [B, N, latent_dim] → y [B, 8N, 2·bands]."""

    def __init__(self, config: MelConfig):
        super().__init__()
        self.frames = config.frames_per_latent
        self.add_module("in", nn.Conv1d(config.latent_dim, config.coarse_width, 3, padding=1))
        self.coarse = blocks(config.coarse_blocks, config.coarse_width, config.expansion)
        self.split = nn.Linear(config.coarse_width, self.frames * config.fine_width)
        self.fine = blocks(config.fine_blocks, config.fine_width, config.expansion)
        self.norm = nn.LayerNorm(config.fine_width, eps=1e-6)
        self.out = nn.Linear(config.fine_width, config.features)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        coarse = self.coarse(getattr(self, "in")(z.transpose(1, 2)).transpose(1, 2))       # [B, N, W₂]
        fine = self.split(coarse).reshape(z.shape[0], self.frames * z.shape[1], -1)        # [B, 8N, W₁]
        return self.out(self.norm(self.fine(fine)))                                        # [B, 8N, 2·bands]


class MelCodec(nn.Module):
    """Encoder and decoder; their block counts and widths may differ, `latent_dim` and the analysis may not."""

    def __init__(self, encoder: MelConfig = MelConfig(), decoder: MelConfig | None = None):
        super().__init__()
        self.config = decoder or encoder
        self.encoder = Encoder(encoder)
        self.decoder = Decoder(self.config)

    def encode(self, y: torch.Tensor) -> torch.Tensor:
        """y [B, 8N, 2·bands] → moments [B, N, 2·latent_dim], means first; see `sample`."""
        return self.encoder(y)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """z [B, N, latent_dim] → y [B, 8N, 2·bands]."""
        return self.decoder(z)
