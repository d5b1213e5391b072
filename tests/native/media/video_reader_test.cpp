// Reading pictures: geometry, depth and colour against FFmpeg, damage and odd files, seeking, errors.
#include "media_files.h"

#include <cmath>
#include <sstream>

using namespace media_test;

namespace {

// Checksums of the first frames as `ffmpeg <before> -i path <after>` gives them, without a change of rate.
std::vector<uint32_t> ffmpeg_frames(const std::string& path, const std::string& before, const std::string& after) {
  std::vector<uint32_t> sums;
  std::istringstream lines(output_of("ffmpeg -nostdin -v error " + before + " -i '" + path + "' -map 0:v:0 " + after +
                                     " -fps_mode passthrough -pix_fmt rgb24 -f framecrc -"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') sums.push_back(uint32_t(std::stoul(line.substr(line.rfind("0x")), nullptr, 16)));
  }
  return sums;
}

void check_equal(const Frames& frames, const std::vector<uint32_t>& expected) {
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  REQUIRE(frames.rates[0].size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(frames.rates[0][i].checksum == expected[i]);
  }
}

struct Pixel {
  int r, g, b;
};
Pixel at(const Frames& f, uint32_t x, uint32_t y) {
  const uint8_t* p = f.first.data() + (size_t(y) * f.width + x) * 3;
  return {p[0], p[1], p[2]};
}

const std::string kSmall = "-f lavfi -i testsrc2=s=64x48:r=10:d=1 ";

}  // namespace

TEST_CASE("video reader: a rotation flag is applied, for all four quarter turns") {
  NEEDS_FFMPEG
  const std::string upright = made("upright.mp4", kSmall + "-c:v libx264 -qp 0 -pix_fmt yuv444p");
  for (const int degrees : {90, 180, 270}) {
    CAPTURE(degrees);
    const std::string turned = made("turned" + std::to_string(degrees) + ".mp4", "-i '" + upright + "' -c copy -metadata:s:v rotate=" + std::to_string(degrees));
    const Frames frames = read_frames(turned, {{10, 1, 0}});
    CHECK(frames.width == (degrees == 180 ? 64 : 48));
    CHECK(frames.height == (degrees == 180 ? 48 : 64));
    check_equal(frames, ffmpeg_frames(turned, "", ""));
    const Media media = probe(turned);
    CHECK(media.video().rotation_deg == 360 - degrees);  // the program's tag turns the other way
    CHECK(media.video().is_mirrored == 0);
    CHECK(media.video().width == frames.width);
    CHECK(media.video().coded_width == 64);
    check_equal(read_frames(turned, {{10, 1, 0}}, 0, [](auto& o) { o.as_shown = 0; }), ffmpeg_frames(turned, "-noautorotate", ""));
  }
}

TEST_CASE("video reader: odd sizes equal FFmpeg's conversion") {
  NEEDS_FFMPEG
  for (const char* size : {"161x119", "2x3", "17x64", "34x2"}) {
    CAPTURE(std::string(size));
    const std::string path = made(std::string("odd") + size + ".mkv", std::string("-f lavfi -i color=c=0x4080c0:s=") + size + ":r=5:d=1 -vf format=yuv444p -c:v ffv1");
    check_equal(read_frames(path, {{5, 1, 0}}), ffmpeg_frames(path, "", ""));
  }
  const std::string dot = made("dot.mkv", "-f lavfi -i color=c=0x4080c0:s=2x2:r=5:d=1 -vf format=rgb24,crop=1:1 -c:v png");
  check_equal(read_frames(dot, {{5, 1, 0}}), ffmpeg_frames(dot, "", ""));
  CHECK(read_frames(dot, {{8, 1, 8}}).width == 1);
  const std::string odd = made("odd420.mkv", "-f lavfi -i testsrc2=s=161x119:r=5:d=1 -pix_fmt yuv420p -c:v ffv1");
  check_equal(read_frames(odd, {{5, 1, 0}}), ffmpeg_frames(odd, "", ""));
}

TEST_CASE("video reader: 10-bit, 12-bit, 4:2:2, full range and RGB sources equal FFmpeg's conversion") {
  NEEDS_FFMPEG
  for (const char* format : {"yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv422p", "gray", "gbrp", "rgb24", "bgra"}) {
    CAPTURE(std::string(format));
    const bool rgb = format[0] == 'r' || format[0] == 'b';
    const std::string path = made(std::string("depth_") + format + (rgb ? ".mov" : ".mkv"), kSmall + "-pix_fmt " + format + (rgb ? " -c:v png" : " -c:v ffv1"));
    check_equal(read_frames(path, {{10, 1, 0}}), ffmpeg_frames(path, "", ""));
  }
  const std::string jpeg = made("full.avi", kSmall + "-c:v mjpeg -q:v 2");
  check_equal(read_frames(jpeg, {{10, 1, 0}}), ffmpeg_frames(jpeg, "", ""));
  const std::string hd = made("bt709.mp4", kSmall + "-vf scale=out_color_matrix=bt709,format=yuv420p -c:v libx264 -colorspace bt709 -color_primaries bt709 -color_trc bt709");
  check_equal(read_frames(hd, {{10, 1, 0}}), ffmpeg_frames(hd, "", ""));
}

TEST_CASE("video reader: non-square pixels are stretched to their shape, or left as stored") {
  NEEDS_FFMPEG
  const std::string wide = made("wide.mp4", kSmall + "-vf setsar=4/3 -c:v libx264");
  const std::string tall = made("tall.mp4", kSmall + "-vf setsar=8/9 -c:v libx264");
  CHECK(read_frames(wide, {{1, 1, 1}}).width == 85);  // 64 · 4/3
  CHECK(read_frames(wide, {{1, 1, 1}}).height == 48);
  CHECK(read_frames(tall, {{1, 1, 1}}).width == 64);
  CHECK(read_frames(tall, {{1, 1, 1}}).height == 54);  // 48 · 9/8
  CHECK(probe(tall).video().height == 54);
  CHECK(probe(tall).video().sample_aspect_den == 9);
  const Frames stored = read_frames(wide, {{10, 1, 0}}, 0, [](auto& o) { o.as_shown = 0; });
  CHECK(stored.width == 64);
  check_equal(stored, ffmpeg_frames(wide, "", ""));
  check_equal(read_frames(wide, {{10, 1, 0}}), ffmpeg_frames(wide, "", "-vf scale=85:48"));
}

TEST_CASE("video reader: max_side scales larger frames down and leaves smaller ones") {
  const Frames half = read_frames(sample("flower.mp4"), {{8, 1, 2}}, 0, [](auto& o) { o.max_side = 480; });
  REQUIRE_MESSAGE(half.status == TS_OK, half.error);
  CHECK(half.width == 480);
  CHECK(half.height == 270);
  CHECK(read_frames(sample("flower.mp4"), {{8, 1, 2}}, 0, [](auto& o) { o.max_side = 2000; }).width == 960);
}

TEST_CASE("video reader: PQ and HLG come out as sRGB with reference white bright, greys neutral and ramps monotone") {
  NEEDS_FFMPEG
  // Codes of grey, from dark to the peak, in 10 bits and limited range, as 16-pixel columns.
  for (const char* transfer : {"smpte2084", "arib-std-b67"}) {
    CAPTURE(std::string(transfer));
    const std::string path = made(std::string("hdr-") + transfer + ".mkv",
                                  "-f lavfi -i \"color=s=256x16:r=5:d=1,format=yuv444p10le,geq=lum='64+floor(X/16)*876/15':cb=512:cr=512\" "
                                  "-c:v ffv1 -color_primaries bt2020 -colorspace bt2020nc -color_range tv -color_trc " + std::string(transfer));
    const Frames frames = read_frames(path, {{5, 1, 1}});
    REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
    CHECK(probe(path).video().is_hdr == 1);
    CHECK(probe(path).video().bit_depth == 10);
    int before = -1;
    for (uint32_t step = 0; step < 16; ++step) {
      const Pixel p = at(frames, step * 16 + 8, 8);
      CAPTURE(step);
      CHECK(std::abs(p.r - p.g) <= 2);
      CHECK(std::abs(p.b - p.g) <= 2);
      CHECK(p.g >= before);
      before = p.g;
    }
    CHECK(at(frames, 8, 8).g <= 2);
    CHECK(at(frames, 248, 8).g >= 253);
  }
}

TEST_CASE("video reader: tone mapping of PQ greys follows BT.2390 within two levels") {
  NEEDS_FFMPEG
  // The curve worked out here in double: PQ code → cd/m² → roll-off from 1000 to 203 → sRGB.
  const auto to_pq = [](double n) {
    const double y = std::pow(n / 10000, 0.1593017578125);
    return std::pow((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y), 78.84375);
  };
  const auto from_pq = [](double e) {
    const double p = std::pow(e, 1 / 78.84375);
    return 10000 * std::pow(std::max(p - 0.8359375, 0.0) / (18.8515625 - 18.6875 * p), 1 / 0.1593017578125);
  };
  const auto expected = [&](double nits) {
    const double peak = to_pq(1000), top = to_pq(203) / peak, knee = 1.5 * top - 0.5, e = to_pq(nits) / peak;
    if (e > knee) {
      const double t = std::min(1.0, (e - knee) / (1 - knee));
      const double o = (2 * t * t * t - 3 * t * t + 1) * knee + (t * t * t - 2 * t * t + t) * (1 - knee) + (3 * t * t - 2 * t * t * t) * top;
      nits = from_pq(o * peak);
    }
    const double v = std::min(1.0, nits / 203);
    return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055);
  };
  for (const int nits : {1, 10, 50, 100, 203, 500, 1000}) {
    const int code = int(std::lround(64 + 876 * to_pq(nits)));
    const std::string path = made("nits" + std::to_string(nits) + ".mkv",
                                  "-f lavfi -i \"color=s=16x16:r=5:d=0.2,format=yuv444p10le,geq=lum=" + std::to_string(code) + ":cb=512:cr=512\" -c:v ffv1 "
                                  "-color_primaries bt2020 -colorspace bt2020nc -color_range tv -color_trc smpte2084");
    const Frames frames = read_frames(path, {{5, 1, 1}});
    REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
    CAPTURE(nits);
    CHECK(std::abs(at(frames, 8, 8).g - expected(from_pq((code - 64) / 876.0))) <= 2);
  }
}

TEST_CASE("video reader: a one-frame clip is repeated to the counts asked for") {
  NEEDS_FFMPEG
  const std::string path = made("single.mp4", "-f lavfi -i testsrc2=s=64x48:r=25:d=1 -frames:v 1 -c:v libx264");
  const Frames frames = read_frames(path, {{8, 1, 72}, {25, 1, 225}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  CHECK(frames.rates[0].size() == 72);
  CHECK(frames.rates[1].size() == 225);
  CHECK(frames.stats.num_converted == 1);
  CHECK(frames.stats.num_repeated[0] == 72);  // 0.04 s is less than half a tick of 8 fps
  CHECK(frames.stats.num_repeated[1] == 224);
}

TEST_CASE("video reader: 8K frames work") {
  NEEDS_FFMPEG
  const std::string path = made("8k.mp4", "-f lavfi -i color=c=red:s=7680x4320:r=2 -frames:v 3 -c:v libx264 -preset ultrafast");
  const Frames frames = read_frames(path, {{2, 1, 0}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  CHECK(frames.width == 7680);
  CHECK(frames.height == 4320);
  CHECK(frames.rates[0].size() == 3);
  CHECK(at(frames, 7679, 4319).r > 250);
  CHECK(at(frames, 7679, 4319).g < 5);
}

TEST_CASE("video reader: corrupt frames in the middle are skipped or concealed, counted, and every index is delivered") {
  NEEDS_FFMPEG
  const std::string whole = made("clean.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=4 -c:v libx264 -g 25 -bf 0");
  std::string bytes = bytes_of(whole);
  for (size_t i = bytes.size() * 4 / 10; i < bytes.size() / 2; ++i) bytes[i] = char(i * 131 + 17);
  const std::string path = written("corrupt.mp4", bytes);
  const Frames frames = read_frames(path, {{8, 1, 32}, {25, 1, 100}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  CHECK(frames.rates[0].size() == 32);
  CHECK(frames.rates[1].size() == 100);
  CHECK(frames.stats.num_warnings > 0);
  const Frames clean = read_frames(whole, {{8, 1, 32}, {25, 1, 100}});
  CHECK(clean.stats.num_warnings == 0);
  CHECK(clean.rates[1][10].checksum == frames.rates[1][10].checksum);
  CHECK(clean.rates[1][99].checksum == frames.rates[1][99].checksum);  // it recovers at the next key frame
}

TEST_CASE("video reader: a file of which nothing decodes is an error that names it") {
  NEEDS_FFMPEG
  std::string bytes = bytes_of(made("clean2.mkv", "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -c:v png -f matroska"));
  for (size_t at = 0; (at = bytes.find("\x89PNG", at)) != std::string::npos; ++at) bytes[at] = 'x';
  const std::string path = written("undecodable.mkv", bytes);
  const Frames frames = read_frames(path, {{8, 1, 8}});
  CHECK(frames.status == TS_BAD_MEDIA);
  CHECK(frames.error.find("undecodable.mkv") != std::string::npos);
}

TEST_CASE("video reader: an attached picture is not the video") {
  NEEDS_FFMPEG
  const std::string cover = made("cover.png", "-f lavfi -i color=c=blue:s=500x500 -frames:v 1");
  const std::string video = made("covered.mp4", kSmall + "-i '" + cover + "' -map 1 -map 0 -c:v:0 png -c:v:1 libx264 -disposition:v:0 attached_pic");
  const Frames frames = read_frames(video, {{10, 1, 0}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  CHECK(frames.width == 64);
  CHECK(frames.rates[0].size() == 10);
  const std::string song = made("song.mp3", "-f lavfi -i sine=d=1 -i '" + cover + "' -map 0 -map 1 -c:v png -disposition:v attached_pic");
  const Frames none = read_frames(song, {{8, 1, 8}});
  CHECK(none.status == TS_BAD_MEDIA);
  CHECK(none.error.find("has no video") != std::string::npos);
  CHECK(probe(song).info.video_stream == -1);
  CHECK(probe(song).info.audio_stream >= 0);
}

TEST_CASE("video reader: a start deep inside a long file is sought, not decoded to") {
  NEEDS_FFMPEG
  for (const char* ending : {"mp4", "mkv"}) {
    CAPTURE(std::string(ending));
    const std::string path = made(std::string("hour.") + ending, "-f lavfi -i testsrc2=s=64x48:r=5:d=3600 -c:v libx264 -preset ultrafast -g 50");
    const Frames frames = read_frames(path, {{8, 1, 8}, {25, 1, 25}}, 3000.5);
    REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
    CHECK(frames.rates[0][0].time_s == doctest::Approx(3000.4));
    CHECK(frames.rates[1][24].time_s == doctest::Approx(3001.4));
    CHECK(frames.stats.num_decoded < 80);  // one group of pictures at most, and the frames themselves
  }
}

TEST_CASE("video reader: streams without an index or times still read from the start and from inside") {
  NEEDS_FFMPEG
  const std::string source = "-f lavfi -i testsrc2=s=64x48:r=25:d=8 -c:v libx264 -g 25 -bf 2 ";
  const Frames reference = read_frames(made("indexed.mp4", source), {{25, 1, 25}}, 5);
  for (const char* ending : {"ts", "avi", "flv", "mpg"}) {
    CAPTURE(std::string(ending));
    const bool mpeg = std::string(ending) == "mpg";
    const std::string path = made(std::string("plain.") + ending, "-i '" + made("indexed.mp4", source) + "' " + (mpeg ? "-c:v mpeg2video -q:v 2 -g 12" : "-c copy"));
    const Frames whole = read_frames(path, {{25, 1, 200}});
    REQUIRE_MESSAGE(whole.status == TS_OK, whole.error);
    const Frames inside = read_frames(path, {{25, 1, 25}}, 5);
    REQUIRE_MESSAGE(inside.status == TS_OK, inside.error);
    for (size_t i = 0; i < 25; ++i) CHECK(inside.rates[0][i].checksum == whole.rates[0][125 + i].checksum);
    if (!mpeg) CHECK(inside.rates[0][0].checksum == reference.rates[0][0].checksum);
  }
}

TEST_CASE("video reader: both rates come from one pass of decoding") {
  const Frames frames = read_frames(sample("flower.mp4"), {{8, 1, 40}, {25, 1, 125}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  CHECK(frames.stats.num_decoded <= 151);
  CHECK(frames.stats.num_converted <= 150);
  const Frames alone = read_frames(sample("flower.mp4"), {{25, 1, 125}});
  for (size_t i = 0; i < 125; ++i) CHECK(alone.rates[0][i].checksum == frames.rates[1][i].checksum);
}

TEST_CASE("video reader: bad input is refused with the file's name and the fix") {
  NEEDS_FFMPEG
  const auto refused = [](const std::string& path, ts_status status, const std::string& says) {
    const Frames frames = read_frames(path, {{8, 1, 8}});
    CAPTURE(path);
    CAPTURE(frames.error);
    CHECK(frames.status == status);
    CHECK(frames.error.find(path) != std::string::npos);
    CHECK(frames.error.find(says) != std::string::npos);
    const Media media = probe(path);
    if (says != "has no video") CHECK(media.status == status);
  };
  refused(scratch() + "/missing.mp4", TS_NOT_FOUND, "no such file");
  refused(scratch(), TS_INVALID_ARGUMENT, "folder");
  refused(written("empty.mp4", ""), TS_BAD_MEDIA, "empty");
  refused(written("notes.mp4", "Dear diary,\ntoday I renamed a text file.\n"), TS_BAD_MEDIA, "text file");
  refused(written("list.mp4", "#EXTM3U\n#EXTINF:1,\nother.ts\n"), TS_BAD_MEDIA, "text");
  refused(written("noise.mp4", std::string(5000, '\x01') + std::string(5000, '\xfe')), TS_BAD_MEDIA, "damaged");
  const std::string whole = bytes_of(made("clean3.mp4", kSmall + "-c:v libx264"));  // its index is at the end
  refused(written("cut.mp4", whole.substr(0, whole.size() / 2)), TS_BAD_MEDIA, "cut off");
  refused(made("tone.wav", "-f lavfi -i sine=d=1"), TS_BAD_MEDIA, "has no video");
}

TEST_CASE("video reader: a file cut off after its index says so in the probe and still gives its frames") {
  NEEDS_FFMPEG
  const std::string whole = bytes_of(made("fast.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=8 -c:v libx264 -g 25 -movflags faststart"));
  const std::string path = written("fastcut.mp4", whole.substr(0, whole.size() / 2));
  const Media media = probe(path);
  REQUIRE_MESSAGE(media.status == TS_OK, media.error);
  CHECK(media.info.is_truncated == 1);
  CHECK(media.info.duration_s < 6);
  CHECK(media.info.duration_s > 2);
  const Frames frames = read_frames(path, {{8, 1, 64}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  CHECK(frames.rates[0].size() == 64);
  CHECK(frames.stats.num_repeated[0] > 10);
}

TEST_CASE("video reader: a raw stream, which states no times, is as long as its frames") {
  NEEDS_FFMPEG
  const Media media = probe(made("timeless.h264", "-f lavfi -i testsrc2=s=160x120:r=25:d=3 -c:v libx264"));
  REQUIRE_MESSAGE(media.status == TS_OK, media.error);
  CHECK(std::fabs(media.info.duration_s - 3) < 0.05);
}

TEST_CASE("video reader: a file that begins late is not cut off") {
  NEEDS_FFMPEG
  const std::string whole = made("begins_at_once.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=3 -c:v libx264");
  for (const char* name : {"begins_late.mkv", "begins_late.mp4", "begins_late.ts"}) {
    CAPTURE(name);
    const Media media = probe(made(name, "-itsoffset 4 -i " + whole + " -c copy"));
    REQUIRE_MESSAGE(media.status == TS_OK, media.error);
    CHECK(media.info.is_truncated == 0);
    CHECK(std::fabs(media.info.duration_s - 3) < 0.05);
  }
}

TEST_CASE("video reader: a start past the end, bad rates and bad structs are refused") {
  const Frames late = read_frames(sample("friday.mp4"), {{8, 1, 8}}, 100);
  CHECK(late.status == TS_INVALID_ARGUMENT);
  CHECK(late.error.find("past the end") != std::string::npos);
  CHECK(read_frames(sample("friday.mp4"), {{0, 1, 8}}).status == TS_INVALID_ARGUMENT);
  CHECK(read_frames(sample("friday.mp4"), {{8, 0, 8}}).status == TS_INVALID_ARGUMENT);
  CHECK(read_frames(sample("friday.mp4"), {}).status == TS_INVALID_ARGUMENT);
  CHECK(read_frames(sample("friday.mp4"), {{8, 1, 8}}, -1).status == TS_INVALID_ARGUMENT);
  CHECK(read_frames(sample("friday.mp4"), {{8, 1, 8}}, 0, [](auto& o) { o.stream = 0; }).status == TS_INVALID_ARGUMENT);  // its sound
  CHECK(read_frames(sample("friday.mp4"), {{8, 1, 8}}, 0, [](auto& o) { o.stream = 7; }).status == TS_INVALID_ARGUMENT);
  tsm_video_reader* reader = nullptr;
  CHECK(tsm_video_reader_open("x", nullptr, &reader) == TS_INVALID_ARGUMENT);
  tsm_video_options options{};
  CHECK(tsm_video_reader_open("x", &options, &reader) == TS_INVALID_ARGUMENT);  // struct_size 0
  CHECK(tsm_video_reader_next(nullptr, nullptr) == TS_INVALID_ARGUMENT);
}

TEST_CASE("video reader: a longer options struct is accepted only if its tail is zero") {
  struct Newer {
    tsm_video_options known;
    uint64_t future;
  } newer{};
  tsm_video_options_init(&newer.known);
  newer.known.struct_size = sizeof newer;
  const tsm_output_rate rate{8, 1, 1};
  newer.known.rates = &rate;
  newer.known.num_rates = 1;
  tsm_video_reader* reader = nullptr;
  CHECK(tsm_video_reader_open(sample("friday.mp4").c_str(), &newer.known, &reader) == TS_OK);
  tsm_video_reader_close(reader);
  newer.future = 1;
  CHECK(tsm_video_reader_open(sample("friday.mp4").c_str(), &newer.known, &reader) == TS_UNSUPPORTED);
  CHECK(reader == nullptr);
}

TEST_CASE("video reader: cancelling stops opening and reading") {
  struct Counter {
    int left;
    static int32_t ask(void* self) { return --static_cast<Counter*>(self)->left < 0; }
  };
  for (const int after : {0, 1, 5, 40}) {
    Counter counter{after};
    CAPTURE(after);
    const Frames frames = read_frames(sample("flower.mp4"), {{25, 1, 125}}, 0, [&](auto& o) {
      o.cancel = &Counter::ask;
      o.user_data = &counter;
    });
    CHECK(frames.status == TS_CANCELLED);
    CHECK(frames.error.find("flower.mp4") != std::string::npos);
  }
}

TEST_CASE("video reader: nothing is printed, and the log arrives at the callback") {
  NEEDS_FFMPEG
  static std::string lines;
  lines.clear();
  tsm_set_log([](void*, ts_log_level, const char* message) { lines += std::string(message) + "\n"; }, nullptr, TS_LOG_WARNING);
  std::string bytes = bytes_of(made("clean.mp4", "-f lavfi -i testsrc2=s=160x120:r=25:d=4 -c:v libx264 -g 25 -bf 0"));
  for (size_t i = bytes.size() * 4 / 10; i < bytes.size() / 2; ++i) bytes[i] = char(i * 37);
  read_frames(written("loud.mp4", bytes), {{8, 1, 32}});
  tsm_set_log(nullptr, nullptr, TS_LOG_ERROR);
  CHECK(lines.find("h264") != std::string::npos);
}
