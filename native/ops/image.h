// Frames on their way into the vision towers (spec 05 §§2, 4): bytes equal to the reference's, none differing.
#pragma once

#include "ops/context.h"

namespace ts::ops {

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

// x u8 [F, h, w, 3] on the host, rows `row_bytes` and frames `frame_bytes` apart → y u8 [F, size, size, 3].
void resize(Context& ctx, const Tensor& y, const uint8_t* pixels, int64_t height, int64_t width, int64_t row_bytes,
            int64_t frame_bytes, const ResizeGeometry& geometry, ResizeKind kind);

enum class Normalisation : uint8_t {
  clip_slow,  // (u/255 − mean)/std
  clip_fast,  // (u − 255·mean)/(255·std)
  sync        // (u·(1/255) − 0.5)/0.5
};
// x u8 [F, H, W, 3] → y f32 [F, 3, H, W].
void normalise(Context& ctx, const Tensor& y, const Tensor& x, Normalisation normalisation);

// x f32 [F, 3, H, W] → y [F/t, (H/p)·(W/p), 3·t·p·p], f32 or bf16: rows of the patch product, elements ordered as a
// convolution weight [out, 3, t, p, p] flattened. t = 1 gives single frames.
void patchify(Context& ctx, const Tensor& y, const Tensor& x, int64_t frames_per_patch, int64_t patch);

}  // namespace ts::ops
