"""From uint8 frames to the numbers the vision encoders take (spec 05 §§2, 4). Resizing is the product's."""
from functools import lru_cache

import torch

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_INV_255 = float(torch.tensor(1 / 255))  # 1/255 as a float32


@lru_cache
def _per_channel(values: tuple, device: torch.device) -> torch.Tensor:
    return torch.tensor(values, device=device)[:, None, None]


def clip_pixels(frames: torch.Tensor) -> torch.Tensor:
    """uint8 [..., 3, S, S] → (u/255 − mean)/std, float32."""
    return (frames.float() / 255 - _per_channel(CLIP_MEAN, frames.device)) / _per_channel(CLIP_STD, frames.device)


def sync_pixels(frames: torch.Tensor) -> torch.Tensor:
    """uint8 [..., 3, S, S] → −1 … 1, float32."""
    return (frames.float() * _INV_255 - 0.5) / 0.5
