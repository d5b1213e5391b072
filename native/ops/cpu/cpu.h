// The operators that this backend has of its own, under the names of the contracts in ops/*.h.
#pragma once

#include "ops/table.h"

namespace ts::cpu {

void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue);
void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, Activation activation);
void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& weight, const QkvOptions& options);

}  // namespace ts::cpu
