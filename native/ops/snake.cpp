#include "ops/snake.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {
namespace {

void check_snake(const check::Arguments& args, const Snake& snake, int64_t channels) {
  args.require(bool(snake.a) == bool(snake.inv_b), "a and inv_b come together");
  if (!snake.a) return;
  args.f32("a", snake.a, {channels});
  args.f32("inv_b", snake.inv_b, {channels});
}

void check_conv(const check::Arguments& args, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                const ConvGeometry& geometry, const Tensor& bias) {
  args.require(!weight.gated, "the weight is a gated pair");
  args.rank("x", x, 3);
  args.dtype("x", x, DType::f32);
  args.require(x.shape[2] == weight.in, "x is ", x.shape.str(), ", the weight has ", weight.in, " input channels");
  args.rank("y", y, 3);
  args.f32("y", y, {x.shape[0], y.shape[1], weight.out});
  args.distinct("y", y, "x", x);
  check_snake(args, snake, weight.in);
  args.require(geometry.stride >= 1 && geometry.dilation >= 1, "stride ", geometry.stride, ", dilation ", geometry.dilation);
  if (bias) args.f32("bias", bias, {weight.out});
}

}  // namespace

void snake(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake) {
  const check::Arguments args("snake");
  args.require(x.shape.rank() >= 1, "x is ", x.shape.str(), ", channels needed");
  args.dtype("x", x, DType::f32);
  args.f32("y", y, x.shape);
  args.same_or_distinct("y", y, "x", x);
  check_snake(args, snake, x.cols());
  ctx.table().snake(ctx, y, x, snake);
}

void snake_conv1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual) {
  const check::Arguments args("snake_conv1d");
  check_conv(args, y, x, snake, weight, geometry, bias);
  if (residual) {
    args.f32("residual", residual, y.shape);
    args.same_or_distinct("y", y, "residual", residual);
  }
  ctx.table().snake_conv1d(ctx, y, x, snake, weight, geometry, bias, residual);
}

void snake_conv_transpose1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                            const ConvGeometry& geometry, const Tensor& bias) {
  const check::Arguments args("snake_conv_transpose1d");
  check_conv(args, y, x, snake, weight, geometry, bias);
  args.require(weight.taps == 2 * geometry.stride, "kernel ", weight.taps, " and stride ", geometry.stride, ", a kernel of two strides needed");
  args.require(geometry.dilation == 1, "dilation ", geometry.dilation, ", 1 needed");
  ctx.table().snake_conv_transpose1d(ctx, y, x, snake, weight, geometry, bias);
}

}  // namespace ts::ops
