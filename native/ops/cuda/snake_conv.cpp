// The convolutions of the Oobleck VAE as products over shifted rows of snake(x).
#include "ops/cuda/cuda.h"
#include "ops/cuda/packed_weight.h"
#include "ops/cuda/product.h"

namespace ts::cuda {
namespace {

const float* floats(const Tensor& tensor) { return static_cast<const float*>(tensor.data); }

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// y may be absent, and then has the shape of what its snake goes to.
Finish finish_into(const Tensor& y, const Tensor& bias, const SnakedOutput& snaked) {
  Finish finish;
  finish.y[0] = y.data;
  finish.snaked = snaked.y.data;
  finish.snake_a = floats(snaked.snake.a);
  finish.snake_inv_b = floats(snaked.snake.inv_b);
  finish.snaked_type = snaked.y.dtype;
  finish.y_item = y.shape[1] * y.shape[2];
  finish.y_stride = y.shape[2];
  finish.columns = int32_t(y.shape[2]);
  finish.bias = floats(bias);
  finish.bias_period = Divider(uint32_t(y.shape[2]));
  return finish;
}

}  // namespace

void snake_conv1d(Context& ctx, const Tensor& wanted, const Tensor& x, const Snake& snake, const PackedWeight& packed, const ConvGeometry& geometry,
                  const Tensor& bias, const Tensor& residual, const SnakedOutput& snaked) {
  const Tensor y = wanted ? wanted : Tensor(nullptr, DType::f32, snaked.y.shape);
  if (y.numel() == 0) return;
  Finish finish = finish_into(y, bias, snaked);
  finish.residual = floats(residual);
  const ProductRows rows{.items = int32_t(x.shape[0]), .len_in = int32_t(x.shape[1]), .rows_per_item = int32_t(y.shape[1]),
                         .taps = int32_t(packed.taps), .stride = int32_t(geometry.stride), .dilation = int32_t(geometry.dilation),
                         .first = -int32_t(geometry.offset)};
  product(ctx, x, snake, cuda_weight(packed), rows, finish);
}

// Row q of the product is all phases of one input: stride·out neighbours in y that begin q·stride·out − offset·out into
// the item. The first and the last row may stick out.
void snake_conv_transpose1d(Context& ctx, const Tensor& wanted, const Tensor& x, const Snake& snake, const PackedWeight& packed,
                            const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput& snaked) {
  const Tensor y = wanted ? wanted : Tensor(nullptr, DType::f32, snaked.y.shape);
  if (y.numel() == 0) return;
  const int64_t len = y.shape[1], out = packed.out, stride = geometry.stride;
  const int64_t first = floor_div(geometry.offset, stride), end = floor_div(len - 1 + geometry.offset, stride) + 1;
  Finish finish = finish_into(y, bias, snaked);
  finish.columns = int32_t(stride * out);
  finish.y_stride = stride * out;
  finish.y_first = (first * stride - geometry.offset) * out;
  const ProductRows rows{.items = int32_t(x.shape[0]), .len_in = int32_t(x.shape[1]), .rows_per_item = int32_t(end - first), .taps = 2,
                         .first = int32_t(first - 1)};
  product(ctx, x, snake, cuda_weight(packed), rows, finish);
}

}  // namespace ts::cuda
