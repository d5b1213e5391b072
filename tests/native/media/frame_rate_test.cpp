// Which frames a rate takes: against the definition worked out from ffprobe's times, and against FFmpeg's own filter.
#include "media_files.h"

#include <cmath>
#include <sstream>

#include "media/frame_rate.h"

using namespace media_test;
using ts::media::Ratio;
using ts::media::RateCursor;
using ts::media::to_tick;

namespace {

struct Timed {
  int64_t num = 1, den = 1;      // time base
  std::vector<int64_t> pts;      // of every frame, in the order of showing
};

Timed times_of(const std::string& path) {
  const std::string text = output_of("ffprobe -v error -select_streams v:0 -show_entries stream=time_base:frame=best_effort_timestamp "
                                     "-of default=nk=1:nw=1 '" + path + "'");
  Timed timed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find('/') != std::string::npos) {
      timed.num = std::stoll(line);
      timed.den = std::stoll(line.substr(line.find('/') + 1));
    } else if (!line.empty() && line != "N/A") {
      timed.pts.push_back(std::stoll(line));
    }
  }
  return timed;
}

struct Rate {
  int64_t num, den;
};

// The definition, frame by frame, in whole numbers: ⌊x + ½⌋, mirrored below 0.
std::vector<double> expected_times(const Timed& t, Rate rate, size_t count, int64_t start_us) {
  using wide = __int128;
  const wide den = wide(t.den) * 1'000'000 * rate.den;
  const auto tick = [&](int64_t pts, int64_t before_us) {
    const wide num = (wide(pts) * t.num * 1'000'000 - wide(before_us) * t.den) * rate.num;
    return int64_t(num >= 0 ? (2 * num + den) / (2 * den) : -((-2 * num + den) / (2 * den)));
  };
  const int64_t first = tick(t.pts.front(), 0);
  std::vector<double> times;
  for (size_t n = 0; n < count; ++n) {
    size_t last = 0;
    for (size_t i = 0; i < t.pts.size(); ++i) {
      if (tick(t.pts[i], start_us) - first <= int64_t(n)) last = i;
    }
    times.push_back(double(t.pts[last] - t.pts.front()) * double(t.num) / double(t.den));
  }
  return times;
}

void check_definition(const std::string& path, double start_s = 0) {
  CAPTURE(path);
  CAPTURE(start_s);
  const Timed timed = times_of(path);
  REQUIRE(timed.pts.size() > 0);
  const double length_s = double(timed.pts.back() - timed.pts.front()) * timed.num / timed.den - start_s;
  const uint64_t n8 = uint64_t(8 * length_s) + 5, n25 = uint64_t(25 * length_s) + 9, n30 = uint64_t(30 * length_s) + 3;
  const Frames frames = read_frames(path, {{8, 1, n8}, {25, 1, n25}, {30000, 1001, n30}}, start_s);
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  const Rate rates[] = {{8, 1}, {25, 1}, {30000, 1001}};
  const uint64_t counts[] = {n8, n25, n30};
  for (int r = 0; r < 3; ++r) {
    CAPTURE(rates[r].num);
    const std::vector<double> expected = expected_times(timed, rates[r], counts[r], std::llround(start_s * 1e6));
    REQUIRE(frames.rates[r].size() == expected.size());
    for (size_t n = 0; n < expected.size(); ++n) {
      CAPTURE(n);
      CHECK(frames.rates[r][n].time_s == doctest::Approx(expected[n]).epsilon(1e-12));
    }
  }
}

// Checksums of the frames that `ffmpeg -vf fps=rate` gives.
std::vector<uint32_t> filtered(const std::string& path, const std::string& rate, const std::string& before = "") {
  const std::string text = output_of("ffmpeg -nostdin -v error -copyts " + before + " -i '" + path + "' -map 0:v:0 -vf fps=" + rate +
                                     " -fps_mode passthrough -pix_fmt rgb24 -f framecrc - 2>/dev/null");
  std::vector<uint32_t> sums;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    sums.push_back(uint32_t(std::stoul(line.substr(line.rfind("0x")), nullptr, 16)));
  }
  return sums;
}

void check_filter(const std::string& path, const std::string& before = "") {
  CAPTURE(path);
  const Frames frames = read_frames(path, {{8, 1, 0}, {25, 1, 0}});
  REQUIRE_MESSAGE(frames.status == TS_OK, frames.error);
  const std::string rates[] = {"8", "25"};
  for (int r = 0; r < 2; ++r) {
    CAPTURE(rates[r]);
    const std::vector<uint32_t> expected = filtered(path, rates[r], before);
    // The filter may leave out the last frame, when the container does not tell its length.
    REQUIRE(frames.rates[r].size() >= expected.size());
    REQUIRE(frames.rates[r].size() <= expected.size() + 1);
    size_t different = 0;
    for (size_t n = 0; n < expected.size(); ++n) different += frames.rates[r][n].checksum != expected[n];
    CHECK(different == 0);
  }
}

const std::string kTest = "-f lavfi -i testsrc2=s=160x120:r=30:d=4 ";

std::string variable_rate() {
  return made("variable.mp4", kTest + "-vf \"select='not(mod(n,7))+between(mod(n,31),3,9)+gt(n,100)'\" -fps_mode vfr -c:v libx264 -bf 2");
}
std::string late_start() {
  return made("late.mkv", kTest + "-c:v libx264 -bf 2 -output_ts_offset 0.537");
}
std::string edited() {
  const std::string whole = made("whole.mp4", kTest + "-c:v libx264 -bf 2 -g 60");
  return made("edited.mp4", "-ss 0.71 -i '" + whole + "' -c copy");
}

}  // namespace

TEST_CASE("frame rate: ticks are rounded to the nearest, halves away from zero, exactly") {
  const Ratio eight{8, 1};
  CHECK(to_tick(0, {1, 16}, 0, eight) == 0);
  CHECK(to_tick(1, {1, 16}, 0, eight) == 1);    // 0.5
  CHECK(to_tick(-1, {1, 16}, 0, eight) == -1);  // −0.5
  CHECK(to_tick(2, {1, 16}, 0, eight) == 1);
  CHECK(to_tick(3, {1, 16}, 0, eight) == 2);    // 1.5
  CHECK(to_tick(62, {1, 1000}, 0, eight) == 0);
  CHECK(to_tick(63, {1, 1000}, 0, eight) == 1);
  CHECK(to_tick(1063, {1, 1000}, 1'000'000, eight) == 1);
  CHECK(to_tick(int64_t(1) << 60, {1, 1'000'000'000}, 0, {30000, 1001}) == 34'553'092'046);  // checked with big integers
}

TEST_CASE("frame rate: a later frame on the same tick replaces the earlier, and gaps repeat") {
  RateCursor cursor({10, 1}, 8);
  const Ratio ms{1, 1000};
  cursor.begin(20, ms);                        // tick 0
  CHECK(cursor.advance(40, ms, 0).count == 0);   // 0.4 → tick 0: the first frame is never seen
  RateCursor::Use use = cursor.advance(260, ms, 0);  // 2.6 → tick 3
  CHECK(use.first == 0);
  CHECK(use.count == 3);
  use = cursor.advance(150, ms, 0);            // back in time: takes nothing away
  CHECK(use.count == 0);
  use = cursor.finish(500, ms, 0);             // the file ends at tick 5; three more are repeats
  CHECK(use.first == 3);
  CHECK(use.count == 5);
  CHECK(cursor.num_repeated() == 3);
  CHECK(cursor.done());
}

TEST_CASE("frame rate: the repository's samples follow the definition at three rates in one pass") {
  NEEDS_FFMPEG
  for (const char* name : {"flower.mp4", "friday.mp4", "stream-of-water.mp4", "wet-hawk.mp4"}) check_definition(sample(name));
}

TEST_CASE("frame rate: variable rate, late start and edit list follow the definition") {
  NEEDS_FFMPEG
  check_definition(variable_rate());
  check_definition(late_start());
  check_definition(edited());
}

TEST_CASE("frame rate: a start inside the file gives the frames of the definition") {
  NEEDS_FFMPEG
  for (const double start_s : {0.04, 0.5, 1.72, 2.3333, 3.9}) {
    check_definition(variable_rate(), start_s);
    check_definition(late_start(), start_s);
    check_definition(edited(), start_s > 3 ? 3.2 : start_s);
  }
  check_definition(sample("wet-hawk.mp4"), 7.77);
  check_definition(sample("flower.mp4"), 2.2);
}

TEST_CASE("frame rate: pixels equal FFmpeg's fps filter frame for frame") {
  NEEDS_FFMPEG
  for (const char* name : {"flower.mp4", "friday.mp4", "stream-of-water.mp4", "wet-hawk.mp4", "big-buck-bunny-0-30.webm"}) {
    check_filter(sample(name));
  }
  check_filter(variable_rate());
  check_filter(late_start());
  check_filter(edited());
}
