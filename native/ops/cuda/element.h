// Reading and writing elements that are f32 or bf16; arithmetic happens in f32.
#pragma once

#include <cuda_bf16.h>

#include "core/tensor.h"

namespace ts::cuda {

__device__ inline float to_f32(float value) { return value; }
__device__ inline float to_f32(__nv_bfloat16 value) { return __bfloat162float(value); }

__device__ inline void store(float& to, float value) { to = value; }
__device__ inline void store(__nv_bfloat16& to, float value) { to = __float2bfloat16_rn(value); }

// Calls body(elements) with float* or __nv_bfloat16*.
template <class Body>
void visit(const Tensor& tensor, const Body& body) {
  if (tensor.dtype == DType::bf16) body(static_cast<__nv_bfloat16*>(tensor.data));
  else body(tensor.as<float>());
}

}  // namespace ts::cuda
