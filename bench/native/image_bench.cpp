// Frames of full HD video on their way to the towers.
#include "bench.h"

namespace ts::bench {

TS_BENCH("image") {
  constexpr int64_t kHeight = 1080, kWidth = 1920, kSize = 224, kFrames = 4;
  std::vector<uint8_t> pixels(size_t(kFrames * kHeight * kWidth * 3));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = uint8_t(i * 2654435761u >> 24);
  std::vector<uint8_t> small(size_t(kFrames * kSize * kSize * 3)), expected(small.size());
  std::vector<float> values(small.size());
  const Tensor y = tensor_of(small.data(), {kFrames, kSize, kSize, 3}), normal = tensor_of(values.data(), {kFrames, 3, kSize, kSize});
  const double bytes = double(pixels.size());

  const auto rgb = ops::Frames::rgb24(pixels.data(), kFrames, kHeight, kWidth);
  const auto nv12 = ops::Frames::nv12(pixels.data(), kFrames, kHeight, kWidth, ops::YuvColor::bt709);
  const auto resize = [&](std::vector<uint8_t>& to, bool clip, const ops::Frames& frames) {
    return [&, clip](Context& ctx) {
      ops::resize(ctx, tensor_of(to.data(), y.shape), frames,
                  clip ? ops::clip_geometry(kHeight, kWidth, kSize) : ops::sync_geometry(kHeight, kWidth, kSize),
                  clip ? ops::ResizeKind::pil : ops::ResizeKind::torchvision);
    };
  };
  for (const ops::Frames& frames : {rgb, nv12})
    for (bool clip : {true, false}) {
      bench.run_once(bench.table(), DType::f32, resize(small, clip, frames));
      bench.run_once(plain_table(), DType::f32, resize(expected, clip, frames));
      bench.check("resize", {small.begin(), small.end()}, {expected.begin(), expected.end()}, 0);
      bench.bandwidth(std::string("resize 4 x 1080p") + (frames.is_nv12() ? " in NV12" : "") + (clip ? ", clip" : ", sync"),
                      frames.is_nv12() ? bytes / 2 : bytes, resize(small, clip, frames));
    }
  bench.bandwidth("normalise 4 x 224^2", 5.0 * double(small.size()), [&](Context& ctx) { ops::normalise(ctx, normal, y, ops::Normalisation::sync); });
  std::vector<float> patches(values.size());
  bench.bandwidth("patchify 4 x 224^2 by 2 x 16^2 -> bf16", 6.0 * double(small.size()), [&](Context& ctx) {
    ops::patchify(ctx, {patches.data(), DType::bf16, {kFrames / 2, 196, 3 * 2 * 16 * 16}}, normal, 2, 16);
  });
}

}  // namespace ts::bench
