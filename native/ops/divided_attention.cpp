#include "ops/divided_attention.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {

void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, DividedAxis axis, float scale) {
  const check::Arguments args("divided_attention");
  args.require(frames > 0 && sites > 0, frames, " frames of ", sites, " sites");
  args.rank("q", qkv.q, 4);
  args.real("q", qkv.q);
  const int64_t batch = qkv.q.shape[0], heads = qkv.q.shape[1], head_dim = qkv.q.shape[3];
  args.require(head_dim > 0 && head_dim % 2 == 0 && head_dim <= 128, "head_dim ", head_dim,
               head_dim % 2 ? " is odd" : " is out of range", " (even, up to 128)");
  args.shape("q", qkv.q, {batch, heads, 1 + frames * sites, head_dim});
  args.shape("k", qkv.k, qkv.q.shape);
  args.shape("v", qkv.v, qkv.q.shape);
  args.dtype("k", qkv.k, qkv.q.dtype);
  args.dtype("v", qkv.v, qkv.q.dtype);
  args.shape("out", out, {batch, 1 + frames * sites, heads * head_dim});
  args.real("out", out);
  for (const Tensor* in : {&qkv.q, &qkv.k, &qkv.v}) args.distinct("out", out, "q, k or v", *in);
  ctx.table().divided_attention(ctx, out, qkv, frames, sites, axis, scale);
}

}  // namespace ts::ops
