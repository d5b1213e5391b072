#include "ops/elementwise.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {

void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  const check::Arguments args("add");
  args.real("a", a);
  args.real("b", b);
  args.shape("y", y, a.shape);
  args.real("y", y);
  args.rank("b", b, a.shape.rank());
  for (int axis = 0; axis < a.shape.rank(); ++axis)
    args.require(b.shape[axis] == a.shape[axis] || b.shape[axis] == 1, "b is ", b.shape.str(), ", which does not repeat over ",
                 a.shape.str());
  args.same_or_distinct("y", y, "a", a);
  if (y.shape == b.shape) args.same_or_distinct("y", y, "b", b);
  else args.distinct("y", y, "b", b);
  ctx.table().add(ctx, y, a, b);
}

void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  const check::Arguments args("multiply_add");
  args.real("y", y);
  args.real("a", a);
  args.real("b", b);
  args.shape("a", a, y.shape);
  args.shape("b", b, y.shape);
  args.same_or_distinct("y", y, "a", a);
  args.same_or_distinct("y", y, "b", b);
  ctx.table().multiply_add(ctx, y, a, b);
}

void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation) {
  const check::Arguments args("activate");
  args.real("y", y);
  args.real("x", x);
  args.shape("y", y, x.shape);
  args.same_or_distinct("y", y, "x", x);
  ctx.table().activate(ctx, y, x, activation);
}

void scale_add(Context& ctx, const Tensor& y, float alpha, const Tensor& x, float beta, const Tensor& z) {
  const check::Arguments args("scale_add");
  args.f32("y", y, x.shape);
  args.f32("x", x, y.shape);
  args.same_or_distinct("y", y, "x", x);
  if (z) {
    args.f32("z", z, y.shape);
    args.same_or_distinct("y", y, "z", z);
  } else {
    args.require(beta == 0.0f, "beta is ", beta, " but z is missing");
  }
  ctx.table().scale_add(ctx, y, alpha, x, beta, z);
}

}  // namespace ts::ops
