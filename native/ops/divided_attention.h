// Divided space-time attention of Synchformer's Motionformer (spec 05 §5).
#pragma once

#include "ops/linear.h"

namespace ts::ops {

enum class DividedAxis : uint8_t { time, space };

// q, k, v [B, heads, 1 + frames·sites, head_dim], token 0 = cls, then time-major. The cls query sees every key; the
// query at (t, p) sees the cls key and either the `frames` keys of site p (time) or the `sites` keys of frame t
// (space). out [B, 1 + frames·sites, heads·head_dim], f32, bf16 or f16.
void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, DividedAxis axis, float scale);

}  // namespace ts::ops
