// Frames on their way into the vision towers (spec 05 §§2, 4): bytes equal to the reference's, none differing.
#pragma once

#include "ops/context.h"
#include "ops/yuv.h"

namespace ts::ops {

enum class PixelFormat : uint8_t {
  rgb24,
  nv12  // luma, and a pair Cb, Cr for each 2 × 2 of it
};

// Frames on the host, 8 bits a channel; rows and frames lie as far apart as the caller likes.
struct Frames {
  const uint8_t* pixels = nullptr;  // rgb24 [count, height, width, 3]; nv12 [count, height, width], the luma
  int64_t count = 0, width = 0, height = 0, row_bytes = 0, frame_bytes = 0;
  PixelFormat format = PixelFormat::rgb24;
  YuvColor color = YuvColor::bt601;  // of nv12, as is what follows
  const uint8_t* chroma = nullptr;   // [count, chroma_height(), chroma_width(), 2]
  int64_t chroma_row_bytes = 0, chroma_frame_bytes = 0;

  // Without gaps; the chroma of a frame after its luma.
  static Frames rgb24(const uint8_t* pixels, int64_t count, int64_t height, int64_t width);
  static Frames nv12(const uint8_t* pixels, int64_t count, int64_t height, int64_t width, YuvColor color);
  // `num` of them, beginning at frame `first`.
  Frames slice(int64_t first, int64_t num) const {
    Frames part = *this;
    part.count = num;
    if (pixels) part.pixels += first * frame_bytes;
    if (chroma) part.chroma += first * chroma_frame_bytes;
    return part;
  }

  bool is_nv12() const { return format == PixelFormat::nv12; }
  int64_t chroma_width() const { return (width + 1) / 2; }
  int64_t chroma_height() const { return (height + 1) / 2; }
  // Bytes of a row of `pixels`, and of one of `chroma`: 0 without.
  int64_t row_size() const { return is_nv12() ? width : 3 * width; }
  int64_t chroma_row_size() const { return is_nv12() ? 2 * chroma_width() : 0; }
};

// Which integer weights the two-pass bicubic (a = −0.5, antialiased) uses.
enum class ResizeKind : uint8_t {
  pil,         // precision 22 bits
  torchvision  // the largest precision for which every weight fits 15 bits
};

// The part of a virtual picture that is wanted. The source is first padded with black to source rows/cols of
// (pad_top + h + …), then resized to `resized_height` × `resized_width`, then cropped at (crop_top, crop_left) to the
// size of y.
struct ResizeGeometry {
  int64_t padded_height = 0, padded_width = 0, pad_top = 0, pad_left = 0;
  int64_t resized_height = 0, resized_width = 0, crop_top = 0, crop_left = 0;
};
// CLIP: square of the longer side, then `size` × `size`. Sync: short side to `size`, centre crop (round half even).
ResizeGeometry clip_geometry(int64_t height, int64_t width, int64_t size);
ResizeGeometry sync_geometry(int64_t height, int64_t width, int64_t size);

// Frames → y u8 [frames.count, size, size, 3]. Those in nv12 become RGB first (yuv.h), the pixels of a pair sharing it.
void resize(Context& ctx, const Tensor& y, const Frames& frames, const ResizeGeometry& geometry, ResizeKind kind);

enum class Normalisation : uint8_t {
  clip_slow,  // (u/255 − mean)/std
  clip_fast,  // (u − 255·mean)/(255·std)
  sync        // (u·(1/255) − 0.5)/0.5
};
// x u8 [F, H, W, 3] → y f32 [F, 3, H, W].
void normalise(Context& ctx, const Tensor& y, const Tensor& x, Normalisation normalisation);

// x f32 [F, 3, H, W] → y [F/t, (H/p)·(W/p), 3·t·p·p], f32, bf16 or f16: rows of the patch product, elements ordered as a
// convolution weight [out, 3, t, p, p] flattened. t = 1 gives single frames.
void patchify(Context& ctx, const Tensor& y, const Tensor& x, int64_t frames_per_patch, int64_t patch);

}  // namespace ts::ops
