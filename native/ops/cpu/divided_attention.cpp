// Space attention is a small joint attention per frame; in time every site has only `frames` + 1 keys, too few to
// pack, so those and the one cls query go through the direct kernel.
#include <array>

#include "ops/cpu/attention_head.h"
#include "ops/cpu/cpu.h"
#include "ops/cpu/scratch.h"

namespace ts::cpu {

void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale) {
  const int64_t batch = qkv.q.shape[0], heads = qkv.q.shape[1], len = qkv.q.shape[2], dim = qkv.q.shape[3];
  const bool in_time = axis == ops::DividedAxis::time;
  const DType stored = qkv.q.dtype;
  const HeadAttention in_frame(stored, 1 + sites, dim, std::array{sites});
  const Arena::Scope scope(ctx.arena());
  const int64_t direct_bytes = direct_scores_numel(len) * int64_t(sizeof(float));
  ScratchSlots slots(ctx, std::max(direct_bytes, in_time ? 0 : in_frame.slot_bytes()));
  if (ctx.planning()) return;

  // One task answers the cls query, the others a frame each (space) or an equal share of the sites (time).
  const int64_t shares = frames, tasks = 1 + shares;
  ctx.parallel().run(batch * heads * tasks, [&](int64_t task) {
    const int64_t slot = task / tasks, share = task % tasks - 1, item = slot / heads, h = slot % heads;
    const ScratchSlots::Lease lease(slots);
    auto* scores = reinterpret_cast<float*>(lease.data());
    const auto token = [&](const Tensor& tensor, int64_t n) {
      return static_cast<const std::byte*>(tensor.data) + (slot * len + n) * dim * int64_t(size_of(stored));
    };
    const auto rows = [&](int64_t first, int64_t count, int64_t step) {
      return KeyRows{token(qkv.k, first), token(qkv.v, first), count, step * dim};
    };
    const auto out_row = [&](int64_t n) {
      return static_cast<std::byte*>(out.data) + ((item * len + n) * heads + h) * dim * int64_t(size_of(out.dtype));
    };
    const int64_t out_step = heads * dim;
    if (share < 0) {
      const std::array all{rows(0, len, 1)};
      attend_directly({token(qkv.q, 0), dim, 1, all, stored, dim, scale, out_row(0), out.dtype, out_step}, scores);
    } else if (in_time) {
      for (int64_t site = share * sites / shares; site < (share + 1) * sites / shares; ++site) {
        const std::array keys{rows(0, 1, 1), rows(1 + site, frames, sites)};
        attend_directly({token(qkv.q, 1 + site), sites * dim, frames, keys, stored, dim, scale, out_row(1 + site), out.dtype,
                         sites * out_step},
                        scores);
      }
    } else {
      const int64_t first = 1 + share * sites;
      const std::array keys{rows(0, 1, 1), rows(first, sites, 1)};
      in_frame.pack(lease.data(), keys);
      in_frame.attend(lease.data(), token(qkv.q, first), sites, {.scale = scale}, out_row(first), out.dtype, out_step);
    }
  });
}

}  // namespace ts::cpu
