#include <cmath>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"

namespace ts::plain {
namespace {

struct Moments {
  float mean, rstd;
};

// Mean first, then the spread around it: two passes keep nearly constant rows exact.
Moments moments(const float* x, int64_t cols, float eps) {
  float sum = 0;
  for (int64_t d = 0; d < cols; ++d) sum += x[d];
  const float mean = sum / float(cols);
  float square = 0;
  for (int64_t d = 0; d < cols; ++d) square += (x[d] - mean) * (x[d] - mean);
  return {mean, 1.0f / std::sqrt(square / float(cols) + eps)};
}

// body(row, x of the row, y of the row) for every row.
template <class Body>
void for_each_row(Context& ctx, const Tensor& y, const Tensor& x, const Body& body) {
  if (ctx.planning()) return;
  const int64_t cols = x.cols();
  const float* from = x.as<float>();
  visit(y, [&](auto* to) {
    parallel_blocks(ctx.parallel(), x.rows(), rows_per_task(cols), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) body(row, from + row * cols, to + row * cols);
    });
  });
}

}  // namespace

void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  const int64_t cols = x.cols();
  const float *w = weight.as<float>(), *b = bias.as<float>();
  for_each_row(ctx, y, x, [&](int64_t, const float* from, auto* to) {
    const Moments m = moments(from, cols, eps);
    for (int64_t d = 0; d < cols; ++d) store(to[d], (from[d] - m.mean) * m.rstd * w[d] + b[d]);
  });
}

void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps) {
  const int64_t cols = x.cols(), len = x.shape[1];
  for_each_row(ctx, y, x, [&](int64_t row, const float* from, auto* to) {
    const Moments m = moments(from, cols, eps);
    const float *add = shift.row(row / len, row % len, len), *multiply = scale.row(row / len, row % len, len);
    for (int64_t d = 0; d < cols; ++d) store(to[d], (from[d] - m.mean) * m.rstd * (1.0f + multiply[d]) + add[d]);
  });
}

void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps) {
  const int64_t cols = x.cols();
  const float* w = weight.as<float>();
  for_each_row(ctx, y, x, [&](int64_t, const float* from, auto* to) {
    float square = 0;
    for (int64_t d = 0; d < cols; ++d) square += from[d] * from[d];
    const float rms = 1.0f / std::sqrt(square / float(cols) + eps);
    for (int64_t d = 0; d < cols; ++d) store(to[d], from[d] * rms * w[d]);
  });
}

}  // namespace ts::plain
