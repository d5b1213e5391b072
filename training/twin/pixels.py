"""From uint8 frames to the numbers the vision encoders take (spec 05 §§2, 4). Resizing is the product's."""
import torch

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def clip_pixels(frames: torch.Tensor) -> torch.Tensor:
    """uint8 [..., 3, S, S] → (u/255 − mean)/std, float32."""
    mean, std = (torch.tensor(v, device=frames.device)[:, None, None] for v in (CLIP_MEAN, CLIP_STD))
    return (frames.float() / 255 - mean) / std


def sync_pixels(frames: torch.Tensor) -> torch.Tensor:
    """uint8 [..., 3, S, S] → −1 … 1, float32."""
    return (frames.float() * torch.tensor(1 / 255, dtype=torch.float32, device=frames.device) - 0.5) / 0.5
