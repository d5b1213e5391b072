#include <algorithm>
#include <cmath>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"

namespace ts::plain {
namespace {

using ops::Normalisation;
using ops::ResizeGeometry;
using ops::ResizeKind;

constexpr int kPilBits = 22, kTorchvisionWeightBits = 15;

// Keys' cubic convolution kernel with a = −0.5.
double cubic(double z) {
  z = std::fabs(z);
  if (z < 1) return (1.5 * z - 2.5) * z * z + 1;
  if (z < 2) return ((-0.5 * z + 2.5) * z - 4) * z + 2;
  return 0;
}

// One axis of a resize, from `from` to `to` samples (spec 05 §2).
struct Axis {
  int64_t from, to;
  double scale() const { return double(from) / double(to); }
  double filter() const { return std::max(scale(), 1.0); }
  bool is_identity() const { return from == to; }
  int64_t max_taps() const { return std::min(from, int64_t(4 * filter()) + 3); }

  struct Taps { int64_t begin, end; double centre, sum; };
  Taps taps(int64_t x) const {
    const double f = filter(), centre = (double(x) + 0.5) * scale();
    Taps taps{std::max<int64_t>(0, int64_t(centre - 2 * f + 0.5)), std::min(from, int64_t(centre + 2 * f + 0.5)), centre, 0};
    for (int64_t i = taps.begin; i < taps.end; ++i) taps.sum += kernel(taps, i);
    return taps;
  }
  double kernel(const Taps& taps, int64_t i) const { return cubic((double(i) - taps.centre + 0.5) / filter()); }
  double weight(const Taps& taps, int64_t i) const { return kernel(taps, i) / taps.sum; }

  // Bits behind the point of the integer weights.
  int precision(ResizeKind kind) const {
    if (kind == ResizeKind::pil) return kPilBits;
    double largest = 0;
    for (int64_t x = 0; x < to; ++x) {
      const Taps t = taps(x);
      for (int64_t i = t.begin; i < t.end; ++i) largest = std::max(largest, weight(t, i));
    }
    int bits = kPilBits;
    while (bits > 0 && std::floor(0.5 + largest * double(int64_t(1) << bits)) >= double(1 << kTorchvisionWeightBits)) --bits;
    return bits;
  }
};

// Integer weights of the outputs [first, first + count) of one axis: row x holds begin, number of taps, weights.
struct WeightTable {
  Axis axis;
  int64_t first, count;
  Tensor memory;  // i32 [count, 2 + max_taps]
  int bits = 0;

  WeightTable(Context& ctx, Axis axis, int64_t first, int64_t count)
      : axis(axis), first(first), count(count), memory(ctx.arena().allocate<int32_t>({count, 2 + axis.max_taps()})) {}

  const int32_t* row(int64_t x) const { return memory.as<int32_t>() + x * memory.cols(); }
  int64_t begin(int64_t x) const { return row(x)[0]; }
  int64_t end(int64_t x) const { return row(x)[0] + row(x)[1]; }
  int32_t weight(int64_t x, int64_t position) const { return row(x)[2 + position - begin(x)]; }

  void compute(ResizeKind kind) {
    bits = axis.precision(kind);
    for (int64_t x = 0; x < count; ++x) {
      int32_t* entry = memory.as<int32_t>() + x * memory.cols();
      const Axis::Taps taps = axis.taps(first + x);
      entry[0] = int32_t(taps.begin);
      entry[1] = int32_t(taps.end - taps.begin);
      for (int64_t i = taps.begin; i < taps.end; ++i)  // halves away from zero
        entry[2 + i - taps.begin] = int32_t(std::lround(axis.weight(taps, i) * double(int64_t(1) << bits)));
    }
  }
  uint8_t round(int32_t sum) const { return uint8_t(std::clamp((sum + ((1 << bits) >> 1)) >> bits, 0, 255)); }
};

// One axis of the picture inside its black padding: positions [pad, pad + size) are real.
struct Padding {
  int64_t pad, size;
  int64_t clip(int64_t position) const { return std::clamp<int64_t>(position - pad, 0, size); }
};

}  // namespace

// Per frame: the rows that the vertical taps will ask for are resized horizontally into `narrow`, u8 [rows, width of y, 3],
// so even an 8K frame needs only height × size × 3 bytes. Padding is black, so its taps add nothing.
void resize(Context& ctx, const Tensor& y, const uint8_t* pixels, int64_t height, int64_t width, int64_t row_bytes,
            int64_t frame_bytes, const ResizeGeometry& g, ResizeKind kind) {
  const int64_t out_height = y.shape[1], out_width = y.shape[2];
  const Arena::Scope scope(ctx.arena());
  WeightTable across(ctx, {g.padded_width, g.resized_width}, g.crop_left, out_width);
  WeightTable down(ctx, {g.padded_height, g.resized_height}, g.crop_top, out_height);
  const Tensor narrow = ctx.arena().allocate<uint8_t>({height, out_width, 3});
  if (ctx.planning() || y.numel() == 0) return;
  if (!across.axis.is_identity()) across.compute(kind);
  if (!down.axis.is_identity()) down.compute(kind);

  const Padding rows{g.pad_top, height}, cols{g.pad_left, width};
  const bool copies_rows = down.axis.is_identity();
  const int64_t first_row = rows.clip(copies_rows ? g.crop_top : down.begin(0));
  const int64_t last_row = rows.clip(copies_rows ? g.crop_top + out_height : down.end(out_height - 1));
  uint8_t* between = narrow.as<uint8_t>();

  for (int64_t frame = 0; frame < y.shape[0]; ++frame) {
    const uint8_t* source = pixels + frame * frame_bytes;
    uint8_t* to = y.as<uint8_t>() + frame * out_height * out_width * 3;

    parallel_blocks(ctx.parallel(), last_row - first_row, 16, [&](int64_t begin, int64_t end) {
      for (int64_t row = first_row + begin; row < first_row + end; ++row)
        for (int64_t x = 0; x < out_width; ++x) {
          const uint8_t* from = source + row * row_bytes;
          uint8_t* pixel = between + (row * out_width + x) * 3;
          if (across.axis.is_identity()) {
            const int64_t column = g.crop_left + x - g.pad_left;
            for (int c = 0; c < 3; ++c) pixel[c] = column >= 0 && column < width ? from[column * 3 + c] : 0;
            continue;
          }
          int32_t sum[3] = {};
          for (int64_t i = cols.clip(across.begin(x)); i < cols.clip(across.end(x)); ++i)
            for (int c = 0; c < 3; ++c) sum[c] += across.weight(x, g.pad_left + i) * from[i * 3 + c];
          for (int c = 0; c < 3; ++c) pixel[c] = across.round(sum[c]);
        }
    });
    parallel_blocks(ctx.parallel(), out_height, 8, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t i = 0; i < out_width * 3; ++i) {
          uint8_t& pixel = to[row * out_width * 3 + i];
          if (copies_rows) {
            const int64_t line = g.crop_top + row - g.pad_top;
            pixel = line >= 0 && line < height ? between[line * out_width * 3 + i] : 0;
            continue;
          }
          int32_t sum = 0;
          for (int64_t line = rows.clip(down.begin(row)); line < rows.clip(down.end(row)); ++line)
            sum += down.weight(row, g.pad_top + line) * between[line * out_width * 3 + i];
          pixel = down.round(sum);
        }
    });
  }
}

namespace {

// The f32 arithmetic of the reference, operation by operation.
float normalised(uint8_t value, int channel, Normalisation normalisation) {
  constexpr float kMean[] = {0.48145466f, 0.4578275f, 0.40821073f}, kStd[] = {0.26862954f, 0.26130258f, 0.27577711f};
  const float u = float(value), mean = kMean[channel], std = kStd[channel];
  switch (normalisation) {
    case Normalisation::clip_slow: return (u / 255.0f - mean) / std;
    case Normalisation::clip_fast: return (u - 255.0f * mean) / (255.0f * std);
    case Normalisation::sync: return (u * (1.0f / 255.0f) - 0.5f) / 0.5f;
  }
  return 0;
}

}  // namespace

void normalise(Context& ctx, const Tensor& y, const Tensor& x, Normalisation normalisation) {
  if (ctx.planning()) return;
  float values[3][256];
  for (int channel = 0; channel < 3; ++channel)
    for (int value = 0; value < 256; ++value) values[channel][value] = normalised(uint8_t(value), channel, normalisation);
  const int64_t area = x.shape[1] * x.shape[2];
  const uint8_t* from = x.as<uint8_t>();
  float* to = y.as<float>();
  parallel_blocks(ctx.parallel(), x.shape[0] * 3, 1, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane)
      for (int64_t i = 0; i < area; ++i) to[plane * area + i] = values[plane % 3][from[(plane / 3 * area + i) * 3 + plane % 3]];
  });
}

void patchify(Context& ctx, const Tensor& y, const Tensor& x, int64_t frames_per_patch, int64_t patch) {
  if (ctx.planning()) return;
  const int64_t height = x.shape[2], width = x.shape[3], across = width / patch, sites = y.shape[1], cols = y.shape[2];
  const float* from = x.as<float>();
  visit(y, [&](auto* to) {
    parallel_blocks(ctx.parallel(), y.rows(), rows_per_task(cols), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t site = row % sites, top = site / across * patch, left = site % across * patch;
        auto* element = to + row * cols;
        for (int64_t c = 0; c < 3; ++c)
          for (int64_t t = 0; t < frames_per_patch; ++t) {
            const int64_t frame = row / sites * frames_per_patch + t;
            const float* plane = from + (frame * 3 + c) * height * width;
            for (int64_t i = 0; i < patch; ++i)
              for (int64_t j = 0; j < patch; ++j) store(*element++, plane[(top + i) * width + left + j]);
          }
      }
    });
  });
}

}  // namespace ts::plain
