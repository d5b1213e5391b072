// Frames on their way into the vision towers: the exact two-pass bicubic, normalisation, patches.
//
//   frames on the host ─ copy, 32 MB at a time ─► [f, h, w, 3] u8 ─ taps along the width ─► [f, h, size, 3]
//                                                    ─ taps along the height ─► y [f, size, size, 3] u8
//
// Frames in NV12 are copied as they are, half the bytes, and become RGB where a tap reads them (yuv.h). A pass is as many frames as fit into 32 MB; of larger frames one, which then comes in bands of rows.
//
// Shapes   any picture up to 2²⁰ a side, y as ops/image.h has it. Sums of taps are exact integers, so the bytes are the
//          reference's whatever the order.
// Launch   one thread per pixel across, per byte down; weights are worked out on the host (resize_weights.h), 224 × 30
//          integers for a 1080p frame.
// Cost     a 1080p frame is 6.2 MB over the bus (0.1 ms at 55 GB/s) and one read of it on the card (2 µs of an H200's
//          4.8 TB/s): the bus decides. In NV12 half of both, and some 20 integer operations for each of the ~4 taps that
//          read a pixel: 1.7 · 10⁸, still below the bus. normalise reads 1 B and writes 4 per element, patchify 4 and 2 to 4.
// Source   spec 05 §§2, 4; ops/plain/image.cpp.
#include <algorithm>
#include <vector>

#include "ops/cuda/cuda.h"
#include "ops/cuda/devices.h"
#include "ops/cuda/element.h"
#include "ops/cuda/launch.h"
#include "ops/resize_weights.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kPassBytes = 32 << 20;  // of source pixels on the device at a time
constexpr int64_t kMostFrames = 65535;    // of a grid's second axis

__device__ uint8_t to_byte(int32_t value) { return uint8_t(value < 0 ? 0 : value > 255 ? 255 : value); }

// One axis of the resize as kernels read it: ResizeWeights' rows of begin, number and weights.
struct Taps {
  const int32_t* rows = nullptr;  // null: the axis keeps its size
  int64_t row_length = 0, pad = 0, size = 0;
  int32_t half = 0;
  int bits = 0;

  __device__ int64_t clip(int64_t position) const {
    const int64_t inside = position - pad;
    return inside < 0 ? 0 : inside > size ? size : inside;
  }
  // Calls add(weight, position) for the positions that exist: where there are none, the picture is black.
  template <class Add>
  __device__ void apply(int64_t x, const Add& add) const {
    const int32_t* row = rows + x * row_length;
    for (int64_t i = clip(row[0]); i < clip(row[0] + row[1]); ++i) add(row[2 + pad + i - row[0]], i);
  }
  __device__ uint8_t round(int32_t sum) const { return to_byte((sum + half) >> bits); }
};

struct Rgb {
  int32_t r = 0, g = 0, b = 0;
};

// Source rows on the device, without gaps: those of a frame, then those of the next.
struct Source {
  const uint8_t *pixels, *chroma;  // chroma null: RGB
  int64_t width, num_rows, num_chroma_rows;  // rows of each frame that are here
  int64_t odd;                     // 1 where the first of them is the second of its pair
  ops::YuvToRgb to_rgb;

  // Calls with(pixel), where pixel(column) is an Rgb.
  template <class With>
  __device__ void row(int64_t row, const With& with) const {
    if (!chroma) {
      const uint8_t* line = pixels + row * width * 3;
      with([=](int64_t column) { return Rgb{line[column * 3], line[column * 3 + 1], line[column * 3 + 2]}; });
      return;
    }
    const uint8_t* line = pixels + row * width;
    const uint8_t* pairs = chroma + (row / num_rows * num_chroma_rows + (row % num_rows + odd) / 2) * ((width + 1) / 2 * 2);
    with([=, f = to_rgb](int64_t column) {
      const int64_t pair = column / 2 * 2;
      const int32_t l = (8 * (line[column] - f.black) * f.y) >> 16, u = 8 * (pairs[pair] - 128), v = 8 * (pairs[pair + 1] - 128);
      return Rgb{to_byte(l + ((v * f.rv) >> 16)), to_byte(l + ((u * f.gu) >> 16) + ((v * f.gv) >> 16)), to_byte(l + ((u * f.bu) >> 16))};
    });
  }
};

// `left` is where the window begins, counted in the resized picture.
__global__ void resize_across_kernel(uint8_t* narrow, Source source, Taps taps, int64_t left, int64_t num_rows, int64_t out_width) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= num_rows * out_width) return;
  const int64_t row = i / out_width, x = i % out_width;
  source.row(row, [&](const auto& pixel) {
    Rgb value;
    if (taps.rows) {
      taps.apply(x, [&](int32_t weight, int64_t column) {
        const Rgb from = pixel(column);
        value = {value.r + weight * from.r, value.g + weight * from.g, value.b + weight * from.b};
      });
      value = {taps.round(value.r), taps.round(value.g), taps.round(value.b)};
    } else if (const int64_t column = left + x - taps.pad; column >= 0 && column < taps.size) {
      value = pixel(column);
    }
    uint8_t* to = narrow + i * 3;
    to[0] = uint8_t(value.r);
    to[1] = uint8_t(value.g);
    to[2] = uint8_t(value.b);
  });
}

// `narrow` holds rows [first, first + num_rows) of every frame.
__global__ void resize_down_kernel(uint8_t* y, const uint8_t* narrow, Taps taps, int64_t top, int64_t first, int64_t num_rows, int64_t out_height,
                                   int64_t row_bytes) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= out_height * row_bytes) return;
  const int64_t row = i / row_bytes;
  const uint8_t* from = narrow + (int64_t(blockIdx.y) * num_rows - first) * row_bytes + i % row_bytes;
  int32_t value = 0;
  if (taps.rows) {
    taps.apply(row, [&](int32_t weight, int64_t line) { value += weight * from[line * row_bytes]; });
    value = taps.round(value);
  } else if (const int64_t line = top + row - taps.pad; line >= 0 && line < taps.size) {
    value = from[line * row_bytes];
  }
  y[int64_t(blockIdx.y) * out_height * row_bytes + i] = uint8_t(value);
}

// One axis: weights on the host, and their place on the device.
class Axis {
 public:
  Axis(Context& ctx, ops::ResizeAxis axis, int64_t first, int64_t count)
      : axis_(axis), first_(first), count_(count), device_(ctx.arena().allocate<int32_t>({count, 2 + axis.max_taps()})) {}

  // Sets [begin, end) to the positions of the source that the axis reads. Not for an empty axis.
  Taps upload(Context& ctx, ops::ResizeKind kind, ops::ResizePadding padding, int64_t& begin, int64_t& end) {
    begin = padding.clip(first_);
    end = padding.clip(first_ + count_);
    Taps taps{.pad = padding.pad, .size = padding.size};
    if (axis_.is_identity()) return taps;
    std::vector<int32_t> memory(size_t(device_.numel()));
    ops::ResizeWeights weights(tensor_of(memory.data(), device_.shape), axis_, first_);
    weights.compute(kind);
    copy_to_device(device_of(ctx.table()), device_.data, memory.data(), device_.bytes());
    begin = padding.clip(weights.begin(0));
    end = padding.clip(weights.end(count_ - 1));
    taps.rows = device_.as<int32_t>();
    taps.row_length = device_.cols();
    taps.half = weights.half();
    taps.bits = weights.bits();
    return taps;
  }

 private:
  ops::ResizeAxis axis_;
  int64_t first_, count_;
  Tensor device_;
};

__device__ float normalised(float u, int channel, ops::Normalisation normalisation) {
  constexpr float kMean[] = {0.48145466f, 0.4578275f, 0.40821073f}, kStd[] = {0.26862954f, 0.26130258f, 0.27577711f};
  const float mean = channel == 0 ? kMean[0] : channel == 1 ? kMean[1] : kMean[2], std = channel == 0 ? kStd[0] : channel == 1 ? kStd[1] : kStd[2];
  switch (normalisation) {
    case ops::Normalisation::clip_slow: return (u / 255.0f - mean) / std;
    case ops::Normalisation::clip_fast: return (u - 255.0f * mean) / (255.0f * std);
    case ops::Normalisation::sync: return (u * (1.0f / 255.0f) - 0.5f) / 0.5f;
  }
  return 0;
}

__global__ void normalise_kernel(float* y, const uint8_t* x, ops::Normalisation normalisation, int64_t area, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const int64_t plane = i / area;
  const int channel = int(plane % 3);
  y[i] = normalised(float(x[(plane / 3 * area + i % area) * 3 + channel]), channel, normalisation);
}

template <class To>
__global__ void patchify_kernel(To* y, const float* x, int64_t frames_per_patch, int64_t patch, int64_t height, int64_t width, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  // i counts [F/t, height/patch, width/patch, 3, t, patch, patch].
  int64_t rest = i;
  const auto next = [&](int64_t extent) {
    const int64_t index = rest % extent;
    rest /= extent;
    return index;
  };
  const int64_t column = next(patch), row = next(patch), t = next(frames_per_patch), channel = next(3), across = next(width / patch),
                down = next(height / patch), frame = rest * frames_per_patch + t;
  store(y[i], x[((frame * 3 + channel) * height + down * patch + row) * width + across * patch + column]);
}

}  // namespace

void resize(Context& ctx, const Tensor& y, const ops::Frames& frames, const ops::ResizeGeometry& g, ops::ResizeKind kind) {
  const int64_t num_frames = y.shape[0], out_height = y.shape[1], out_width = y.shape[2], height = frames.height, width = frames.width;
  const int64_t row = frames.row_size(), chroma_row = frames.chroma_row_size(), out_row = 3 * out_width;
  const int64_t pair = 2 * row + chroma_row;  // bytes of two rows, whose chroma is one
  const int64_t per_pass = std::clamp<int64_t>(2 * kPassBytes / (height * pair), 1, std::clamp<int64_t>(num_frames, 1, kMostFrames));
  const int64_t band = std::clamp<int64_t>(2 * kPassBytes / pair, 1, height);  // rows of a frame that come at a time
  const auto chroma_rows = [&](int64_t first, int64_t count) { return frames.is_nv12() ? (first + count + 1) / 2 - first / 2 : 0; };
  const Arena::Scope scope(ctx.arena());
  Axis across(ctx, {g.padded_width, g.resized_width}, g.crop_left, out_width), down(ctx, {g.padded_height, g.resized_height}, g.crop_top, out_height);
  const Tensor pixels = ctx.arena().allocate<uint8_t>({per_pass, band, row});
  const Tensor chroma = ctx.arena().allocate<uint8_t>({per_pass, chroma_rows(1, band), chroma_row});
  const Tensor narrow = ctx.arena().allocate<uint8_t>({per_pass, height, out_row});
  if (ctx.planning() || y.numel() == 0) return;

  int64_t first_row = 0, last_row = 0, first_column = 0, last_column = 0;
  const Taps columns = across.upload(ctx, kind, {g.pad_left, width}, first_column, last_column);
  const Taps rows = down.upload(ctx, kind, {g.pad_top, height}, first_row, last_row);
  const int64_t num_rows = last_row - first_row;
  const cudaStream_t on = stream(ctx);
  for (int64_t first = 0; first < num_frames; first += per_pass) {
    const int64_t count = std::min(per_pass, num_frames - first);
    // One band, unless the pass is a single frame; rows lie one after the other whichever frame they belong to.
    for (int64_t begin = 0; begin < num_rows; begin += band) {
      const int64_t in_band = std::min(band, num_rows - begin), all_rows = (count - 1) * num_rows + in_band, top = first_row + begin;
      const Source source{.pixels = pixels.as<uint8_t>(), .chroma = frames.is_nv12() ? chroma.as<uint8_t>() : nullptr, .width = width,
                          .num_rows = in_band, .num_chroma_rows = chroma_rows(top, in_band), .odd = top % 2, .to_rgb = ops::yuv_to_rgb(frames.color)};
      const ops::Frames pass = frames.slice(first, count);
      copy_rows_to_device(device_of(ctx.table()), pixels.data,
                          {reinterpret_cast<const std::byte*>(pass.pixels + top * pass.row_bytes), row, in_band, pass.row_bytes, count, pass.frame_bytes},
                          ctx.parallel());
      if (source.chroma)
        copy_rows_to_device(device_of(ctx.table()), chroma.data,
                            {reinterpret_cast<const std::byte*>(pass.chroma + top / 2 * pass.chroma_row_bytes), chroma_row, source.num_chroma_rows,
                             pass.chroma_row_bytes, count, pass.chroma_frame_bytes},
                            ctx.parallel());
      resize_across_kernel<<<unsigned(ceil_div(all_rows * out_width, kThreads)), kThreads, 0, on>>>(
          narrow.as<uint8_t>() + begin * out_row, source, columns, g.crop_left, all_rows, out_width);
      check_launch("resize: across");
    }
    resize_down_kernel<<<dim3(unsigned(ceil_div(out_height * out_row, kThreads)), unsigned(count)), kThreads, 0, on>>>(
        y.as<uint8_t>() + first * out_height * out_row, narrow.as<uint8_t>(), rows, g.crop_top, first_row, num_rows, out_height, out_row);
    check_launch("resize: down");
  }
}

void normalise(Context& ctx, const Tensor& y, const Tensor& x, ops::Normalisation normalisation) {
  const int64_t n = y.numel();
  if (ctx.planning() || n == 0) return;
  normalise_kernel<<<unsigned(ceil_div(n, kThreads)), kThreads, 0, stream(ctx)>>>(y.as<float>(), x.as<uint8_t>(), normalisation,
                                                                                 x.shape[1] * x.shape[2], n);
  check_launch("normalise");
}

void patchify(Context& ctx, const Tensor& y, const Tensor& x, int64_t frames_per_patch, int64_t patch) {
  const int64_t n = y.numel();
  if (ctx.planning() || n == 0) return;
  visit(y, [&](auto* to) {
    patchify_kernel<<<unsigned(ceil_div(n, kThreads)), kThreads, 0, stream(ctx)>>>(to, x.as<float>(), frames_per_patch, patch, x.shape[2],
                                                                                  x.shape[3], n);
  });
  check_launch("patchify");
}

}  // namespace ts::cuda
