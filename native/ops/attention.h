// softmax(scale·q·kᵀ + bias + mask)·v over several streams that lie apart: the joint attention of the MM-DiT without
// concatenating them, self attention with one stream, cross attention with a stream of queries and one of keys.
#pragma once

#include <span>

#include "ops/context.h"

namespace ts {

struct AttentionStream {
  Tensor q = {};           // [B, heads, n_q, head_dim]; empty = this stream only gives keys and values
  Tensor k = {}, v = {};   // [B, heads, n_k, head_dim]; empty = this stream only asks
  Tensor out = {};         // [B, n_q, heads·head_dim], f32, bf16 or f16; empty with q
};

struct AttentionOptions {
  float scale = 1.0f;
  bool causal = false;  // key position ≤ query position; one stream only
  Tensor key_mask = {}; // u8 [B, keys of all streams], 0 = weight exactly 0; empty = none
  Tensor bias = {};     // f32 [heads, queries, keys], one stream only; empty = none
};

namespace ops {

// Keys of all streams in their order; every query sees them all. Head dims even, up to 128. q, k, v f32, bf16 or f16, all
// alike; the softmax and both accumulations in f32, its weights may enter the second product as q's type. A query whose
// keys are all masked gives zeros.
void attention(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options);

}  // namespace ops
}  // namespace ts
