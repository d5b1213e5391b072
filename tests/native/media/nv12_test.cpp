// A decoder's NV12 through the operators, beside this library's RGB of the same video.
#include "golden.h"
#include "media_files.h"
#include "ops/image.h"

using namespace media_test;

namespace {

// The RGB of frames in NV12: a resize to their own size.
std::vector<uint8_t> rgb_of(const ts::ops::Frames& frames) {
  std::vector<uint8_t> rgb(size_t(frames.count * frames.height * frames.width * 3));
  const ts::Tensor y = ts::tensor_of(rgb.data(), {frames.count, frames.height, frames.width, 3});
  ts::ops::ResizeGeometry whole;
  whole.padded_height = whole.resized_height = frames.height;
  whole.padded_width = whole.resized_width = frames.width;
  ts::golden::run(ts::plain_table(), ts::DType::f32, [&](ts::Context& ctx) { ts::ops::resize(ctx, y, frames, whole, ts::ops::ResizeKind::pil); });
  return rgb;
}

// The first frames of a video as its decoder has them, `format` being that of the video; planar 4:2:0 made NV12.
std::vector<uint8_t> decoded(const std::string& path, const std::string& format, int64_t num_frames, int64_t height, int64_t width) {
  const std::string raw = output_of("ffmpeg -nostdin -v error -i '" + path + "' -map 0:v:0 -frames:v " + std::to_string(num_frames) +
                                    " -fps_mode passthrough -pix_fmt " + format + " -f rawvideo -");
  const size_t luma = size_t(height * width), chroma = size_t((height + 1) / 2 * ((width + 1) / 2)), frame = luma + 2 * chroma;
  REQUIRE(raw.size() == frame * size_t(num_frames));
  std::vector<uint8_t> nv12(raw.size());
  for (size_t f = 0; f < size_t(num_frames); ++f) {
    const char* from = raw.data() + f * frame;
    uint8_t* to = nv12.data() + f * frame;
    std::copy_n(from, luma, to);
    for (size_t i = 0; i < 2 * chroma; ++i) to[luma + i] = uint8_t(from[luma + i % 2 * chroma + i / 2]);
  }
  return nv12;
}

struct Video {
  std::string path, format;
  uint32_t fps_num, fps_den;
  ts::ops::YuvColor color;
};

}  // namespace

// thinksound.h: none differs where FFmpeg has x86's vectors, elsewhere its rounding does, by up to 3.
TEST_CASE("nv12: a video's planes become the RGB that reading it gives") {
  NEEDS_FFMPEG
  using Color = ts::ops::YuvColor;
  constexpr int64_t kFrames = 5;
  std::vector<Video> videos{{sample("flower.mp4"), "yuv420p", 30000, 1001, Color::bt601},
                            {sample("wet-hawk.mp4"), "yuv420p", 25, 1, Color::bt709},
                            {sample("scene-knock.mp4"), "yuv420p", 24, 1, Color::bt601}};  // names no matrix
  for (const auto& [matrix, color] : {std::pair{"smpte170m", Color::bt601_full}, {"bt709", Color::bt709_full}})
    videos.push_back({made(std::string("full-") + matrix + ".mp4",
                           std::string("-f lavfi -i testsrc2=s=130x98:r=5:d=1 -pix_fmt yuvj420p -c:v libx264 -color_range pc -colorspace ") + matrix),
                      "yuvj420p", 5, 1, color});
  for (const Video& video : videos) {
    CAPTURE(video.path);
    const Frames read = read_frames(video.path, {{video.fps_num, video.fps_den, kFrames}});
    REQUIRE_MESSAGE(read.status == TS_OK, read.error);
    const int64_t height = read.height, width = read.width, size = 3 * height * width;
    const std::vector<uint8_t> nv12 = decoded(video.path, video.format, kFrames, height, width);
    const std::vector<uint8_t> rgb = rgb_of(ts::ops::Frames::nv12(nv12.data(), kFrames, height, width, video.color));
    int furthest = 0;
    for (int64_t i = 0; i < size; ++i) furthest = std::max(furthest, std::abs(int(rgb[size_t(i)]) - int(read.first[size_t(i)])));
    CHECK(furthest <= 3);
#if defined(__x86_64__)
    REQUIRE(read.rates[0].size() == size_t(kFrames));
    for (int64_t f = 0; f < kFrames; ++f) CHECK(read.rates[0][size_t(f)].checksum == checksum(rgb.data() + f * size, size_t(size)));
#endif
  }
}
