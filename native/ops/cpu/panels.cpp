#include "ops/cpu/panels.h"

#include <algorithm>

#include "ops/cpu/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/panels.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR
// Four words of four rows.
HWY_INLINE void transpose_4x4(const int32_t* columns, int64_t step, int32_t* panel) {
  const hn::FixedTag<int32_t, 4> d;
  const hn::Repartition<int64_t, decltype(d)> wide;
  const auto a = hn::LoadU(d, columns), b = hn::LoadU(d, columns + step), c = hn::LoadU(d, columns + 2 * step),
             e = hn::LoadU(d, columns + 3 * step);
  const auto low_ab = hn::BitCast(wide, hn::InterleaveLower(d, a, b)), low_ce = hn::BitCast(wide, hn::InterleaveLower(d, c, e));
  const auto high_ab = hn::BitCast(wide, hn::InterleaveUpper(d, a, b)), high_ce = hn::BitCast(wide, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, low_ab, low_ce)), d, panel);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, low_ab, low_ce)), d, panel + kPanelColumns);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, high_ab, high_ce)), d, panel + 2 * kPanelColumns);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, high_ab, high_ce)), d, panel + 3 * kPanelColumns);
}
#endif

void transpose_kernel(const int32_t* columns, int64_t step, int64_t count, int64_t words, int32_t* panel) {
  constexpr int64_t kWords = 64;  // of every column at a time: source and panel then fit in L1
  for (int64_t first = 0; first < words; first += kWords) {
    const int64_t end = std::min(words, first + kWords);
    int64_t j = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; j + 4 <= count; j += 4) {
      const int32_t* from = columns + j * step;
      int64_t i = first;
      for (; i + 4 <= end; i += 4) transpose_4x4(from + i, step, panel + i * kPanelColumns + j);
      for (; i < end; ++i)
        for (int64_t r = 0; r < 4; ++r) panel[i * kPanelColumns + j + r] = from[r * step + i];
    }
#endif
    for (; j < count; ++j)
      for (int64_t i = first; i < end; ++i) panel[i * kPanelColumns + j] = columns[j * step + i];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(transpose_kernel);

void transpose_into_panel(const int32_t* columns, int64_t step, int64_t count, int64_t words, int32_t* panel) {
  HWY_DYNAMIC_DISPATCH(transpose_kernel)(columns, step, count, words, panel);
}

}  // namespace ts::cpu
#endif
