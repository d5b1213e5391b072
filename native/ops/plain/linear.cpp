#include <cmath>
#include <numeric>

#include "ops/plain/activation.h"
#include "ops/plain/element.h"
#include "ops/plain/plain.h"
#include "ops/plain/product.h"

namespace ts::plain {

Tensor product_input(Context& ctx, const Tensor& x, const PackedWeight& weight) {
  if (x.dtype == DType::f32 && weight.dtype == DType::f32) return x;
  const Tensor values = ctx.f32(x.shape);
  if (ctx.planning()) return values;
  float* to = values.as<float>();
  visit(x, [&](const auto* from) {
    parallel_blocks(ctx.parallel(), x.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = as_stored(to_float(from[i]), weight.dtype);
    });
  });
  return values;
}

namespace {

std::vector<int64_t> all_taps(const PackedWeight& weight) {
  std::vector<int64_t> taps(size_t(weight.taps));
  std::iota(taps.begin(), taps.end(), 0);
  return taps;
}

// Row n + tap − (taps − 1) div 2 of the item that output row `i` belongs to, or null beyond its ends.
struct Neighbour {
  const float* x;
  int64_t len_in, len_out, in, taps;
  const float* operator()(int64_t i, int64_t tap) const {
    const int64_t item = i / len_out, n = i % len_out + tap - (taps - 1) / 2;
    return n >= 0 && n < len_in ? x + (item * len_in + n) * in : nullptr;
  }
};

}  // namespace

void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue) {
  const Arena::Scope scope(ctx.arena());
  const Tensor input = product_input(ctx, x, weight);
  if (ctx.planning()) return;

  const int64_t len = y.shape[1], out = weight.out;
  const float* bias = epilogue.bias ? epilogue.bias.as<float>() : nullptr;
  const float* residual = epilogue.residual ? epilogue.residual.as<float>() : nullptr;
  const Neighbour rows{input.as<float>(), x.shape[1], len, weight.in, weight.taps};
  visit(y, [&](auto* to) {
    product(ctx.parallel(), y.rows(), plain_weight(weight), all_taps(weight), rows, [&](int64_t i, int64_t first, const float* sums, const float*) {
      const float* gate = epilogue.gate ? epilogue.gate.row(i / len, i % len, len) : nullptr;
      for (int64_t o = first; o < std::min(out, first + kPanel); ++o) {
        float value = sums[o - first];
        if (bias) value += bias[o];
        value = activate(value, epilogue.activation);
        if (gate) value *= gate[o];
        if (residual) value += residual[i * out + o];
        store(to[i * out + o], value);
      }
    });
  });
}

void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, Activation activation) {
  const Arena::Scope scope(ctx.arena());
  const Tensor input = product_input(ctx, x, weight);
  if (ctx.planning()) return;

  const int64_t out = weight.out;
  const Neighbour rows{input.as<float>(), x.shape[1], y.shape[1], weight.in, weight.taps};
  visit(y, [&](auto* to) {
    product(ctx.parallel(), y.rows(), plain_weight(weight), all_taps(weight), rows,
            [&](int64_t i, int64_t first, const float* gates, const float* values) {
              for (int64_t o = first; o < std::min(out, first + kPanel); ++o)
                store(to[i * out + o], activate(gates[o - first], activation) * values[o - first]);
            });
  });
}

namespace {

// x·rsqrt(mean(x²) + eps)·w over one head, in place.
void rms_norm_head(float* x, int64_t dim, const float* weight, float eps) {
  float square = 0;
  for (int64_t i = 0; i < dim; ++i) square += x[i] * x[i];
  const float scale = 1.0f / std::sqrt(square / float(dim) + eps);
  for (int64_t i = 0; i < dim; ++i) x[i] = x[i] * scale * weight[i];
}

void rotate_pairs(float* x, int64_t dim, const float* cos_sin) {
  for (int64_t i = 0; i < dim; i += 2) {
    const float c = cos_sin[i], s = cos_sin[i + 1], even = x[i], odd = x[i + 1];
    x[i] = even * c - odd * s;
    x[i + 1] = even * s + odd * c;
  }
}

}  // namespace

void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& weight, const QkvOptions& options) {
  const int64_t batch = x.shape[0], len = x.shape[1], heads = qkv.q.shape[1], dim = qkv.q.shape[3];
  const Arena::Scope scope(ctx.arena());
  const Tensor projected = ctx.f32({batch, len, weight.out});
  linear(ctx, projected, x, weight, {.bias = options.bias});
  if (ctx.planning()) return;

  // [B, N, 3·heads·dim] → 3 × [B, heads, N, dim]
  float* rows = projected.as<float>();
  const Tensor* outputs[] = {&qkv.q, &qkv.k, &qkv.v};
  const Tensor* norms[] = {&options.q_norm, &options.k_norm, nullptr};
  parallel_blocks(ctx.parallel(), batch * len, rows_per_task(weight.out), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t which = 0; which < 3; ++which)
        for (int64_t head = 0; head < heads; ++head) {
          const int64_t item = i / len, n = i % len;
          float* values = rows + (i * 3 + which) * heads * dim + head * dim;
          if (which < 2 && *norms[which]) rms_norm_head(values, dim, norms[which]->as<float>(), options.eps);
          if (which < 2 && options.rope) rotate_pairs(values, dim, options.rope.as<float>() + n * dim);
          visit(*outputs[which], [&](auto* to) {
            for (int64_t d = 0; d < dim; ++d) store(to[((item * heads + head) * len + n) * dim + d], values[d]);
          });
        }
  });
}

}  // namespace ts::plain
