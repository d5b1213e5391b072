#include "ops/plain/element.h"
#include "ops/plain/plain.h"
#include "ops/resize_weights.h"

namespace ts::plain {

using ops::Frames;
using ops::Normalisation;
using ops::ResizeGeometry;
using ops::ResizeKind;

namespace {

struct Rgb {
  uint8_t channels[3];
};

// A pixel of a frame, as RGB.
Rgb pixel_of(const Frames& frames, const ops::YuvToRgb& to_rgb, int64_t frame, int64_t row, int64_t column) {
  Rgb rgb;
  const uint8_t* line = frames.pixels + frame * frames.frame_bytes + row * frames.row_bytes;
  if (frames.is_nv12()) {
    const uint8_t* pair = frames.chroma + frame * frames.chroma_frame_bytes + row / 2 * frames.chroma_row_bytes + column / 2 * 2;
    to_rgb(line[column], pair[0], pair[1], rgb.channels);
  } else {
    std::copy_n(line + column * 3, 3, rgb.channels);
  }
  return rgb;
}

}  // namespace

// Per frame: the rows that the vertical taps will ask for are resized horizontally into `narrow`, u8 [rows, width of y, 3],
// so even an 8K frame needs only height × size × 3 bytes. Padding is black, so its taps add nothing.
void resize(Context& ctx, const Tensor& y, const Frames& frames, const ResizeGeometry& g, ResizeKind kind) {
  const int64_t height = frames.height, width = frames.width, out_height = y.shape[1], out_width = y.shape[2];
  const Arena::Scope scope(ctx.arena());
  ops::ResizeWeights across(ctx, {g.padded_width, g.resized_width}, g.crop_left, out_width);
  ops::ResizeWeights down(ctx, {g.padded_height, g.resized_height}, g.crop_top, out_height);
  const Tensor narrow = ctx.arena().allocate<uint8_t>({height, out_width, 3});
  if (ctx.planning() || y.numel() == 0) return;
  if (!across.axis().is_identity()) across.compute(kind);
  if (!down.axis().is_identity()) down.compute(kind);

  const ops::ResizePadding rows{g.pad_top, height}, cols{g.pad_left, width};
  const bool copies_rows = down.axis().is_identity();
  const int64_t first_row = rows.clip(copies_rows ? g.crop_top : down.begin(0));
  const int64_t last_row = rows.clip(copies_rows ? g.crop_top + out_height : down.end(out_height - 1));
  uint8_t* between = narrow.as<uint8_t>();
  const ops::YuvToRgb to_rgb = ops::yuv_to_rgb(frames.color);

  for (int64_t frame = 0; frame < y.shape[0]; ++frame) {
    uint8_t* to = y.as<uint8_t>() + frame * out_height * out_width * 3;

    parallel_blocks(ctx.parallel(), last_row - first_row, 16, [&](int64_t begin, int64_t end) {
      for (int64_t row = first_row + begin; row < first_row + end; ++row)
        for (int64_t x = 0; x < out_width; ++x) {
          uint8_t* pixel = between + (row * out_width + x) * 3;
          if (across.axis().is_identity()) {
            const int64_t column = g.crop_left + x - g.pad_left;
            const Rgb rgb = column >= 0 && column < width ? pixel_of(frames, to_rgb, frame, row, column) : Rgb{};
            std::copy_n(rgb.channels, 3, pixel);
            continue;
          }
          int32_t sum[3] = {};
          for (int64_t i = cols.clip(across.begin(x)); i < cols.clip(across.end(x)); ++i) {
            const Rgb rgb = pixel_of(frames, to_rgb, frame, row, i);
            for (int c = 0; c < 3; ++c) sum[c] += across.weight(x, g.pad_left + i) * rgb.channels[c];
          }
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
