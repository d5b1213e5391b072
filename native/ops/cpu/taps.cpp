#include "ops/cpu/taps.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/taps.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

HWY_INLINE V rounded_to_bf16(V value) { return widen(narrow(value)); }

template <class From, class To, bool round>
void convert_all(const From* from, To* to, int64_t count) {
  over(count, [&](auto lanes, int64_t i) HWY_ATTR {
    const V value = lanes.load(from + i);
    lanes.store(round ? rounded_to_bf16(value) : value, to + i);
  });
}

void convert_kernel(const void* from, DType from_type, void* to, DType to_type, DType storage, int64_t count) {
  const auto *f = static_cast<const float*>(from);
  const auto *b = static_cast<const bf16*>(from);
  if (from_type == DType::f32 && to_type == DType::bf16) return convert_all<float, bf16, false>(f, static_cast<bf16*>(to), count);
  if (from_type == DType::bf16 && to_type == DType::f32) return convert_all<bf16, float, false>(b, static_cast<float*>(to), count);
  if (from_type == DType::f32 && storage == DType::bf16) return convert_all<float, float, true>(f, static_cast<float*>(to), count);
  std::memcpy(to, from, size_t(count) * size_of(to_type));
}

template <class To, bool round>
void convert_snake_all(const float* from, const float* a, const float* inv_b, To* to, int64_t count) {
  over(count, [&](auto lanes, int64_t i) HWY_ATTR {
    const V value = snake(lanes.load(from + i), lanes.load(a + i), lanes.load(inv_b + i));
    lanes.store(round ? rounded_to_bf16(value) : value, to + i);
  });
}

void convert_snake_kernel(const float* from, const float* a, const float* inv_b, void* to, DType to_type, DType storage, int64_t count) {
  if (!a) return convert_kernel(from, DType::f32, to, to_type, storage, count);
  if (to_type == DType::bf16) return convert_snake_all<bf16, false>(from, a, inv_b, static_cast<bf16*>(to), count);
  if (storage == DType::bf16) return convert_snake_all<float, true>(from, a, inv_b, static_cast<float*>(to), count);
  convert_snake_all<float, false>(from, a, inv_b, static_cast<float*>(to), count);
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(convert_kernel);
HWY_EXPORT(convert_snake_kernel);

void convert(const void* from, DType from_type, void* to, DType to_type, DType storage, int64_t count) {
  HWY_DYNAMIC_DISPATCH(convert_kernel)(from, from_type, to, to_type, storage, count);
}

void convert_snake(const float* from, const float* a, const float* inv_b, void* to, DType to_type, DType storage, int64_t count) {
  HWY_DYNAMIC_DISPATCH(convert_snake_kernel)(from, a, inv_b, to, to_type, storage, count);
}

void lay_taps(const SourceRows& source, const TapGeometry& geometry, int64_t m_begin, int64_t m_end, void* to) {
  auto* out = static_cast<std::byte*>(to);
  const auto* rows = static_cast<const std::byte*>(source.data) - source.begin * source.row_bytes;
  const int64_t bytes = source.row_bytes;
  // Rows [row, row + count) of x, one after the other.
  const auto put = [&](int64_t row, int64_t count) {
    if (row >= source.begin && row + count <= source.end) [[likely]] {
      std::memcpy(out, rows + row * bytes, size_t(count * bytes));
    } else {
      const int64_t begin = std::clamp(row, source.begin, source.end), end = std::clamp(row + count, begin, source.end);
      std::memset(out, 0, size_t(count * bytes));
      if (begin < end) std::memcpy(out + (begin - row) * bytes, rows + begin * bytes, size_t((end - begin) * bytes));
    }
    out += count * bytes;
  };
  for (int64_t m = m_begin; m < m_end; ++m) {
    if (geometry.dilation == 1) {
      put(geometry.first(m), geometry.taps);
    } else {
      for (int64_t j = 0; j < geometry.taps; ++j) put(geometry.first(m) + j * geometry.dilation, 1);
    }
  }
}

}  // namespace ts::cpu
#endif
