#include "ops/rows.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {
namespace {

// Of what reduces x [B, N, D] to y [B, D].
void check_reduction(const check::Arguments& args, const char* what, const Tensor& y, const Tensor& x) {
  args.rank("x", x, 3);
  args.real("x", x);
  args.require(x.shape[1] > 0, "x is ", x.shape.str(), ", the ", what, " of no rows");
  args.shape("y", y, {x.shape[0], x.shape[2]});
  args.real("y", y);
  args.distinct("y", y, "x", x);
}

}  // namespace

void copy_block(Context& ctx, const Tensor& y, int64_t row, int64_t col, const Tensor& x) {
  const check::Arguments args("copy_block");
  args.rank("y", y, 3);
  args.rank("x", x, 3);
  args.real("y", y);
  args.real("x", x);
  args.require(x.shape[0] == y.shape[0] || x.shape[0] == 1, "x is ", x.shape.str(), ", y is ", y.shape.str());
  args.require(row >= 0 && col >= 0 && x.shape[1] <= y.shape[1] && row <= y.shape[1] - x.shape[1] && x.shape[2] <= y.shape[2] &&
                   col <= y.shape[2] - x.shape[2],
               "x ", x.shape.str(), " at row ", row, ", column ", col, " does not fit into y ", y.shape.str());
  args.distinct("y", y, "x", x);
  ctx.table().copy_block(ctx, y, row, col, x);
}

void gather_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& index) {
  const check::Arguments args("gather_rows");
  args.rank("x", x, 3);
  args.rank("index", index, 1);
  args.dtype("index", index, DType::i32);
  args.real("x", x);
  args.real("y", y);
  args.shape("y", y, {x.shape[0], index.shape[0], x.shape[2]});
  args.distinct("y", y, "x", x);
  ctx.table().gather_rows(ctx, y, x, index);
}

void embed(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& ids) {
  const check::Arguments args("embed");
  args.rank("table", table, 2);
  args.real("table", table);
  args.rank("ids", ids, 2);
  args.dtype("ids", ids, DType::i32);
  args.shape("y", y, {ids.shape[0], ids.shape[1], table.shape[1]});
  args.real("y", y);
  ctx.table().embed(ctx, y, table, ids);
}

void mean_rows(Context& ctx, const Tensor& y, const Tensor& x) {
  check_reduction(check::Arguments("mean_rows"), "mean", y, x);
  ctx.table().mean_rows(ctx, y, x);
}

void max_rows(Context& ctx, const Tensor& y, const Tensor& x) {
  check_reduction(check::Arguments("max_rows"), "maximum", y, x);
  ctx.table().max_rows(ctx, y, x);
}

void resample_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& matrix) {
  const check::Arguments args("resample_rows");
  args.rank("x", x, 3);
  args.real("x", x);
  args.rank("matrix", matrix, 2);
  args.f32("matrix", matrix, {matrix.shape[0], x.shape[1]});
  args.shape("y", y, {x.shape[0], matrix.shape[0], x.shape[2]});
  args.real("y", y);
  args.distinct("y", y, "x", x);
  ctx.table().resample_rows(ctx, y, x, matrix);
}

void transpose(Context& ctx, const Tensor& y, const Tensor& x) {
  const check::Arguments args("transpose");
  args.rank("x", x, 3);
  args.dtype("x", x, DType::f32);
  args.f32("y", y, {x.shape[0], x.shape[2], x.shape[1]});
  args.distinct("y", y, "x", x);
  ctx.table().transpose(ctx, y, x);
}

}  // namespace ts::ops
