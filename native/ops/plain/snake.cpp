#include <cmath>
#include <numeric>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"
#include "ops/plain/product.h"

namespace ts::plain {
namespace {

// y = snake(x), rounded to values of `stored`.
void apply(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, DType stored) {
  if (ctx.planning()) return;
  const int64_t cols = x.cols();
  const float *a = snake.a ? snake.a.as<float>() : nullptr, *inv_b = a ? snake.inv_b.as<float>() : nullptr;
  visit(y, [&](auto* to) {
    visit(x, [&](const auto* from) {
      parallel_blocks(ctx.parallel(), x.rows(), rows_per_task(cols), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
          for (int64_t c = 0; c < cols; ++c) {
            float value = to_float(from[row * cols + c]);
            if (a) {
              const float sine = std::sin(a[c] * value);
              value += sine * sine * inv_b[c];
            }
            store(to[row * cols + c], as_stored(value, stored));
          }
      });
    });
  });
}

// snake(x) as the product reads it; x itself where nothing changes.
Tensor activated(Context& ctx, const Tensor& x, const Snake& snake, const PackedWeight& weight) {
  if (!snake.a && weight.dtype == DType::f32) return x;
  const Tensor values = ctx.f32(x.shape);
  apply(ctx, values, x, snake, weight.dtype);
  return values;
}

// Where the outputs go on their way to their snake.
Tensor outputs(Context& ctx, const Tensor& y, const SnakedOutput& snaked) { return y ? y : ctx.f32(snaked.y.shape); }

}  // namespace

void snake(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake) { apply(ctx, y, x, snake, DType::f32); }

void snake_conv1d(Context& ctx, const Tensor& wanted, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual, const SnakedOutput& snaked) {
  const Arena::Scope scope(ctx.arena());
  const Tensor input = activated(ctx, x, snake, weight), y = outputs(ctx, wanted, snaked);
  if (ctx.planning()) return;

  const int64_t len_in = x.shape[1], len_out = y.shape[1], out = weight.out;
  std::vector<int64_t> taps(size_t(weight.taps));
  std::iota(taps.begin(), taps.end(), 0);
  const float *rows = input.as<float>(), *biases = bias ? bias.as<float>() : nullptr;
  const float* skipped = residual ? residual.as<float>() : nullptr;
  float* to = y.as<float>();
  const auto row_of = [&](int64_t i, int64_t tap) -> const float* {
    const int64_t n = i % len_out * geometry.stride + tap * geometry.dilation - geometry.offset;
    return n >= 0 && n < len_in ? rows + (i / len_out * len_in + n) * weight.in : nullptr;
  };
  product(ctx.parallel(), y.rows(), plain_weight(weight), taps, row_of, [&](int64_t i, int64_t first, const float* sums, const float*) {
    for (int64_t o = first; o < std::min(out, first + kPanel); ++o) {
      float value = sums[o - first];
      if (biases) value += biases[o];
      if (skipped) value += skipped[i * out + o];
      to[i * out + o] = value;
    }
  });
  if (snaked) apply(ctx, snaked.y, y, snaked.snake, DType::f32);
}

// Output m uses the taps j = m + offset − n·stride, so outputs of one phase m mod stride share their two taps.
void snake_conv_transpose1d(Context& ctx, const Tensor& wanted, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                            const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput& snaked) {
  const Arena::Scope scope(ctx.arena());
  const Tensor input = activated(ctx, x, snake, weight), y = outputs(ctx, wanted, snaked);
  if (ctx.planning()) return;

  const int64_t len_in = x.shape[1], len_out = y.shape[1], out = weight.out, stride = geometry.stride;
  const float *rows = input.as<float>(), *biases = bias ? bias.as<float>() : nullptr;
  float* to = y.as<float>();
  for (int64_t phase = 0; phase < std::min(stride, len_out); ++phase) {
    const int64_t count = (len_out - phase + stride - 1) / stride;  // outputs m = phase + i·stride of one item
    const int64_t shifted = phase + geometry.offset, tap0 = (shifted % stride + stride) % stride;
    const auto row_of = [&](int64_t i, int64_t tap) -> const float* {
      const int64_t n = i % count + (shifted - tap) / stride;  // exact: shifted ≡ tap (mod stride)
      return n >= 0 && n < len_in ? rows + (i / count * len_in + n) * weight.in : nullptr;
    };
    // The tap of the earlier input first: the order in which x is read.
    product(ctx.parallel(), x.shape[0] * count, plain_weight(weight), {tap0 + stride, tap0}, row_of,
            [&](int64_t i, int64_t first, const float* sums, const float*) {
              const int64_t row = i / count * len_out + phase + i % count * stride;
              for (int64_t o = first; o < std::min(out, first + kPanel); ++o)
                to[row * out + o] = sums[o - first] + (biases ? biases[o] : 0.0f);
            });
  }
  if (snaked) apply(ctx, snaked.y, y, snaked.snake, DType::f32);
}

}  // namespace ts::plain
