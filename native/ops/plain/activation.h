// The activations as functions of one number.
#pragma once

#include <cmath>

#include "ops/linear.h"

namespace ts::plain {

inline float sigmoid(float z) { return 1.0f / (1.0f + std::exp(-z)); }

inline float activate(float z, Activation activation) {
  constexpr float kSeluScale = 1.0507009873554805f, kSeluAlpha = 1.6732632423543772f;  // Klambauer et al., 2017
  constexpr float kSqrtHalf = 0.70710678f, kSqrt2OverPi = 0.79788456f, kGeluCubic = 0.044715f, kQuickGelu = 1.702f;
  switch (activation) {
    case Activation::none: return z;
    case Activation::silu: return z * sigmoid(z);
    case Activation::selu: return z > 0 ? kSeluScale * z : kSeluScale * kSeluAlpha * std::expm1(z);
    case Activation::gelu_erf: return 0.5f * z * (1.0f + std::erf(z * kSqrtHalf));
    case Activation::gelu_tanh: return 0.5f * z * (1.0f + std::tanh(kSqrt2OverPi * (z + kGeluCubic * z * z * z)));
    case Activation::quick_gelu: return z * sigmoid(kQuickGelu * z);
    case Activation::sigmoid: return sigmoid(z);
  }
  return z;
}

}  // namespace ts::plain
