// The activations as device functions of one number: ops/plain/activation.h, with CUDA's own f32 functions (at most 2 ulp).
#pragma once

#include "ops/linear.h"

namespace ts::cuda {

__device__ inline float sigmoid(float z) { return 1.0f / (1.0f + expf(-z)); }

template <Activation activation>
__device__ inline float activate(float z) {
  constexpr float kSeluScale = 1.0507009873554805f, kSeluAlpha = 1.6732632423543772f;  // Klambauer et al., 2017
  constexpr float kSqrtHalf = 0.70710678f, kSqrt2OverPi = 0.79788456f, kGeluCubic = 0.044715f, kQuickGelu = 1.702f;
  if constexpr (activation == Activation::silu) return z * sigmoid(z);
  if constexpr (activation == Activation::selu) return z > 0 ? kSeluScale * z : kSeluScale * kSeluAlpha * expm1f(z);
  if constexpr (activation == Activation::gelu_erf) return 0.5f * z * (1.0f + erff(z * kSqrtHalf));
  if constexpr (activation == Activation::gelu_tanh) return 0.5f * z * (1.0f + tanhf(kSqrt2OverPi * (z + kGeluCubic * z * z * z)));
  if constexpr (activation == Activation::quick_gelu) return z * sigmoid(kQuickGelu * z);
  if constexpr (activation == Activation::sigmoid) return sigmoid(z);
  return z;
}

// Calls body(std::integral_constant<Activation, …>) so that kernels are compiled for each.
template <class Body>
void visit_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::none: return body(std::integral_constant<Activation, Activation::none>{});
    case Activation::silu: return body(std::integral_constant<Activation, Activation::silu>{});
    case Activation::selu: return body(std::integral_constant<Activation, Activation::selu>{});
    case Activation::gelu_erf: return body(std::integral_constant<Activation, Activation::gelu_erf>{});
    case Activation::gelu_tanh: return body(std::integral_constant<Activation, Activation::gelu_tanh>{});
    case Activation::quick_gelu: return body(std::integral_constant<Activation, Activation::quick_gelu>{});
    case Activation::sigmoid: return body(std::integral_constant<Activation, Activation::sigmoid>{});
  }
}

}  // namespace ts::cuda
