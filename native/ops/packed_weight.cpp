#include "ops/packed_weight.h"

#include "ops/checks.h"
#include "ops/memory.h"
#include "ops/table.h"

namespace ts {
namespace {

void check_weight(const check::Arguments& args, const char* name, const Tensor& weight, const PackOptions& options) {
  args.dtype(name, weight, DType::f32);
  const int rank = weight.shape.rank();
  args.require(rank == 2 || rank == 3, name, " is ", weight.shape.str(), ", [out, in] or [out, in, taps] needed");
  args.require(weight.numel() > 0, name, " is ", weight.shape.str(), ", which holds nothing");
  args.require(is_product_type(options.dtype), "weights cannot be packed as ", name_of(options.dtype));
  args.require(options.stride >= 1, "stride ", options.stride, " is not positive");
  args.require(options.dilation >= 1, "dilation ", options.dilation, " is not positive");
  if (options.use == WeightUse::conv_transpose)
    args.require(rank == 3 && weight.shape[2] == 2 * options.stride, name, " is ", weight.shape.str(),
                 ", [in, out, 2·stride] with stride ", options.stride, " needed");
}

void check_table(const check::Arguments& args, const OperatorTable& table, const PackOptions& options) {
  args.require(options.dtype != DType::f16 || table.has_f16, "the ", table.name, " backend has products of f32 and bf16, none of f16");
  args.require(options.format != WeightFormat::int8 || table.has_int8, "the ", table.name, " backend keeps no weights of 8 bits");
  if (options.format != WeightFormat::fp8) return;
  args.require(table.has_fp8, "the ", table.name, " device has no products of fp8");
  args.require(options.use == WeightUse::linear && options.dtype == DType::bf16, "fp8 is for linear layers of bf16");
}

// Any thread may use the weight next, and what it was made from may go.
Weight finished(const OperatorTable& table, Weight weight) {
  finish(table);
  return weight;
}

}  // namespace

Weight pack_weight(const OperatorTable& table, const Tensor& weight, const PackOptions& options) {
  const check::Arguments args("pack_weight");
  check_weight(args, "weight", weight, options);
  check_table(args, table, options);
  return finished(table, table.pack_weight(table, weight, options));
}

Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options) {
  const check::Arguments args("pack_gated_weight");
  args.require(options.use == WeightUse::linear, "only linear layers have gates");
  check_weight(args, "w1", w1, options);
  check_weight(args, "w3", w3, options);
  args.shape("w3", w3, w1.shape);
  check_table(args, table, options);
  return finished(table, table.pack_gated_weight(table, w1, w3, options));
}

}  // namespace ts
