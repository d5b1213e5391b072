// Loops that several operator tests share, in any floating type: f64 gives the truth, f32 the error one may expect.
#pragma once

#include <cmath>
#include <type_traits>
#include <vector>

#include "ops/linear.h"

namespace ts::test {

template <class T>
T obvious_activation(T z, Activation activation) {
  switch (activation) {
    case Activation::none: return z;
    case Activation::silu: return z / (1 + std::exp(-z));
    case Activation::selu: return T(1.0507009873554804934193349852946) * (z > 0 ? z : T(1.6732632423543772848170429916717) * (std::exp(z) - 1));
    case Activation::gelu_erf: return z * (1 + std::erf(z / std::sqrt(T(2)))) / 2;
    case Activation::gelu_tanh: return z * (1 + std::tanh(std::sqrt(T(2) / T(M_PI)) * (z + T(0.044715) * z * z * z))) / 2;
    case Activation::quick_gelu: return z / (1 + std::exp(T(-1.702) * z));
    case Activation::sigmoid: return 1 / (1 + std::exp(-z));
  }
  return z;
}
inline const Activation kActivations[] = {Activation::none,      Activation::silu,       Activation::selu,   Activation::gelu_erf,
                                          Activation::gelu_tanh, Activation::quick_gelu, Activation::sigmoid};

// One head's attention: out [queries, dim] of q [queries, dim], k and v [keys, dim]; visible(i, j), bias(i, j). Below f64
// the softmax's weights enter the product with v as `dtype`, like every input of a product.
template <class T, class Visible, class Bias>
std::vector<T> obvious_attention(const float* q, const float* k, const float* v, int64_t queries, int64_t keys, int64_t dim, float scale,
                                 DType dtype, const Visible& visible, const Bias& bias) {
  std::vector<T> out(size_t(queries * dim), T(0));
  for (int64_t i = 0; i < queries; ++i) {
    std::vector<T> score(static_cast<size_t>(keys));
    T top = -INFINITY, total = 0;
    for (int64_t j = 0; j < keys; ++j) {
      T sum = 0;
      for (int64_t d = 0; d < dim; ++d) sum += T(q[i * dim + d]) * T(k[j * dim + d]);
      score[size_t(j)] = visible(i, j) ? T(scale) * sum + T(bias(i, j)) : T(-INFINITY);
      top = std::max(top, score[size_t(j)]);
    }
    if (top == T(-INFINITY)) continue;
    for (T& s : score) total += s = std::exp(s - top);
    if (!std::is_same_v<T, double>)
      for (T& s : score) s = as_stored(float(s), dtype);
    for (int64_t j = 0; j < keys; ++j)
      for (int64_t d = 0; d < dim; ++d) out[size_t(i * dim + d)] += score[size_t(j)] / total * T(v[j * dim + d]);
  }
  return out;
}

}  // namespace ts::test
