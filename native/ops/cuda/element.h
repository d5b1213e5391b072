// Reading and writing elements that are f32, bf16 or f16; arithmetic happens in f32. f16 is written saturated: what lies
// beyond ±65504 becomes that (core/dtype.h).
#pragma once

#include "core/tensor.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {

__device__ inline float to_f32(float value) { return value; }
__device__ inline float to_f32(int8_t value) { return float(value); }
__device__ inline float to_f32(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline float to_f32(__half value) { return __half2float(value); }

__device__ inline void store(float& to, float value) { to = value; }
__device__ inline void store(__nv_bfloat16& to, float value) { to = __float2bfloat16_rn(value); }
__device__ inline void store(__half& to, float value) { to = __ushort_as_half(uint16_t(ptx::pack<__half>(value, 0.0f))); }

// Two neighbours of bf16 or f16.
__device__ inline uint32_t pack(DType dtype, float low, float high) {
  return dtype == DType::bf16 ? ptx::pack<__nv_bfloat16>(low, high) : ptx::pack<__half>(low, high);
}

// Elements whose type is known when the kernel runs. All threads take the same branch.
struct Elements {
  void* data;
  DType dtype;

  Elements(const Tensor& tensor) : data(tensor.data), dtype(tensor.dtype) {}
  __device__ Elements(void* data, DType dtype) : data(data), dtype(dtype) {}
  __device__ float operator[](int64_t i) const {
    if (dtype == DType::f32) return static_cast<const float*>(data)[i];
    return dtype == DType::bf16 ? to_f32(static_cast<const __nv_bfloat16*>(data)[i]) : to_f32(static_cast<const __half*>(data)[i]);
  }
  __device__ void set(int64_t i, float value) const {
    if (dtype == DType::f32) static_cast<float*>(data)[i] = value;
    else static_cast<uint16_t*>(data)[i] = uint16_t(pack(dtype, value, 0.0f));
  }
};

// Calls body(elements) with float*, __nv_bfloat16* or __half*.
template <class Body>
void visit(const Tensor& tensor, const Body& body) {
  if (tensor.dtype == DType::bf16) body(static_cast<__nv_bfloat16*>(tensor.data));
  else if (tensor.dtype == DType::f16) body(static_cast<__half*>(tensor.data));
  else body(tensor.as<float>());
}

}  // namespace ts::cuda
