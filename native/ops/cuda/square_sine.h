// sin²(z), what snake adds, in two precisions.
#pragma once

#include <cuda_runtime.h>

namespace ts::cuda {

// For what is rounded to bf16 or f16. The period is π, so that taking off the nearest multiple leaves a sine of at most a quarter turn,
// which the special function unit gives to 2⁻²¹: far below a step of either.
__device__ inline float square_sine(float z) {
  constexpr float kInversePi = 0.318309886f, kPi = 3.14159274f, kPiRest = -8.74227766e-8f;
  const float turns = rintf(z * kInversePi);
  const float sine = __sinf(fmaf(-turns, kPiRest, fmaf(-turns, kPi, z)));
  return sine * sine;
}

__device__ inline float square_sine_f32(float z) {
  const float sine = sinf(z);
  return sine * sine;
}

}  // namespace ts::cuda
