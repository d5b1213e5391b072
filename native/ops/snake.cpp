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

void check_conv(const check::Arguments& args, const Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput& snaked) {
  args.require(!weight.gated, "the weight is a gated pair");
  args.rank("x", x, 3);
  if (x.dtype != DType::f32) {
    args.dtype("x", x, weight.dtype);
    args.require(ctx.table().stores_snake && !snake.a, "x holds ", name_of(x.dtype), ", but is not the snaked output of a layer before");
  }
  args.require(x.shape[2] == weight.in, "x is ", x.shape.str(), ", the weight has ", weight.in, " input channels");
  const Tensor& any = y ? y : snaked.y;
  args.rank("y", any, 3);
  const Shape shape{x.shape[0], any.shape[1], weight.out};
  if (y) {
    args.f32("y", y, shape);
    args.distinct("y", y, "x", x);
  }
  if (snaked) {
    args.require(ctx.table().stores_snake, "the ", ctx.table().name, " backend stores no snaked outputs");
    args.shape("snaked y", snaked.y, shape);
    args.real("snaked y", snaked.y);
    args.distinct("snaked y", snaked.y, "x", x);
    if (y) args.distinct("snaked y", snaked.y, "y", y);
    args.require(bool(snaked.snake.a), "a snaked output without a snake");
    check_snake(args, snaked.snake, weight.out);
  }
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
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual, const SnakedOutput& snaked) {
  const check::Arguments args("snake_conv1d");
  check_conv(args, ctx, y, x, snake, weight, geometry, bias, snaked);
  if (residual) {
    args.f32("residual", residual, y ? y.shape : snaked.y.shape);
    if (y) args.same_or_distinct("y", y, "residual", residual);
    if (snaked) args.distinct("snaked y", snaked.y, "residual", residual);
  }
  ctx.table().snake_conv1d(ctx, y, x, snake, weight, geometry, bias, residual, snaked);
}

void snake_conv_transpose1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                            const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput& snaked) {
  const check::Arguments args("snake_conv_transpose1d");
  check_conv(args, ctx, y, x, snake, weight, geometry, bias, snaked);
  args.require(weight.taps == 2 * geometry.stride, "kernel ", weight.taps, " and stride ", geometry.stride, ", a kernel of two strides needed");
  args.require(geometry.dilation == 1, "dilation ", geometry.dilation, ", 1 needed");
  ctx.table().snake_conv_transpose1d(ctx, y, x, snake, weight, geometry, bias, snaked);
}

}  // namespace ts::ops
