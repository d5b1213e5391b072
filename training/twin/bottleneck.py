"""The bottleneck of both codecs (spec 03 §4): moments → a draw of the latent, and its KL divergence."""
import torch
from torch.nn import functional as F


def sample(moments: torch.Tensor, noise: torch.Tensor | None = None, axis: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
    """Means, then raw scales along `axis` → (mean + std·noise, KL); a draw where no noise is given.

    std = softplus(scale) + 1e-4; the KL sums over channels and averages over batch and time, without the customary ½.
    """
    mean, scale = moments.chunk(2, axis)
    deviation = F.softplus(scale) + 1e-4
    noise = torch.randn_like(mean) if noise is None else noise
    variance = deviation.square()
    kl = (mean.square() + variance - torch.log(variance) - 1).sum(axis).mean()
    return mean + deviation * noise, kl
