// Joint attention: one task per item and head, which packs the keys of all streams and answers all their queries.
#include <algorithm>
#include <limits>

#include "ops/cpu/attention_head.h"
#include "ops/cpu/cpu.h"
#include "ops/cpu/scratch.h"

namespace ts::cpu {
namespace {

// The part of a [B, heads, n, dim] tensor that belongs to one item and head.
const std::byte* head_rows(const Tensor& tensor, int64_t slot) {
  return static_cast<const std::byte*>(tensor.data) + slot * tensor.shape[2] * tensor.shape[3] * int64_t(size_of(tensor.dtype));
}

// 0 where a key may be seen, −∞ where not.
Tensor additive_mask(Context& ctx, const Tensor& key_mask) {
  const Tensor mask = ctx.f32(key_mask.shape);
  if (ctx.planning()) return mask;
  const auto* visible = key_mask.as<const uint8_t>();
  std::transform(visible, visible + key_mask.numel(), mask.as<float>(),
                 [](uint8_t seen) { return seen ? 0.0f : -std::numeric_limits<float>::infinity(); });
  return mask;
}

}  // namespace

void attention(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options) {
  const Tensor& any = streams[0].q ? streams[0].q : streams[0].k;
  const int64_t batch = any.shape[0], heads = any.shape[1], dim = any.shape[3];
  std::vector<int64_t> query_lens;
  int64_t num_keys = 0;
  for (const AttentionStream& stream : streams) {
    if (stream.q) query_lens.push_back(stream.q.shape[2]);
    if (stream.k) num_keys += stream.k.shape[2];
  }
  const HeadAttention head(any.dtype, num_keys, dim, query_lens);
  const Arena::Scope scope(ctx.arena());
  const Tensor mask = options.key_mask ? additive_mask(ctx, options.key_mask) : Tensor();
  ScratchSlots slots(ctx, head.slot_bytes());
  if (ctx.planning()) return;

  ctx.parallel().run(batch * heads, [&](int64_t slot) {
    const int64_t item = slot / heads, h = slot % heads;
    const ScratchSlots::Lease lease(slots);
    std::vector<KeyRows> keys;
    for (const AttentionStream& stream : streams)
      if (stream.k) keys.push_back({head_rows(stream.k, slot), head_rows(stream.v, slot), stream.k.shape[2], dim});
    head.pack(lease.data(), keys);

    ScoreTerms terms{.scale = options.scale, .causal = options.causal};
    if (mask) terms.mask = mask.as<float>() + item * num_keys;
    for (const AttentionStream& stream : streams) {
      if (!stream.q) continue;
      const int64_t len = stream.q.shape[2];
      if (options.bias) terms.bias = options.bias.as<float>() + h * len * num_keys;
      std::byte* out = static_cast<std::byte*>(stream.out.data) + (item * len * heads + h) * dim * int64_t(size_of(stream.out.dtype));
      head.attend(lease.data(), head_rows(stream.q, slot), len, terms, out, stream.out.dtype, heads * dim);
    }
  });
}

}  // namespace ts::cpu
