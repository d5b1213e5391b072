// The two-pass bicubic on blocks of 16 picture rows that are turned on their side: every tap is then one load of 16
// neighbouring bytes, one multiplication and one addition, whatever its weight. All sums are exact integers, so the
// bytes are those of the plain loops. Rows in NV12 become RGB first, a vector of pixels at a time.
//
//   16 rows of the picture ─ transpose ─ [3·width, 16] ─ taps along the width ─ [3·out_width, 16] ─ transpose ─
//   16 rows of `narrow` [height, 3·out_width] ─ taps along the height ─ y
#include <cstring>

#include "ops/cpu/cpu.h"
#include "ops/cpu/scratch.h"
#include "ops/resize_weights.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/image.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

using ops::ResizePadding;
using ops::ResizeWeights;

constexpr int64_t kBlock = 16;

// A square of bytes. Rows are `from_step` and `to_step` bytes apart.
void transpose_16x16(const uint8_t* from, int64_t from_step, uint8_t* to, int64_t to_step) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t i = 0; i < kBlock; ++i)
    for (int64_t j = 0; j < kBlock; ++j) to[j * to_step + i] = from[i * from_step + j];
#else
  // Four perfect shuffles of the rows.
  const hn::FixedTag<uint8_t, 16> d;
  hn::Vec<decltype(d)> a[16], b[16];
  for (int i = 0; i < 16; ++i) a[i] = hn::LoadU(d, from + i * from_step);
  for (int pass = 0; pass < 4; ++pass) {
    for (int i = 0; i < 8; ++i) {
      b[2 * i] = hn::InterleaveLower(d, a[i], a[i + 8]);
      b[2 * i + 1] = hn::InterleaveUpper(d, a[i], a[i + 8]);
    }
    for (int i = 0; i < 16; ++i) a[i] = b[i];
  }
  for (int i = 0; i < 16; ++i) hn::StoreU(a[i], d, to + i * to_step);
#endif
}

// A row of NV12 as RGB: `to` holds 3·width bytes.
void nv12_row(const ops::YuvToRgb& to_rgb, const uint8_t* luma, const uint8_t* chroma, int64_t width, uint8_t* to) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  // A lane of 16 bits holds two neighbours and, of the chroma, their pair; each half of it is a number of its own.
  const hn::ScalableTag<uint8_t> d8;
  const hn::RepartitionToWide<decltype(d8)> d16;
  const hn::RebindToSigned<decltype(d16)> di;
  const auto low = [&](auto pair) { return hn::BitCast(di, hn::And(pair, hn::Set(d16, 0xFF))); };
  const auto high = [&](auto pair) { return hn::BitCast(di, hn::ShiftRight<8>(pair)); };
  const auto factor = [&](int32_t value) { return hn::Set(di, int16_t(value)); };
  const auto scaled = [&](auto value, int32_t zero, int32_t by) {
    return hn::MulHigh(hn::ShiftLeft<3>(hn::Sub(value, factor(zero))), factor(by));
  };
  const auto byte = [&](auto value) { return hn::BitCast(d16, hn::Min(hn::Max(value, hn::Zero(di)), factor(255))); };
  const int64_t lanes = int64_t(hn::Lanes(d8));
  for (; i + lanes <= width; i += lanes) {
    const auto pixels = hn::BitCast(d16, hn::LoadU(d8, luma + i)), pairs = hn::BitCast(d16, hn::LoadU(d8, chroma + i));
    const auto even = scaled(low(pixels), to_rgb.black, to_rgb.y), odd = scaled(high(pixels), to_rgb.black, to_rgb.y);
    const auto red = scaled(high(pairs), 128, to_rgb.rv), blue = scaled(low(pairs), 128, to_rgb.bu);
    const auto green = hn::Add(scaled(low(pairs), 128, to_rgb.gu), scaled(high(pairs), 128, to_rgb.gv));
    const auto both = [&](auto color) {
      return hn::BitCast(d8, hn::Or(byte(hn::Add(even, color)), hn::ShiftLeft<8>(byte(hn::Add(odd, color)))));
    };
    hn::StoreInterleaved3(both(red), both(green), both(blue), d8, to + 3 * i);
  }
#endif
  for (; i < width; ++i) to_rgb(luma[i], chroma[i / 2 * 2], chroma[i / 2 * 2 + 1], to + 3 * i);
}

// Σ weight(x, position)·from(position) over the positions that exist, rounded to bytes, `count` neighbours at a time.
template <class From>
HWY_INLINE void apply_taps(const ResizeWeights& weights, int64_t x, const ResizePadding& padding, const From& from, int64_t count, uint8_t* to) {
  const DI d;
  const hn::Rebind<uint8_t, DI> d8;
  const int64_t lanes = int64_t(hn::Lanes(d)), begin = padding.clip(weights.begin(x)), end = padding.clip(weights.end(x));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto sum = hn::Set(d, weights.half());
    for (int64_t position = begin; position < end; ++position)
      sum = hn::Add(sum, hn::Mul(hn::Set(d, weights.weight(x, padding.pad + position)), hn::PromoteTo(d, hn::LoadU(d8, from(position) + i))));
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRightSame(sum, weights.bits())), d8, to + i);
  }
  for (; i < count; ++i) {
    int32_t sum = 0;
    for (int64_t position = begin; position < end; ++position) sum += weights.weight(x, padding.pad + position) * from(position)[i];
    to[i] = weights.round(sum);
  }
}

// `count` ≤ 16 rows of the picture, 3·width bytes each → rows of 3·out_width bytes. `turned` holds [3·width, 16] and
// `resized` [3·out_width, 16], both with room for 16 rows more.
void resize_across(const ResizeWeights& weights, const ResizePadding& columns, const uint8_t* rows, int64_t row_bytes, int64_t count,
                   int64_t out_width, uint8_t* turned, uint8_t* resized, uint8_t* to) {
  const int64_t first = columns.clip(weights.begin(0)) * 3, last = columns.clip(weights.end(out_width - 1)) * 3;
  for (int64_t i = first; i < last; i += kBlock) {
    if (count == kBlock && i + kBlock <= last) {
      transpose_16x16(rows + i, row_bytes, turned + i * kBlock, kBlock);
      continue;
    }
    for (int64_t j = i; j < std::min(last, i + kBlock); ++j)
      for (int64_t r = 0; r < kBlock; ++r) turned[j * kBlock + r] = rows[std::min(r, count - 1) * row_bytes + j];
  }
  for (int64_t x = 0; x < out_width; ++x)
    for (int64_t c = 0; c < 3; ++c)
      apply_taps(weights, x, columns, [&](int64_t position) { return turned + (position * 3 + c) * kBlock; }, kBlock,
                 resized + (x * 3 + c) * kBlock);
  for (int64_t i = 0; i < 3 * out_width; i += kBlock) {
    if (count == kBlock && i + kBlock <= 3 * out_width) {
      transpose_16x16(resized + i * kBlock, kBlock, to + i, 3 * out_width);
      continue;
    }
    for (int64_t j = i; j < std::min(3 * out_width, i + kBlock); ++j)
      for (int64_t r = 0; r < count; ++r) to[r * 3 * out_width + j] = resized[j * kBlock + r];
  }
}

// Row x of the result from the rows of `narrow`, `bytes` each.
void resize_down(const ResizeWeights& weights, const ResizePadding& rows, int64_t x, const uint8_t* narrow, int64_t bytes, uint8_t* to) {
  apply_taps(weights, x, rows, [&](int64_t position) { return narrow + position * bytes; }, bytes, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(nv12_row);
HWY_EXPORT(resize_across);
HWY_EXPORT(resize_down);

namespace {

constexpr int64_t kBlock = 16;  // rows that are resized together

// Columns [left, left + out_width) of a row of the padded picture, as they are.
void crop_row(const uint8_t* row, const ops::ResizePadding& columns, int64_t left, int64_t out_width, uint8_t* to) {
  const int64_t begin = columns.clip(left), end = columns.clip(left + out_width), skipped = columns.pad + begin - left;
  std::memset(to, 0, size_t(3 * out_width));
  if (begin < end) std::memcpy(to + 3 * skipped, row + 3 * begin, size_t(3 * (end - begin)));
}

}  // namespace

void resize(Context& ctx, const Tensor& y, const ops::Frames& frames, const ops::ResizeGeometry& g, ops::ResizeKind kind) {
  const int64_t height = frames.height, width = frames.width, out_height = y.shape[1], out_width = y.shape[2], out_bytes = 3 * out_width;
  const Arena::Scope scope(ctx.arena());
  ops::ResizeWeights across(ctx, {g.padded_width, g.resized_width}, g.crop_left, out_width);
  ops::ResizeWeights down(ctx, {g.padded_height, g.resized_height}, g.crop_top, out_height);
  const Tensor narrow = ctx.arena().allocate<uint8_t>({height, out_bytes});
  const auto carve = [&](Carver& carver) {
    struct {
      uint8_t *turned, *resized, *rgb;
    } pieces{carver.take<uint8_t>((3 * width + kBlock) * kBlock), carver.take<uint8_t>((out_bytes + kBlock) * kBlock),
             carver.take<uint8_t>(frames.is_nv12() ? 3 * width * kBlock : 0)};
    return pieces;
  };
  Carver size;
  carve(size);
  ScratchSlots slots(ctx, size.used());
  if (ctx.planning() || y.numel() == 0) return;
  if (!across.axis().is_identity()) across.compute(kind);
  if (!down.axis().is_identity()) down.compute(kind);

  const ops::ResizePadding rows{g.pad_top, height}, columns{g.pad_left, width};
  const bool copies_rows = down.axis().is_identity();
  const int64_t first_row = rows.clip(copies_rows ? g.crop_top : down.begin(0));
  const int64_t last_row = rows.clip(copies_rows ? g.crop_top + out_height : down.end(out_height - 1));
  const ops::YuvToRgb to_rgb = ops::yuv_to_rgb(frames.color);
  for (int64_t frame = 0; frame < y.shape[0]; ++frame) {
    auto* between = narrow.as<uint8_t>();
    uint8_t* to = y.as<uint8_t>() + frame * out_height * out_bytes;
    parallel_blocks(ctx.parallel(), last_row - first_row, kBlock, [&](int64_t begin, int64_t end) {
      const ScratchSlots::Lease lease(slots);
      Carver carver(lease.data());
      const auto [turned, resized, rgb] = carve(carver);
      const uint8_t* source = frames.pixels + frame * frames.frame_bytes + (first_row + begin) * frames.row_bytes;
      int64_t row_bytes = frames.row_bytes;
      uint8_t* target = between + (first_row + begin) * out_bytes;
      if (frames.is_nv12()) {
        const uint8_t* chroma = frames.chroma + frame * frames.chroma_frame_bytes;
        for (int64_t r = 0; r < end - begin; ++r)
          HWY_DYNAMIC_DISPATCH(nv12_row)(to_rgb, source + r * row_bytes, chroma + (first_row + begin + r) / 2 * frames.chroma_row_bytes, width,
                                         rgb + r * 3 * width);
        source = rgb;
        row_bytes = 3 * width;
      }
      if (across.axis().is_identity()) {
        for (int64_t r = 0; r < end - begin; ++r) crop_row(source + r * row_bytes, columns, g.crop_left, out_width, target + r * out_bytes);
        return;
      }
      HWY_DYNAMIC_DISPATCH(resize_across)(across, columns, source, row_bytes, end - begin, out_width, turned, resized, target);
    });
    parallel_blocks(ctx.parallel(), out_height, kBlock, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        uint8_t* target = to + row * out_bytes;
        const int64_t line = g.crop_top + row - g.pad_top;
        if (!copies_rows) HWY_DYNAMIC_DISPATCH(resize_down)(down, rows, row, between, out_bytes, target);
        else if (line >= 0 && line < height) std::memcpy(target, between + line * out_bytes, size_t(out_bytes));
        else std::memset(target, 0, size_t(out_bytes));
      }
    });
  }
}

}  // namespace ts::cpu
#endif
