// Vectors of floats over f32 or bf16 memory, for the kernels of this folder. Included once per instruction set
// (Highway's foreach_target), hence the guard that toggles.
#if defined(TS_OPS_CPU_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef TS_OPS_CPU_SIMD_INL_H
#undef TS_OPS_CPU_SIMD_INL_H
#else
#define TS_OPS_CPU_SIMD_INL_H
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

#include <hwy/highway.h>

#include "core/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using DU = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;

HWY_INLINE V set(float value) { return hn::Set(D(), value); }
HWY_INLINE V zero() { return hn::Zero(D()); }

HWY_INLINE V widen(hn::Vec<hn::Rebind<uint16_t, D>> bits) {
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(DU(), bits)));
}
// Round to nearest, ties to even; NaN stays NaN. As to_bf16 of core/dtype.h.
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, D>> narrow(V value) {
  const DU du;
  const auto bits = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF))));
  const auto quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(du, 0x40));
  const auto result = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(value)), quiet, rounded);
  return hn::DemoteTo(hn::Rebind<uint16_t, D>(), hn::BitCast(DI(), result));
}

// A whole vector in memory.
struct Full {
  HWY_INLINE V only_or(V value, float) const { return value; }
  HWY_INLINE V only(V value) const { return value; }
  HWY_INLINE V load(const float* from) const { return hn::LoadU(D(), from); }
  HWY_INLINE V load(const bf16* from) const {
    return widen(hn::LoadU(hn::Rebind<uint16_t, D>(), reinterpret_cast<const uint16_t*>(from)));
  }
  HWY_INLINE void store(V value, float* to) const { hn::StoreU(value, D(), to); }
  HWY_INLINE void store(V value, bf16* to) const {
    hn::StoreU(narrow(value), hn::Rebind<uint16_t, D>(), reinterpret_cast<uint16_t*>(to));
  }
};

// The first `count` lanes; the others are zero and never touch memory.
struct Part {
  size_t count;
  // The value, with the lanes beyond set to `other` or zero.
  HWY_INLINE V only_or(V value, float other) const { return hn::IfThenElse(hn::FirstN(D(), count), value, set(other)); }
  HWY_INLINE V only(V value) const { return hn::IfThenElseZero(hn::FirstN(D(), count), value); }
  HWY_INLINE V load(const float* from) const { return load_lanes<float>(from); }
  HWY_INLINE V load(const bf16* from) const { return load_lanes<bf16>(from); }
  HWY_INLINE void store(V value, float* to) const { store_lanes(value, to); }
  HWY_INLINE void store(V value, bf16* to) const { store_lanes(value, to); }

 private:
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL  // masked lanes touch no memory
  template <class T>
  using Bits = std::conditional_t<sizeof(T) == 4, float, uint16_t>;
  template <class T>
  HWY_INLINE V load_lanes(const T* from) const {
    const hn::Rebind<Bits<T>, D> d;
    const auto lanes = hn::MaskedLoad(hn::FirstN(d, count), d, reinterpret_cast<const Bits<T>*>(from));
    if constexpr (sizeof(T) == 4) return lanes;
    else return widen(lanes);
  }
  HWY_INLINE void store_lanes(V value, float* to) const { hn::BlendedStore(value, hn::FirstN(D(), count), D(), to); }
  HWY_INLINE void store_lanes(V value, bf16* to) const {
    const hn::Rebind<uint16_t, D> d;
    hn::BlendedStore(narrow(value), hn::FirstN(d, count), d, reinterpret_cast<uint16_t*>(to));
  }
#else
  template <class T>
  HWY_INLINE V load_lanes(const T* from) const {
    alignas(64) T lanes[hn::MaxLanes(D())] = {};
    std::memcpy(lanes, from, count * sizeof(T));
    return Full().load(lanes);
  }
  template <class T>
  HWY_INLINE void store_lanes(V value, T* to) const {
    alignas(64) T lanes[hn::MaxLanes(D())];
    Full().store(value, lanes);
    std::memcpy(to, lanes, count * sizeof(T));
  }
#endif
};

// Calls body(lanes, i) for i = 0, L, 2L … below `count`; the last lanes may be a Part.
template <class Body>
HWY_INLINE void over(int64_t count, const Body& body) {
  const int64_t step = int64_t(hn::Lanes(D()));
  int64_t i = 0;
  for (; i + step <= count; i += step) body(Full(), i);
  if (i < count) body(Part{size_t(count - i)}, i);
}

HWY_INLINE float sum_lanes(V value) { return hn::GetLane(hn::SumOfLanes(D(), value)); }
HWY_INLINE float max_lanes(V value) { return hn::GetLane(hn::MaxOfLanes(D(), value)); }

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#endif
