#include "ops/linear.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {
namespace {

// x of a product against its weight.
void check_input(const check::Arguments& args, const Tensor& x, const PackedWeight& weight) {
  args.rank("x", x, 3);
  args.require(x.dtype == DType::f32 || x.dtype == weight.dtype, "x holds ", name_of(x.dtype), ", f32 or the weight's ",
               name_of(weight.dtype), " needed");
  args.require(x.shape[2] == weight.in, "x is ", x.shape.str(), ", the weight has ", weight.in, " input channels");
}

Shape output_shape(const Tensor& x, const PackedWeight& weight) {
  const int64_t len = x.shape[1] - (weight.taps % 2 == 0 ? 1 : 0);
  require(len >= 0, "linear: an even kernel of ", weight.taps, " leaves nothing of an empty sequence");
  return {x.shape[0], len, weight.out};
}

}  // namespace

void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue) {
  const check::Arguments args("linear");
  args.require(!weight.gated, "the weight is a gated pair");
  check_input(args, x, weight);
  args.shape("y", y, output_shape(x, weight));
  args.real("y", y);
  args.distinct("y", y, "x", x);
  if (epilogue.bias) args.f32("bias", epilogue.bias, {weight.out});
  if (epilogue.gate) args.chunk("gate", epilogue.gate, y.shape);
  if (epilogue.residual) {
    args.f32("residual", epilogue.residual, y.shape);
    args.dtype("y", y, DType::f32);
    args.same_or_distinct("y", y, "residual", epilogue.residual);
  }
  ctx.table().linear(ctx, y, x, weight, epilogue);
}

void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, Activation activation) {
  const check::Arguments args("gated_linear");
  args.require(weight.gated, "the weight is a single matrix");
  check_input(args, x, weight);
  args.shape("y", y, output_shape(x, weight));
  args.real("y", y);
  args.distinct("y", y, "x", x);
  ctx.table().gated_linear(ctx, y, x, weight, activation);
}

void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& weight, const QkvOptions& options) {
  const check::Arguments args("qkv_projection");
  args.require(!weight.gated && weight.taps == 1, "the weight is not a plain matrix");
  check_input(args, x, weight);
  args.rank("q", qkv.q, 4);
  const int64_t heads = qkv.q.shape[1], head_dim = qkv.q.shape[3];
  args.shape("q", qkv.q, {x.shape[0], heads, x.shape[1], head_dim});
  args.shape("k", qkv.k, qkv.q.shape);
  args.shape("v", qkv.v, qkv.q.shape);
  args.real("q", qkv.q);
  args.dtype("k", qkv.k, qkv.q.dtype);
  args.dtype("v", qkv.v, qkv.q.dtype);
  for (const Tensor* out : {&qkv.q, &qkv.k, &qkv.v}) args.distinct("q, k or v", *out, "x", x);
  args.require(weight.out == 3 * heads * head_dim, "the weight has ", weight.out, " rows, 3·", heads, "·", head_dim, " needed");
  if (options.bias) args.f32("bias", options.bias, {weight.out});
  args.require(bool(options.q_norm) == bool(options.k_norm), "q_norm and k_norm come together");
  if (options.q_norm) {
    args.f32("q_norm", options.q_norm, {head_dim});
    args.f32("k_norm", options.k_norm, {head_dim});
  }
  if (options.rope) {
    args.require(head_dim % 2 == 0, "head_dim ", head_dim, " is odd, rotation turns pairs");
    args.f32("rope", options.rope, {x.shape[1], head_dim / 2, 2});
  }
  ctx.table().qkv_projection(ctx, qkv, x, weight, options);
}

}  // namespace ts::ops
