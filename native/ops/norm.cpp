#include "ops/norm.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {
namespace {

void check_rows(const check::Arguments& args, const Tensor& y, const Tensor& x) {
  args.dtype("x", x, DType::f32);
  args.require(x.shape.rank() >= 1 && x.cols() > 0, "x is ", x.shape.str(), ", rows of one element or more needed");
  args.shape("y", y, x.shape);
  args.real("y", y);
  args.distinct("y", y, "x", x);
}

}  // namespace

void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  const check::Arguments args("layer_norm");
  check_rows(args, y, x);
  args.f32("weight", weight, {x.cols()});
  args.f32("bias", bias, {x.cols()});
  ctx.table().layer_norm(ctx, y, x, weight, bias, eps);
}

void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps) {
  const check::Arguments args("layer_norm_modulate");
  check_rows(args, y, x);
  args.rank("x", x, 3);
  args.chunk("shift", shift, x.shape);
  args.chunk("scale", scale, x.shape);
  ctx.table().layer_norm_modulate(ctx, y, x, shift, scale, eps);
}

void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps) {
  const check::Arguments args("rms_norm");
  check_rows(args, y, x);
  args.f32("weight", weight, {x.cols()});
  ctx.table().rms_norm(ctx, y, x, weight, eps);
}

}  // namespace ts::ops
