// Classifier-free guidance (Ho and Salimans, 2022) and the Euler step of the flow. All tensors f32 [B, N, latent_dim].
#pragma once

#include "ops/context.h"

namespace ts::ops {

// v = u + w·(c − u). With phi ≠ 0: v ← phi·v·r + (1 − phi)·v, r = std_n(c)/std_n(v) per item and channel, unbiased
// over the N axis (spec 01 §9).
void guide(Context& ctx, const Tensor& v, const Tensor& cond, const Tensor& uncond, float cfg_scale, float scale_phi);
// x ← x + dt·(u + w·(c − u)); with `uncond` empty x ← x + dt·c. In place, no aliasing.
void guided_euler_step(Context& ctx, const Tensor& x, const Tensor& cond, const Tensor& uncond, float cfg_scale, float dt);

}  // namespace ts::ops
