#include "ops/image.h"

#include "golden.h"
#include "ops/harness.h"
#include "skip.h"

namespace ts {
namespace {

using ops::Frames;
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
  Frames view() const {
    return {.pixels = bytes.data(), .count = frames, .width = width, .height = height, .row_bytes = row_bytes, .frame_bytes = frame_bytes};
  }
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

// Luma and chroma in planes of their own, rows and frames apart by more than they need.
struct Planes {
  Frames view;
  std::vector<uint8_t> luma, chroma;

  Planes(int64_t count, int64_t height, int64_t width, ops::YuvColor color, int64_t slack) {
    view = Frames::nv12(nullptr, count, height, width, color);
    view.row_bytes += slack;
    view.chroma_row_bytes += 3 * slack;
    view.frame_bytes = height * view.row_bytes + slack;
    view.chroma_frame_bytes = view.chroma_height() * view.chroma_row_bytes + 2 * slack;
    luma.resize(size_t(count * view.frame_bytes));
    chroma.resize(size_t(count * view.chroma_frame_bytes));
    uint32_t state = 777;
    for (std::vector<uint8_t>* plane : {&luma, &chroma})
      for (uint8_t& byte : *plane) byte = uint8_t((state = state * 1664525u + 1013904223u) >> 24);
    view.pixels = luma.data();
    view.chroma = chroma.data();
  }
};

// What thinksound.h says of NV12, with ⌊·/2¹⁶⌋ and the factors from the matrix: 2¹³ times 255/219, and V's and U's by their
// luma weights.
Picture converted(const Planes& planes) {
  const Frames& from = planes.view;
  Picture picture(from.count, from.height, from.width);
  const bool full = from.color == ops::YuvColor::bt601_full || from.color == ops::YuvColor::bt709_full;
  const bool hd = from.color == ops::YuvColor::bt709 || from.color == ops::YuvColor::bt709_full;
  const double red = hd ? 0.2126 : 0.299, blue = hd ? 0.0722 : 0.114, green = 1 - red - blue, chroma = 8192 * (full ? 1 : 255.0 / 224);
  const auto factor = [](double value) { return std::round(value); };
  const double y = factor(8192 * (full ? 1 : 255.0 / 219)), rv = factor(chroma * 2 * (1 - red)), bu = factor(chroma * 2 * (1 - blue)),
               gv = factor(-chroma * 2 * (1 - red) * red / green), gu = factor(-chroma * 2 * (1 - blue) * blue / green);
  const auto part = [](double value, double by) { return std::floor(8 * value * by / 65536); };
  for (int64_t f = 0; f < from.count; ++f)
    for (int64_t row = 0; row < from.height; ++row)
      for (int64_t x = 0; x < from.width; ++x) {
        const uint8_t* pair = from.chroma + f * from.chroma_frame_bytes + row / 2 * from.chroma_row_bytes + x / 2 * 2;
        const double l = part(from.pixels[f * from.frame_bytes + row * from.row_bytes + x] - (full ? 0 : 16), y), u = pair[0] - 128, v = pair[1] - 128;
        const double rgb[] = {l + part(v, rv), l + part(u, gu) + part(v, gv), l + part(u, bu)};
        for (int64_t c = 0; c < 3; ++c) picture.at(f, row, x, c) = uint8_t(std::clamp(rgb[c], 0.0, 255.0));
      }
  return picture;
}

std::vector<uint8_t> resize(const OperatorTable& table, const Frames& frames, const ResizeGeometry& geometry, int64_t out_height, int64_t out_width,
                            ResizeKind kind) {
  Harness h(table);
  const Tensor y = h.output({frames.count, out_height, out_width, 3}, DType::u8);
  h.run([&](Context& ctx) { ops::resize(ctx, y, frames, geometry, kind); });
  return h.read_bytes(y);
}
std::vector<uint8_t> resize(const OperatorTable& table, const Picture& picture, const ResizeGeometry& geometry, int64_t out_height, int64_t out_width,
                            ResizeKind kind) {
  return resize(table, picture.view(), geometry, out_height, out_width, kind);
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

TEST_CASE("image: frames in NV12 give the bytes of their RGB, whatever their size, gaps and colours") {
  struct Size {
    int64_t height, width, slack;
  };
  TS_FOR_EACH_BACKEND(table)
    for (ops::YuvColor color : {ops::YuvColor::bt601, ops::YuvColor::bt601_full, ops::YuvColor::bt709, ops::YuvColor::bt709_full})
      for (const Size& s : {Size{1, 1, 0}, {2, 3, 1}, {17, 255, 4}, {48, 64, 0}, {35, 129, 7}, {61, 33, 2}}) {
        const Planes planes(3, s.height, s.width, color, s.slack);
        const Picture rgb = converted(planes);
        const int64_t longer = std::max(s.height, s.width), shorter = std::min(s.height, s.width);
        for (ResizeKind kind : {ResizeKind::pil, ResizeKind::torchvision})
          for (int64_t size : {int64_t(13), longer}) {  // the second copies
            const ResizeGeometry padded = ops::clip_geometry(s.height, s.width, size);
            CHECK(resize(table, planes.view, padded, size, size, kind) == resize(table, rgb, padded, size, size, kind));
          }
        // A window whose rows begin in the middle of a pair.
        ResizeGeometry window{.padded_height = s.height, .padded_width = s.width, .resized_height = s.height, .resized_width = s.width};
        window.crop_top = s.height / 2 | (s.height > 1);
        window.crop_left = s.width / 3;
        const int64_t rows = s.height - window.crop_top, columns = s.width - window.crop_left;
        CHECK(resize(table, planes.view, window, rows, columns, ResizeKind::pil) == resize(table, rgb, window, rows, columns, ResizeKind::pil));
        const ResizeGeometry cropped = ops::sync_geometry(s.height, s.width, shorter);
        CHECK(resize(table, planes.view, cropped, shorter, shorter, ResizeKind::torchvision) ==
              resize(table, rgb, cropped, shorter, shorter, ResizeKind::torchvision));
      }
}

TEST_CASE("image: frames give the same bytes whether there are gaps between rows, between frames, both or none") {
  const Picture tight = noise(5, 23, 31);
  TS_FOR_EACH_BACKEND(table)
    for (const int64_t row_slack : {0, 5})
      for (const int64_t frame_slack : {0, 7, 98})  // the last is one row more
        for (const bool crops : {false, true}) {
          Picture picture(5, 23, 31);
          picture.row_bytes += row_slack;
          picture.frame_bytes = 23 * picture.row_bytes + frame_slack;
          picture.bytes.assign(size_t(5 * picture.frame_bytes), 0xEE);
          for (int64_t row = 0; row < 5 * 23; ++row)
            std::copy_n(&tight.bytes[size_t(row * 93)], 93, &picture.bytes[size_t(row / 23 * picture.frame_bytes + row % 23 * picture.row_bytes)]);
          ResizeGeometry geometry = ops::clip_geometry(23, 31, 14);
          if (crops) geometry = {.padded_height = 23, .padded_width = 31, .resized_height = 23, .resized_width = 31, .crop_top = 6, .crop_left = 11};
          CHECK(resize(table, picture, geometry, 14, 14, ResizeKind::pil) == resize(table, tight, geometry, 14, 14, ResizeKind::pil));
        }
}

TEST_CASE("image: NV12 without gaps is a plane of luma and then one of chroma") {
  std::vector<uint8_t> bytes(2 * (5 * 3 + 3 * 4));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = uint8_t(i * 41);
  const Frames tight = Frames::nv12(bytes.data(), 2, 5, 3, ops::YuvColor::bt709);
  Planes planes(2, 5, 3, ops::YuvColor::bt709, 0);
  for (int64_t f = 0; f < 2; ++f) {
    std::copy_n(bytes.data() + f * 27, 15, planes.luma.data() + f * planes.view.frame_bytes);
    std::copy_n(bytes.data() + f * 27 + 15, 12, planes.chroma.data() + f * planes.view.chroma_frame_bytes);
  }
  const ResizeGeometry g = ops::clip_geometry(5, 3, 5);
  CHECK(resize(plain_table(), tight, g, 5, 5, ResizeKind::pil) == resize(plain_table(), converted(planes), g, 5, 5, ResizeKind::pil));
  const Frames second = tight.slice(1, 1);
  const std::vector<uint8_t> both = resize(plain_table(), tight, g, 5, 5, ResizeKind::pil), one = resize(plain_table(), second, g, 5, 5, ResizeKind::pil);
  CHECK(std::equal(one.begin(), one.end(), both.begin() + 75));
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
    golden::run(table, DType::f32, [&](Context& ctx) { ops::resize(ctx, y, picture.view(), geometry, ResizeKind::pil); });
    const std::vector<uint8_t> ours = Harness(table).read_bytes(y);
    if (first.empty()) first = ours;
    CHECK(ours == first);
  }
}

TEST_CASE("image: nor does NV12 that comes in bands, which begin at any row of a pair") {
  const Planes planes(1, (1 << 20) - 1, 29, ops::YuvColor::bt709, 0);  // 46 MB, bands of 762 600 rows
  ResizeGeometry geometry{.padded_height = planes.view.height, .padded_width = 29, .resized_height = 9, .resized_width = 29};
  geometry.crop_left = 13;
  std::vector<uint8_t> first;
  TS_FOR_EACH_BACKEND(table) {
    for (int64_t top : {0, 3}) {  // the rows above are not asked for, and the first that is may be odd
      const Buffer y = allocate_buffer(table, DType::u8, {1, 5, 2, 3});
      geometry.crop_top = top;
      golden::run(table, DType::f32, [&](Context& ctx) { ops::resize(ctx, y, planes.view, geometry, ResizeKind::torchvision); });
      const std::vector<uint8_t> ours = Harness(table).read_bytes(y);
      if (first.size() < 2 * ours.size()) first.insert(first.end(), ours.begin(), ours.end());
      CHECK(std::equal(ours.begin(), ours.end(), first.begin() + (top ? int64_t(ours.size()) : 0)));
    }
  }
}

TEST_CASE("image: an 8K frame needs few bytes beside itself") {
  TS_FOR_EACH_BACKEND(table) {
    Serial serial;
    Arena plan = Arena::planning();
    Context ctx(table, plan, serial, DType::f32);
    const Tensor y = plan.allocate<uint8_t>({8, 224, 224, 3});
    const int64_t before = plan.used();
    for (const Frames& frames : {Frames::rgb24(nullptr, 8, 4320, 7680), Frames::nv12(nullptr, 8, 4320, 7680, ops::YuvColor::bt709)})
      ops::resize(ctx, y, frames, ops::clip_geometry(4320, 7680, 224), ResizeKind::pil);
    CHECK(plan.high_water() - before < (int64_t(40) << 20));
  }
}

TEST_CASE("image: patchify orders a patch as a convolution weight") {
  struct Patches {
    int64_t frames, height, width, t, p;
  };
  TS_FOR_EACH_BACKEND(table)
    for (const Patches& c : {Patches{1, 1, 1, 1, 1}, Patches{2, 6, 9, 1, 3}, Patches{4, 16, 8, 2, 4}, Patches{6, 28, 14, 3, 14}, Patches{2, 15, 30, 1, 15}})
      for (DType stored : test::product_types(table)) {
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
    Frames frames = Frames::rgb24(pixels.data(), 1, height, width);
    frames.row_bytes = row_bytes;
    ops::resize(ctx, y, frames, g, ResizeKind::pil);
  };
  CHECK_NOTHROW(call(10, 10, 30, ops::clip_geometry(10, 10, 8)));
  CHECK_THROWS_WITH_AS(call(10, 10, 29, ops::clip_geometry(10, 10, 8)), doctest::Contains("rows of 29 bytes cannot hold 10 pixels"), Error);
  CHECK_THROWS_WITH_AS(call(10, 10, 30, ops::clip_geometry(9, 9, 8)), doctest::Contains("does not fit into 9 × 9"), Error);
  CHECK_THROWS_WITH_AS(call(10, 10, 30, ops::clip_geometry(10, 10, 7)), doctest::Contains("a window of 8 × 8"), Error);
  CHECK_THROWS_WITH_AS(call(1, 1 << 20, 3 << 20, ops::sync_geometry(1, 1 << 20, 8)), doctest::Contains("does not lie in"), Error);
  const auto refuse = [&](const char* why, auto&& change) {
    Frames frames = Frames::nv12(pixels.data(), 1, 9, 9, ops::YuvColor::bt601);
    change(frames);
    CHECK_THROWS_WITH_AS(ops::resize(ctx, h.output({frames.count, 8, 8, 3}, DType::u8), frames, ops::clip_geometry(9, 9, 8), ResizeKind::pil),
                         doctest::Contains(why), Error);
  };
  refuse("rows of 8 bytes cannot hold 9 pixels", [](Frames& f) { f.row_bytes = 8; });
  refuse("rows of 9 bytes cannot hold the chroma of 9 pixels", [](Frames& f) { f.chroma_row_bytes = 9; });
  refuse("frames of 49 bytes cannot hold 5 rows of chroma of 10", [](Frames& f) { f.count = 2, f.chroma_frame_bytes = 49; });
  CHECK_THROWS_WITH_AS(ops::resize(ctx, y, Frames::rgb24(pixels.data(), 2, 5, 5), ops::clip_geometry(5, 5, 8), ResizeKind::pil),
                       doctest::Contains("for 2 frames"), Error);
  CHECK_THROWS_WITH_AS(ops::patchify(ctx, h.output({1, 1, 3}), h.input(test::normal(75), {1, 3, 5, 5}), 1, 2), doctest::Contains("does not divide into patches"), Error);
}

}  // namespace
}  // namespace ts
