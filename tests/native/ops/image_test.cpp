#include "ops/image.h"

#include "golden.h"
#include "ops/harness.h"
#include "skip.h"

namespace ts {
namespace {

using ops::ResizeGeometry;
using ops::ResizeKind;
using test::Harness;

// u8 frames [F, H, W, 3], rows and frames apart by more than they need.
struct Picture {
  int64_t frames, height, width, row_bytes, frame_bytes;
  std::vector<uint8_t> bytes;

  Picture(int64_t frames, int64_t height, int64_t width, int64_t slack = 0)
      : frames(frames), height(height), width(width), row_bytes(3 * width + slack), frame_bytes(row_bytes * height + slack),
        bytes(size_t(frames * frame_bytes), 0xEE) {}
  uint8_t& at(int64_t f, int64_t y, int64_t x, int64_t c) { return bytes[size_t(f * frame_bytes + y * row_bytes + x * 3 + c)]; }
};

Picture noise(int64_t frames, int64_t height, int64_t width, int64_t slack = 0) {
  Picture picture(frames, height, width, slack);
  uint32_t state = 12345;
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        for (int64_t c = 0; c < 3; ++c) picture.at(f, y, x, c) = uint8_t((state = state * 1664525u + 1013904223u) >> 24);
  return picture;
}

std::vector<uint8_t> resize(const OperatorTable& table, const Picture& picture, const ResizeGeometry& geometry, int64_t out_height, int64_t out_width,
                            ResizeKind kind) {
  Harness h(table);
  const Tensor y = h.output({picture.frames, out_height, out_width, 3}, DType::u8);
  h.run([&](Context& ctx) {
    ops::resize(ctx, y, picture.bytes.data(), picture.height, picture.width, picture.row_bytes, picture.frame_bytes, geometry, kind);
  });
  return h.read_bytes(y);
}

// Golden frames are planar [F, 3, H, W].
Picture from_planes(const Tensor& planes, int64_t slack) {
  Picture picture(planes.shape[0], planes.shape[2], planes.shape[3], slack);
  const int64_t height = picture.height, width = picture.width;
  for (int64_t i = 0; i < planes.numel(); ++i)
    picture.at(i / (3 * height * width), i / width % height, i % width, i / (height * width) % 3) = planes.as<uint8_t>()[i];
  return picture;
}
std::vector<uint8_t> planes_of(const std::vector<uint8_t>& pixels, int64_t area) {
  std::vector<uint8_t> planes(pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i) planes[i / size_t(3 * area) * size_t(3 * area) + i % 3 * size_t(area) + i / 3 % size_t(area)] = pixels[i];
  return planes;
}

TEST_CASE("image: the three preprocessing paths give the reference's bytes and floats, none differing") {
  const auto file = golden::open("preprocess");
  if (!file) TS_SKIP("no golden file preprocess.safetensors");
  struct Path {
    const char *bytes, *floats;
    bool sync;
    ResizeKind kind;
    ops::Normalisation normalisation;
  };
  const Path paths[] = {{"clip_slow_resized_u8", "clip_slow", false, ResizeKind::pil, ops::Normalisation::clip_slow},
                        {"clip_fast_resized_u8", "clip_fast", false, ResizeKind::torchvision, ops::Normalisation::clip_fast},
                        {"sync_cropped_u8", "sync", true, ResizeKind::torchvision, ops::Normalisation::sync}};
  constexpr int64_t kSize = 224, kArea = kSize * kSize, kFirstRow = 96, kRows = 32;
  TS_FOR_EACH_BACKEND(table) {
    int compared = 0;
    for (const std::string& key : file->under("in.")) {
      const std::string size = key.substr(0, key.find('.'));
      const Picture picture = from_planes(file->tensor("in." + key), 5);
      for (const Path& path : paths) {
        if (!file->has("mid." + size + "." + path.bytes)) continue;
        const Tensor& expected = file->tensor("mid." + size + "." + path.bytes);
        const ResizeGeometry geometry = path.sync ? ops::sync_geometry(picture.height, picture.width, kSize) : ops::clip_geometry(picture.height, picture.width, kSize);
        const std::vector<uint8_t> pixels = resize(table, picture, geometry, kSize, kSize, path.kind), ours = planes_of(pixels, kArea);
        int64_t differing = 0;  // some goldens keep only the first frame
        for (int64_t i = 0; i < expected.numel(); ++i) differing += ours[size_t(i)] != expected.as<uint8_t>()[i];
        CHECK_MESSAGE(differing == 0, size << " " << path.bytes << ": " << differing << " bytes differ");

        Harness h(table);
        const Tensor u8 = h.input(pixels, {picture.frames, kSize, kSize, 3}), y = h.output({picture.frames, 3, kSize, kSize});
        h.run([&](Context& ctx) { ops::normalise(ctx, y, u8, path.normalisation); });
        const std::vector<float> values = h.read(y);
        const Tensor& floats = file->tensor("out." + size + "." + path.floats + ".rows96_128");
        differing = 0;
        for (int64_t i = 0; i < floats.numel(); ++i) {
          const int64_t channel = i / (kRows * kSize), row = kFirstRow + i / kSize % kRows;
          differing += values[size_t(channel * kArea + row * kSize + i % kSize)] != floats.as<float>()[i];
        }
        CHECK_MESSAGE(differing == 0, size << " " << path.floats << ": " << differing << " floats differ");
        ++compared;
      }
    }
    CHECK(compared >= 3);
  }
}

TEST_CASE("image: geometry pads CLIP's frames to a square and crops Synchformer's, halves to the even neighbour") {
  const ResizeGeometry clip = ops::clip_geometry(75, 102, 224);
  CHECK(clip.padded_height == 102);
  CHECK(clip.padded_width == 102);
  CHECK(clip.pad_top == 13);  // 27 rows of black: the odd one below
  CHECK(clip.pad_left == 0);
  CHECK(clip.resized_width == 224);
  const ResizeGeometry wide = ops::sync_geometry(75, 101, 224);  // the long side is 301.65, cut to 301; (301 − 224)/2 = 38.5
  CHECK(wide.resized_height == 224);
  CHECK(wide.resized_width == 301);
  CHECK(wide.crop_left == 38);
  CHECK(wide.crop_top == 0);
  const ResizeGeometry tall = ops::sync_geometry(1000, 740, 224);  // 302.7, cut to 302: offset 39
  CHECK(tall.resized_height == 302);
  CHECK(tall.crop_top == 39);
  CHECK(ops::sync_geometry(303, 224, 224).crop_top == 40);  // 39.5
  const ResizeGeometry same = ops::sync_geometry(224, 224, 224);
  CHECK(same.crop_left == 0);
  CHECK(same.resized_height == 224);
  CHECK_THROWS_WITH_AS(ops::sync_geometry(0, 5, 224), doctest::Contains("a picture of 5 × 0"), Error);
}

TEST_CASE("image: an unchanged size copies, padding included, and a black border adds nothing") {
  TS_FOR_EACH_BACKEND(table) {
    Picture picture = noise(2, 5, 9, 3);
    const std::vector<uint8_t> out = resize(table, picture, ops::clip_geometry(5, 9, 9), 9, 9, ResizeKind::pil);
    for (int64_t f = 0; f < 2; ++f)
      for (int64_t y = 0; y < 9; ++y)
        for (int64_t x = 0; x < 9; ++x)
          for (int64_t c = 0; c < 3; ++c)
            CHECK(out[size_t(((f * 9 + y) * 9 + x) * 3 + c)] == (y >= 2 && y < 7 ? picture.at(f, y - 2, x, c) : 0));
    // The same black, as pixels.
    Picture padded(1, 31, 31);
    std::fill(padded.bytes.begin(), padded.bytes.end(), uint8_t(0));
    Picture inner = noise(1, 31, 12);
    for (int64_t y = 0; y < 31; ++y)
      for (int64_t x = 0; x < 12; ++x)
        for (int64_t c = 0; c < 3; ++c) padded.at(0, y, 9 + x, c) = inner.at(0, y, x, c);
    for (ResizeKind kind : {ResizeKind::pil, ResizeKind::torchvision})
      for (int64_t size : {1, 7, 31, 32, 100})
        CHECK(resize(table, inner, ops::clip_geometry(31, 12, size), size, size, kind) == resize(table, padded, ops::clip_geometry(31, 31, size), size, size, kind));
  }
}

TEST_CASE("image: a flat picture stays flat at every size, and a crop is a part of the whole") {
  TS_FOR_EACH_BACKEND(table)
    for (ResizeKind kind : {ResizeKind::pil, ResizeKind::torchvision})
      for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {2, 3}, {17, 255}, {257, 31}, {400, 300}}) {
        Picture flat(1, height, width);
        std::fill(flat.bytes.begin(), flat.bytes.end(), uint8_t(201));
        ResizeGeometry geometry;
        geometry.padded_height = height;
        geometry.padded_width = width;
        geometry.resized_height = 45;
        geometry.resized_width = 61;
        CHECK(resize(table, flat, geometry, 45, 61, kind) == std::vector<uint8_t>(45 * 61 * 3, 201));
        const Picture picture = noise(1, height, width);
        const std::vector<uint8_t> whole = resize(table, picture, geometry, 45, 61, kind);
        geometry.crop_top = 11;
        geometry.crop_left = 20;
        const std::vector<uint8_t> part = resize(table, picture, geometry, 7, 33, kind);
        for (int64_t y = 0; y < 7; ++y) CHECK(std::equal(&part[size_t(y * 99)], &part[size_t(y * 99)] + 99, &whole[size_t(((11 + y) * 61 + 20) * 3)]));
      }
}

TEST_CASE("image: a picture too large to be on a device at once gives the same bytes") {
  const Picture picture = noise(1, 1 << 19, 22);  // 34.6 MB
  ResizeGeometry geometry;
  geometry.padded_height = picture.height;
  geometry.padded_width = geometry.resized_width = picture.width;
  geometry.resized_height = 9;
  std::vector<uint8_t> first;
  TS_FOR_EACH_BACKEND(table) {
    const Buffer y = allocate_buffer(table, DType::u8, {1, 9, 22, 3});
    golden::run(table, DType::f32, [&](Context& ctx) {
      ops::resize(ctx, y, picture.bytes.data(), picture.height, picture.width, picture.row_bytes, picture.frame_bytes, geometry, ResizeKind::pil);
    });
    const std::vector<uint8_t> ours = Harness(table).read_bytes(y);
    if (first.empty()) first = ours;
    CHECK(ours == first);
  }
}

TEST_CASE("image: an 8K frame needs few bytes beside itself") {
  TS_FOR_EACH_BACKEND(table) {
    Serial serial;
    Arena plan = Arena::planning();
    Context ctx(table, plan, serial, DType::f32);
    const Tensor y = plan.allocate<uint8_t>({8, 224, 224, 3});
    const int64_t before = plan.used();
    ops::resize(ctx, y, nullptr, 4320, 7680, 3 * 7680, 3 * 7680 * 4320, ops::clip_geometry(4320, 7680, 224), ResizeKind::pil);
    CHECK(plan.high_water() - before < (int64_t(40) << 20));
  }
}

TEST_CASE("image: patchify orders a patch as a convolution weight") {
  struct Patches {
    int64_t frames, height, width, t, p;
  };
  TS_FOR_EACH_BACKEND(table)
    for (const Patches& c : {Patches{1, 1, 1, 1, 1}, Patches{2, 6, 9, 1, 3}, Patches{4, 16, 8, 2, 4}, Patches{6, 28, 14, 3, 14}, Patches{2, 15, 30, 1, 15}})
      for (DType stored : {DType::f32, DType::bf16}) {
        const std::vector<float> x = test::normal(c.frames * 3 * c.height * c.width);
        const int64_t down = c.height / c.p, across = c.width / c.p, cols = 3 * c.t * c.p * c.p;
        Harness h(table);
        const Tensor in = h.input(x, {c.frames, 3, c.height, c.width}), y = h.output({c.frames / c.t, down * across, cols}, stored);
        h.run([&](Context& ctx) { ops::patchify(ctx, y, in, c.t, c.p); });
        const std::vector<float> ours = h.read(y);
        for (int64_t i = 0; i < int64_t(ours.size()); ++i) {
          const int64_t e = i % cols, site = i / cols % (down * across), group = i / cols / (down * across);
          const int64_t px = e % c.p, py = e / c.p % c.p, t = e / (c.p * c.p) % c.t, channel = e / (c.p * c.p * c.t);
          const int64_t row = site / across * c.p + py, col = site % across * c.p + px, frame = group * c.t + t;
          REQUIRE(ours[size_t(i)] == test::rounded(x[size_t(((frame * 3 + channel) * c.height + row) * c.width + col)], stored));
        }
      }
}

TEST_CASE("image: arguments that do not fit are refused with their sizes") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const Tensor y = h.output({1, 8, 8, 3}, DType::u8);
  const std::vector<uint8_t> pixels(300);
  const auto call = [&](int64_t height, int64_t width, int64_t row_bytes, const ResizeGeometry& g) {
    ops::resize(ctx, y, pixels.data(), height, width, row_bytes, 300, g, ResizeKind::pil);
  };
  CHECK_NOTHROW(call(10, 10, 30, ops::clip_geometry(10, 10, 8)));
  CHECK_THROWS_WITH_AS(call(10, 10, 29, ops::clip_geometry(10, 10, 8)), doctest::Contains("rows of 29 bytes cannot hold 10 pixels"), Error);
  CHECK_THROWS_WITH_AS(call(10, 10, 30, ops::clip_geometry(9, 9, 8)), doctest::Contains("does not fit into 9 × 9"), Error);
  CHECK_THROWS_WITH_AS(call(10, 10, 30, ops::clip_geometry(10, 10, 7)), doctest::Contains("a window of 8 × 8"), Error);
  CHECK_THROWS_WITH_AS(call(1, 1 << 20, 3 << 20, ops::sync_geometry(1, 1 << 20, 8)), doctest::Contains("does not lie in"), Error);
  CHECK_THROWS_WITH_AS(ops::patchify(ctx, h.output({1, 1, 3}), h.input(test::normal(75), {1, 3, 5, 5}), 1, 2), doctest::Contains("does not divide into patches"), Error);
}

}  // namespace
}  // namespace ts
