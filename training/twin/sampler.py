"""From noise to a latent: integration of the flow over t = 1 … 0, the network as a function (spec 02).

    x_t = (1 − t)·sound + t·noise,   dx/dt = flow(x, t)

Liu, Gong and Liu, "Flow straight and fast", 2022.
"""
import math

import torch

from twin.mmdit_tables import fused_linspace


def time_grid(steps: int, sigma_max: float = 1.0) -> torch.Tensor:
    """f32 [steps + 1] from sigma_max to 0, bit for bit that of the reference."""
    return torch.from_numpy(fused_linspace(sigma_max, 0, steps))


def euler(flow, noise: torch.Tensor, steps: int = 24, sigma_max: float = 1.0, watch=None) -> torch.Tensor:
    """x at t = 0. `flow(x, t)` with t [B]; `watch(x, t, v)` sees every step before it is taken."""
    x, times = noise, time_grid(steps, sigma_max).to(noise.device)
    for t, after in zip(times[:-1], times[1:]):
        batch_t = t.expand(len(x))
        v = flow(x, batch_t)
        if watch:
            watch(x, batch_t, v)
        x = x + (after - t) * v
    return x


def v_diffusion(flow, noise: torch.Tensor, steps: int = 24, watch=None) -> torch.Tensor:
    """Deterministic DDIM for networks that predict v = α·noise − σ·sound, α = cos(πt/2), σ = sin(πt/2)."""
    x, times = noise, time_grid(steps).to(noise.device)[:-1]
    alphas, sigmas = torch.cos(times * math.pi / 2), torch.sin(times * math.pi / 2)
    for i, t in enumerate(times):
        batch_t = t.expand(len(x))
        v = flow(x, batch_t)
        if watch:
            watch(x, batch_t, v)
        sound, epsilon = alphas[i] * x - sigmas[i] * v, sigmas[i] * x + alphas[i] * v
        if i + 1 < steps:
            x = sound * alphas[i + 1] + epsilon * sigmas[i + 1]
    return sound


def guided_flow(model, features, latent_len: int, cfg: float = 5.0, phi: float = 0.0, lengths: tuple[int, int] | None = None):
    """flow(x, t) of an Mmdit, conditions prepared once. `lengths`: clip and sync rows of the null half, those of the
    features unless given. cfg 1: without guidance."""
    if cfg == 1:
        conditions = model.prepare(features, latent_len)
        return lambda x, t: model.velocity(x, t, conditions)
    clip_len, sync_len = lengths or (features.clip.shape[1], features.sync.shape[1])
    conditions = model.prepare(model.with_null(features, clip_len, sync_len), latent_len)
    return lambda x, t: model.guided(x, t, conditions, cfg, phi)
