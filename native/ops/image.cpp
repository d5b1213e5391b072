#include "ops/image.h"

#include <algorithm>

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {
namespace {

// A side of a picture before or after it is resized; nothing sensible lies beyond, and sums of products stay exact below.
constexpr int64_t kMaxSide = int64_t(1) << 20;

void check_picture(const check::Arguments& args, int64_t height, int64_t width, int64_t size) {
  args.require(height > 0 && width > 0 && height <= kMaxSide && width <= kMaxSide, "a picture of ", width, " × ", height);
  args.require(size > 0 && size <= 4096, "size ", size, " (1 to 4096)");
}

// (extent − size)/2, halves rounded to the even neighbour.
int64_t centre_offset(int64_t extent, int64_t size) {
  const int64_t twice = extent - size, half = twice / 2;
  return twice % 2 == 0 ? half : half + half % 2;
}

}  // namespace

Frames Frames::rgb24(const uint8_t* pixels, int64_t count, int64_t height, int64_t width) {
  return {.pixels = pixels, .count = count, .width = width, .height = height, .row_bytes = 3 * width, .frame_bytes = 3 * width * height};
}

Frames Frames::nv12(const uint8_t* pixels, int64_t count, int64_t height, int64_t width, YuvColor color) {
  Frames frames{.pixels = pixels, .count = count, .width = width, .height = height, .row_bytes = width, .format = PixelFormat::nv12, .color = color};
  frames.chroma = pixels ? pixels + height * width : nullptr;
  frames.chroma_row_bytes = frames.chroma_row_size();
  frames.frame_bytes = frames.chroma_frame_bytes = height * width + frames.chroma_height() * frames.chroma_row_bytes;
  return frames;
}

ResizeGeometry clip_geometry(int64_t height, int64_t width, int64_t size) {
  check_picture(check::Arguments("clip_geometry"), height, width, size);
  const int64_t side = std::max(height, width);
  ResizeGeometry geometry;
  geometry.padded_height = geometry.padded_width = side;
  geometry.pad_top = (side - height) / 2;
  geometry.pad_left = (side - width) / 2;
  geometry.resized_height = geometry.resized_width = size;
  return geometry;
}

ResizeGeometry sync_geometry(int64_t height, int64_t width, int64_t size) {
  check_picture(check::Arguments("sync_geometry"), height, width, size);
  ResizeGeometry geometry;
  geometry.padded_height = height;
  geometry.padded_width = width;
  geometry.resized_height = height <= width ? size : size * height / width;  // rounded down
  geometry.resized_width = height <= width ? size * width / height : size;
  geometry.crop_top = centre_offset(geometry.resized_height, size);
  geometry.crop_left = centre_offset(geometry.resized_width, size);
  return geometry;
}

void resize(Context& ctx, const Tensor& y, const Frames& frames, const ResizeGeometry& geometry, ResizeKind kind) {
  const check::Arguments args("resize");
  const int64_t height = frames.height, width = frames.width;
  args.rank("y", y, 4);
  args.dtype("y", y, DType::u8);
  args.require(y.shape[3] == 3, "y is ", y.shape.str(), ", three channels needed");
  check_picture(args, height, width, 1);
  args.require(y.shape[0] == frames.count, "y is ", y.shape.str(), " for ", frames.count, " frames");
  args.require(frames.row_bytes >= frames.row_size(), "rows of ", frames.row_bytes, " bytes cannot hold ", width, " pixels");
  args.require(frames.count <= 1 || frames.frame_bytes >= frames.row_bytes * (height - 1) + frames.row_size(), "frames of ", frames.frame_bytes,
               " bytes cannot hold ", height, " rows of ", frames.row_bytes);
  if (frames.is_nv12()) {
    args.require(frames.chroma_row_bytes >= frames.chroma_row_size(), "rows of ", frames.chroma_row_bytes, " bytes cannot hold the chroma of ",
                 width, " pixels");
    args.require(frames.count <= 1 || frames.chroma_frame_bytes >= frames.chroma_row_bytes * (frames.chroma_height() - 1) + frames.chroma_row_size(),
                 "frames of ", frames.chroma_frame_bytes, " bytes cannot hold ", frames.chroma_height(), " rows of chroma of ", frames.chroma_row_bytes);
  }
  const ResizeGeometry& g = geometry;
  args.require(g.pad_top >= 0 && g.pad_left >= 0 && g.padded_height >= g.pad_top + height && g.padded_width >= g.pad_left + width &&
                   std::max(g.padded_height, g.padded_width) <= kMaxSide,
               "a picture of ", width, " × ", height, " at (", g.pad_left, ", ", g.pad_top, ") does not fit into ", g.padded_width,
               " × ", g.padded_height);
  args.require(g.resized_height > 0 && g.resized_width > 0 && std::max(g.resized_height, g.resized_width) <= kMaxSide &&
                   g.crop_top >= 0 && g.crop_left >= 0 && g.crop_top + y.shape[1] <= g.resized_height &&
                   g.crop_left + y.shape[2] <= g.resized_width,
               "a window of ", y.shape[2], " × ", y.shape[1], " at (", g.crop_left, ", ", g.crop_top, ") does not lie in ",
               g.resized_width, " × ", g.resized_height);
  args.require(ctx.planning() || y.numel() == 0 || (frames.pixels && (frames.chroma || !frames.is_nv12())), "pixels are missing");
  ctx.table().resize(ctx, y, frames, geometry, kind);
}

void normalise(Context& ctx, const Tensor& y, const Tensor& x, Normalisation normalisation) {
  const check::Arguments args("normalise");
  args.rank("x", x, 4);
  args.dtype("x", x, DType::u8);
  args.require(x.shape[3] == 3, "x is ", x.shape.str(), ", three channels needed");
  args.f32("y", y, {x.shape[0], 3, x.shape[1], x.shape[2]});
  args.distinct("y", y, "x", x);
  ctx.table().normalise(ctx, y, x, normalisation);
}

void patchify(Context& ctx, const Tensor& y, const Tensor& x, int64_t frames_per_patch, int64_t patch) {
  const check::Arguments args("patchify");
  args.rank("x", x, 4);
  args.dtype("x", x, DType::f32);
  args.require(x.shape[1] == 3, "x is ", x.shape.str(), ", three channels needed");
  args.require(frames_per_patch > 0 && patch > 0, "patches of ", frames_per_patch, " × ", patch, " × ", patch);
  args.require(x.shape[0] % frames_per_patch == 0 && x.shape[2] % patch == 0 && x.shape[3] % patch == 0, "x ", x.shape.str(),
               " does not divide into patches of ", frames_per_patch, " × ", patch, " × ", patch);
  args.shape("y", y, {x.shape[0] / frames_per_patch, (x.shape[2] / patch) * (x.shape[3] / patch), 3 * frames_per_patch * patch * patch});
  args.real("y", y);
  args.distinct("y", y, "x", x);
  ctx.table().patchify(ctx, y, x, frames_per_patch, patch);
}

}  // namespace ts::ops
