// Elementary functions on vectors, to about one unit in the last place of f32. Polynomials from
// scripts/fit_polynomials.cpp. NaN comes out as NaN: Min and Max are given the argument second, which x86 returns.
#if defined(TS_OPS_CPU_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_OPS_CPU_MATH_INL_H
#undef TS_OPS_CPU_MATH_INL_H
#else
#define TS_OPS_CPU_MATH_INL_H
#endif

#include <cmath>

#include "ops/cpu/simd-inl.h"
#include "ops/linear.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

template <size_t n>
HWY_INLINE V horner(V x, const float (&coefficients)[n]) {
  V value = set(coefficients[n - 1]);
  for (size_t i = n - 1; i-- > 0;) value = hn::MulAdd(value, x, set(coefficients[i]));
  return value;
}

// e^x = 2^n·(1 + p) with p = e^r − 1, |r| ≤ ln 2 / 2.
struct ExpParts {
  hn::Vec<DI> n;
  V p;
};
HWY_INLINE ExpParts split_exp(V x) {
  constexpr float kLog2e = 1.44269504f;
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // the first has 10 bits: n times it is exact
  constexpr float kTail[] = {5.000000000e-01f, 1.666657699e-01f, 4.166655462e-02f, 8.363179053e-03f, 1.392618359e-03f};
  const V n = hn::Round(hn::Mul(x, set(kLog2e)));
  V r = hn::NegMulAdd(n, set(kLn2High), x);
  r = hn::NegMulAdd(n, set(kLn2Low), r);
  return {hn::ConvertTo(DI(), n), hn::MulAdd(hn::Mul(r, r), horner(r, kTail), r)};
}
HWY_INLINE V power_of_two(hn::Vec<DI> n) {
  return hn::BitCast(D(), hn::ShiftLeft<23>(hn::Add(n, hn::Set(DI(), 127))));
}

HWY_INLINE V exp(V x) {
  // Beyond these ends the result is infinity or rounds to zero; scaling in two steps reaches both.
  x = hn::Min(set(89.0f), hn::Max(set(-104.0f), x));
  const ExpParts parts = split_exp(x);
  const auto half = hn::ShiftRight<1>(parts.n);
  const V scaled = hn::Mul(hn::Add(parts.p, set(1.0f)), power_of_two(half));
  return hn::Mul(scaled, power_of_two(hn::Sub(parts.n, half)));
}

// For softmax: x ≤ 0, and below −87 exactly zero, −∞ included.
HWY_INLINE V exp_of_negative(V x) {
  const auto tiny = hn::Lt(x, set(-87.0f));
  const ExpParts parts = split_exp(hn::Max(set(-87.0f), x));
  const V scale = power_of_two(parts.n);
  return hn::IfThenZeroElse(tiny, hn::MulAdd(parts.p, scale, scale));
}

HWY_INLINE V expm1_of_negative(V x) {
  const ExpParts parts = split_exp(hn::Max(set(-87.0f), x));
  const V scale = power_of_two(parts.n);
  return hn::MulAdd(parts.p, scale, hn::Sub(scale, set(1.0f)));
}

HWY_INLINE V sigmoid(V x) { return hn::Div(set(1.0f), hn::Add(set(1.0f), exp(hn::Neg(x)))); }

// erfc(t)/2 of t ≥ 0, by erfc(t) = exp(−t²)·s·P(s), s = 1/(1 + 0.4 t).
HWY_INLINE V half_erfc(V t) {
  constexpr float kErfcx[] = {2.257168574e-01f, 2.247486653e-01f, 2.166893859e-01f, 1.210599826e-01f, 2.979731943e-01f,
                              -3.343118757e-01f, 6.093421797e-01f, -5.465026173e-01f, 2.187853559e-01f, -3.350112684e-02f};
  const V s = hn::Div(set(1.0f), hn::MulAdd(t, set(0.4f), set(1.0f)));
  const V e = exp(hn::Neg(hn::Mul(t, t)));
  return hn::Mul(hn::Mul(hn::Mul(s, set(0.5f)), horner(s, kErfcx)), e);
}

// sin²(z) = r²·P(r²), r the distance to the nearest multiple of π.
HWY_INLINE V sin_squared(V z) {
  constexpr float kInvPi = 0.318309886f;
  constexpr float kPiHigh = 3.14159274f, kPiLow = -8.74227766e-8f;
  constexpr float kPoly[] = {9.999999907e-01f, -3.333330635e-01f, 4.444316746e-02f, -3.172385529e-03f, 1.393427356e-04f, -3.629902393e-06f};
  // Up to here n·π is subtracted to the last bit of r; farther out, and where products are rounded before they are
  // added, the library's sine takes over.
  constexpr float kReach = HWY_NATIVE_FMA ? 131072.0f : 0.0f;
  if (HWY_LIKELY(hn::AllTrue(D(), hn::Lt(hn::Abs(z), set(kReach))))) {
    const V n = hn::Round(hn::Mul(z, set(kInvPi)));
    const V r = hn::NegMulAdd(n, set(kPiLow), hn::NegMulAdd(n, set(kPiHigh), z));
    const V u = hn::Mul(r, r);
    return hn::Mul(u, horner(u, kPoly));
  }
  alignas(64) float lanes[hn::MaxLanes(D())];
  hn::Store(z, D(), lanes);
  for (size_t i = 0; i < hn::Lanes(D()); ++i) {
    const float sine = std::sin(lanes[i]);
    lanes[i] = sine * sine;
  }
  return hn::Load(D(), lanes);
}

// x + sin²(a·x)·inv_b
HWY_INLINE V snake(V x, V a, V inv_b) { return hn::MulAdd(sin_squared(hn::Mul(a, x)), inv_b, x); }

template <Activation activation>
HWY_INLINE V activate(V z) {
  if constexpr (activation == Activation::silu) return hn::Mul(z, sigmoid(z));
  if constexpr (activation == Activation::sigmoid) return sigmoid(z);
  if constexpr (activation == Activation::quick_gelu) return hn::Mul(z, sigmoid(hn::Mul(z, set(1.702f))));
  if constexpr (activation == Activation::gelu_tanh) {
    // ½(1 + tanh u) = σ(2u), u = √(2/π)·(z + 0.044715 z³)
    constexpr float kTwoSqrt2OverPi = 1.59576912f;
    const V cubic = hn::MulAdd(hn::Mul(hn::Mul(z, z), set(0.044715f)), z, z);
    return hn::Mul(z, sigmoid(hn::Mul(cubic, set(kTwoSqrt2OverPi))));
  }
  if constexpr (activation == Activation::gelu_erf) {
    constexpr float kSqrtHalf = 0.707106781f;
    const V tail = half_erfc(hn::Mul(hn::Abs(z), set(kSqrtHalf)));  // Φ(−|z|)
    return hn::Mul(z, hn::IfThenElse(hn::Lt(z, zero()), tail, hn::Sub(set(1.0f), tail)));
  }
  if constexpr (activation == Activation::selu) {
    constexpr float kLambda = 1.05070099f, kLambdaAlpha = 1.75809934f;
    const V below = hn::Mul(set(kLambdaAlpha), expm1_of_negative(hn::Min(set(0.0f), z)));
    return hn::IfThenElse(hn::Gt(z, zero()), hn::Mul(z, set(kLambda)), below);
  }
  return z;
}

// Calls body with the activation as a type, so that kernels choose outside their loops.
template <Activation value>
struct ActivationIs {
  static constexpr Activation activation = value;
};
template <class Body>
HWY_INLINE void with_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::none: return body(ActivationIs<Activation::none>());
    case Activation::silu: return body(ActivationIs<Activation::silu>());
    case Activation::selu: return body(ActivationIs<Activation::selu>());
    case Activation::gelu_erf: return body(ActivationIs<Activation::gelu_erf>());
    case Activation::gelu_tanh: return body(ActivationIs<Activation::gelu_tanh>());
    case Activation::quick_gelu: return body(ActivationIs<Activation::quick_gelu>());
    case Activation::sigmoid: return body(ActivationIs<Activation::sigmoid>());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#endif
