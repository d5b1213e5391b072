#include "ops/depthwise_conv.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {

void depthwise_conv_norm(Context& ctx, const Tensor& y, const Tensor& x, const DepthwiseNorm& layer, int64_t offset) {
  const check::Arguments args("depthwise_conv_norm");
  args.rank("x", x, 3);
  args.dtype("x", x, DType::f32);
  args.require(x.cols() > 0, "x is ", x.shape.str(), ", channels needed");
  args.rank("y", y, 3);
  args.shape("y", y, {x.shape[0], y.shape[1], x.shape[2]});
  args.real("y", y);
  args.distinct("y", y, "x", x);
  args.rank("weight", layer.weight, 2);
  args.f32("weight", layer.weight, {layer.weight.shape[0], x.cols()});
  args.f32("bias", layer.bias, {x.cols()});
  args.f32("norm_weight", layer.norm_weight, {x.cols()});
  args.f32("norm_bias", layer.norm_bias, {x.cols()});
  ctx.table().depthwise_conv_norm(ctx, y, x, layer, offset);
}

}  // namespace ts::ops
