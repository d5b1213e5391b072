// Normalisations of rows that fit in L1: the mean, the spread around it, and the way out, three passes of loads.
#include "ops/cpu/cpu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/norm.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

template <class Y>
void rms_norm_row(const float* x, const float* weight, Y* y, int64_t cols, float eps) {
  const float squares = sum_over(cols, [&](auto lanes, int64_t i) HWY_ATTR {
    const V value = lanes.load(x + i);
    return hn::Mul(value, value);
  });
  const V scale = set(1.0f / std::sqrt(squares / float(cols) + eps));
  over(cols, [&](auto lanes, int64_t i) HWY_ATTR {
    lanes.store(hn::Mul(hn::Mul(lanes.load(x + i), scale), lanes.load(weight + i)), y + i);
  });
}

void layer_norm_kernel(const float* x, const float* weight, const float* bias, void* y, DType type, int64_t cols, float eps,
                       bool plus_one) {
  if (type == DType::bf16) {
    if (plus_one) return layer_norm_row<true>(x, weight, bias, static_cast<bf16*>(y), cols, eps);
    return layer_norm_row<false>(x, weight, bias, static_cast<bf16*>(y), cols, eps);
  }
  if (plus_one) return layer_norm_row<true>(x, weight, bias, static_cast<float*>(y), cols, eps);
  layer_norm_row<false>(x, weight, bias, static_cast<float*>(y), cols, eps);
}

void rms_norm_kernel(const float* x, const float* weight, void* y, DType type, int64_t cols, float eps) {
  if (type == DType::bf16) return rms_norm_row(x, weight, static_cast<bf16*>(y), cols, eps);
  rms_norm_row(x, weight, static_cast<float*>(y), cols, eps);
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(layer_norm_kernel);
HWY_EXPORT(rms_norm_kernel);

namespace {

constexpr int64_t kRowsPerTask = 16;

// body(row, x of the row, y of the row)
template <class Body>
void for_each_row(Context& ctx, const Tensor& y, const Tensor& x, const Body& body) {
  if (ctx.planning()) return;
  const int64_t cols = x.cols();
  const float* from = x.as<float>();
  auto* to = static_cast<std::byte*>(y.data);
  parallel_blocks(ctx.parallel(), x.rows(), kRowsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row, from + row * cols, to + row * cols * int64_t(size_of(y.dtype)));
  });
}

}  // namespace

void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  const float *w = weight.as<float>(), *b = bias.as<float>();
  for_each_row(ctx, y, x, [&](int64_t, const float* from, void* to) {
    HWY_DYNAMIC_DISPATCH(layer_norm_kernel)(from, w, b, to, y.dtype, x.cols(), eps, false);
  });
}

void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps) {
  const int64_t len = x.shape[1];
  for_each_row(ctx, y, x, [&](int64_t row, const float* from, void* to) {
    const float *factor = scale.row(row / len, row % len, len), *offset = shift.row(row / len, row % len, len);
    HWY_DYNAMIC_DISPATCH(layer_norm_kernel)(from, factor, offset, to, y.dtype, x.cols(), eps, true);
  });
}

void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps) {
  const float* w = weight.as<float>();
  for_each_row(ctx, y, x, [&](int64_t, const float* from, void* to) {
    HWY_DYNAMIC_DISPATCH(rms_norm_kernel)(from, w, to, y.dtype, x.cols(), eps);
  });
}

}  // namespace ts::cpu
#endif
