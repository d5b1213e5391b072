"""The training objective of the velocity network (spec 06 §4): rectified flow with condition dropout."""
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from twin.mmdit import Features, Mmdit


@dataclass(frozen=True)
class DropRates:
    """Chance of every item to lose a condition, each drawn by itself; `video` loses clip and sync together, for a model
    that is also used with words alone, and `words` both texts, for one that is also used with pictures alone."""
    clip: float = 0.2
    sync: float = 0.2
    text: float = 0.2
    t5: float = 0.2
    global_text: float = 0.2
    masked: float = 0.2
    video: float = 0.0
    words: float = 0.0

    def draw(self, batch: int, device, generator: torch.Generator | None = None) -> dict[str, torch.Tensor]:
        """Masks [B] by the names of `Mmdit.dropped`; drawn on the generator's device, so that one on the CPU drops the same for every device."""
        def bernoulli(rate):
            return (torch.rand(batch, generator=generator, device=generator.device if generator else device) < rate).to(device)
        masks = {name: bernoulli(getattr(self, name)) for name in ("masked", "clip", "sync", "text", "t5", "global_text")}
        video, words = bernoulli(self.video), bernoulli(self.words)
        return {**masks, "clip": masks["clip"] | video, "sync": masks["sync"] | video, "text": masks["text"] | words, "t5": masks["t5"] | words}


def logit_normal(batch: int, generator: torch.Generator | None = None, device="cpu") -> torch.Tensor:
    """t [B] = sigmoid(N(0, 1)): most of the training where the flow is hardest, Esser et al., 2024."""
    return torch.sigmoid(torch.randn(batch, generator=generator, device=device))


def rectified_flow_loss(model: Mmdit, sound: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, features: Features, *,
                        video_exist: torch.Tensor | None = None, drop: dict[str, torch.Tensor] | None = None,
                        emphasis: torch.Tensor | None = None) -> torch.Tensor:
    """Mean squared error of the flow against noise − sound, [B, N, latent_dim] both, t [B]. With `emphasis` [B, N] each moment
    counts as much as it says; the velocity that is least wrong stays the same, for each moment has one of its own.

    Items without video get the learned empties first, then `drop` (masks by the names of `Mmdit.dropped`) takes its share.
    """
    if video_exist is not None:
        missing = ~video_exist.bool()
        features = model.dropped(features, clip=missing, sync=missing)
    if drop:
        features = model.dropped(features, **drop)
    share = t[:, None, None]
    flow = model((1 - share) * sound + share * noise, t, features)
    if emphasis is None:
        return F.mse_loss(flow.float(), noise - sound)
    return ((flow.float() - (noise - sound)).square().mean(-1) * emphasis).mean()
