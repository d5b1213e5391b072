#include "ops/plain/element.h"
#include "ops/plain/plain.h"
#include "ops/plain/softmax.h"

namespace ts::plain {
namespace {

template <class T>
void attend(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale) {
  const int64_t batch = qkv.q.shape[0], heads = qkv.q.shape[1], len = qkv.q.shape[2], dim = qkv.q.shape[3];
  const bool in_time = axis == ops::DividedAxis::time;
  parallel_blocks(ctx.parallel(), batch * heads * len, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t slot = i / len, item = slot / heads, head = slot % heads, n = i % len;
      const T *query = qkv.q.as<T>() + i * dim, *k = qkv.k.as<T>() + slot * len * dim, *v = qkv.v.as<T>() + slot * len * dim;
      // Token of the j-th key that this query sees; the cls key comes first.
      const int64_t frame = (n - 1) / sites, site = (n - 1) % sites;
      const auto token = [&](int64_t j) {
        if (n == 0 || j == 0) return j;
        return 1 + (in_time ? (j - 1) * sites + site : frame * sites + j - 1);
      };
      const int64_t num_keys = n == 0 ? len : 1 + (in_time ? frames : sites);
      float mean[kMaxHeadDim];
      softmax_mean(
          mean, dim, num_keys, [&](int64_t j) { return scale * dot(query, k + token(j) * dim, dim); },
          [&](int64_t j) { return v + token(j) * dim; });
      visit(out, [&](auto* to) {
        for (int64_t d = 0; d < dim; ++d) store(to[((item * len + n) * heads + head) * dim + d], mean[d]);
      });
    }
  });
}

}  // namespace

void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale) {
  if (ctx.planning()) return;
  if (qkv.q.dtype == DType::bf16) attend<bf16>(ctx, out, qkv, frames, sites, axis, scale);
  else if (qkv.q.dtype == DType::f16) attend<f16>(ctx, out, qkv, frames, sites, axis, scale);
  else attend<float>(ctx, out, qkv, frames, sites, axis, scale);
}

}  // namespace ts::plain
