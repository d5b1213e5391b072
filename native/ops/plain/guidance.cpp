#include <cmath>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"

namespace ts::plain {
namespace {

// Unbiased standard deviation of `len` elements, `stride` apart.
float spread(const float* x, int64_t len, int64_t stride) {
  float sum = 0, square = 0;
  for (int64_t n = 0; n < len; ++n) sum += x[n * stride];
  const float mean = sum / float(len);
  for (int64_t n = 0; n < len; ++n) square += (x[n * stride] - mean) * (x[n * stride] - mean);
  return std::sqrt(square / float(len - 1));
}

}  // namespace

void guide(Context& ctx, const Tensor& v, const Tensor& cond, const Tensor& uncond, float cfg_scale, float scale_phi) {
  if (ctx.planning()) return;
  float* to = v.as<float>();
  const float *c = cond.as<float>(), *u = uncond.as<float>();
  parallel_blocks(ctx.parallel(), v.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = u[i] + cfg_scale * (c[i] - u[i]);
  });
  if (scale_phi == 0.0f) return;
  const int64_t len = v.shape[1], dim = v.shape[2];
  parallel_blocks(ctx.parallel(), v.shape[0] * dim, rows_per_task(len), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / dim * len * dim + i % dim;
      const float ratio = spread(c + first, len, dim) / spread(to + first, len, dim);
      for (int64_t n = 0; n < len; ++n) {
        float& value = to[first + n * dim];
        value = scale_phi * (value * ratio) + (1.0f - scale_phi) * value;
      }
    }
  });
}

void guided_euler_step(Context& ctx, const Tensor& x, const Tensor& cond, const Tensor& uncond, float cfg_scale, float dt) {
  if (ctx.planning()) return;
  float* to = x.as<float>();
  const float *c = cond.as<float>(), *u = uncond ? uncond.as<float>() : nullptr;
  parallel_blocks(ctx.parallel(), x.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] += dt * (u ? u[i] + cfg_scale * (c[i] - u[i]) : c[i]);
  });
}

}  // namespace ts::plain
