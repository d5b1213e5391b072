// The layer norm of one row, for all operators that end in one. Included once per instruction set.
#if defined(TS_OPS_CPU_NORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_OPS_CPU_NORM_INL_H
#undef TS_OPS_CPU_NORM_INL_H
#else
#define TS_OPS_CPU_NORM_INL_H
#endif

#include "ops/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

// Σ value(lanes, i) over a row, in four interleaved sums per lane.
template <class Value>
HWY_INLINE float sum_over(int64_t cols, const Value& value) {
  const int64_t step = int64_t(hn::Lanes(D()));
  V a = zero(), b = zero(), c = zero(), d = zero();
  int64_t i = 0;
  for (; i + 4 * step <= cols; i += 4 * step) {
    a = hn::Add(a, value(Full(), i));
    b = hn::Add(b, value(Full(), i + step));
    c = hn::Add(c, value(Full(), i + 2 * step));
    d = hn::Add(d, value(Full(), i + 3 * step));
  }
  for (; i + step <= cols; i += step) a = hn::Add(a, value(Full(), i));
  if (i < cols) b = hn::Add(b, value(Part{size_t(cols - i)}, i));
  return sum_lanes(hn::Add(hn::Add(a, b), hn::Add(c, d)));
}

// y = (x − mean)·rstd·weight + bias. With `plus_one` the weight is 1 + weight.
template <bool plus_one, class Y>
void layer_norm_row(const float* x, const float* weight, const float* bias, Y* y, int64_t cols, float eps) {
  const float mean = sum_over(cols, [&](auto lanes, int64_t i) HWY_ATTR { return lanes.load(x + i); }) / float(cols);
  const V centre = set(mean);
  const float squares = sum_over(cols, [&](auto lanes, int64_t i) HWY_ATTR {
    const V off = hn::Sub(lanes.load(x + i), lanes.only(centre));
    return hn::Mul(off, off);
  });
  const V rstd = set(1.0f / std::sqrt(squares / float(cols) + eps));
  over(cols, [&](auto lanes, int64_t i) HWY_ATTR {
    V scale = lanes.load(weight + i);
    if (plus_one) scale = hn::Add(scale, set(1.0f));
    const V value = hn::Mul(hn::Sub(lanes.load(x + i), centre), rstd);
    lanes.store(hn::MulAdd(value, scale, lanes.load(bias + i)), y + i);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#endif
