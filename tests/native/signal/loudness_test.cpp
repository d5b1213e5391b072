#include "signal/loudness.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "core/error.h"
#include "../skip.h"

using namespace ts;

namespace {

struct Part {
  double seconds, dbfs;
};

// A sine of consecutive levels in every channel; `dbfs` is the peak, as EBU Tech 3341 gives it.
std::vector<float> tone(const std::vector<Part>& parts, int64_t rate, int num_channels = 2, double hertz = 1000) {
  std::vector<float> channel;
  for (const Part& part : parts)
    for (int64_t i = 0; i < int64_t(part.seconds * double(rate)); ++i)
      channel.push_back(float(std::pow(10, part.dbfs / 20) *
                              std::sin(2 * std::numbers::pi * hertz * double(channel.size()) / double(rate))));
  std::vector<float> planar;
  for (int i = 0; i < num_channels; ++i) planar.insert(planar.end(), channel.begin(), channel.end());
  return planar;
}

constexpr double kToleranceLu = 0.1;  // of EBU Tech 3341

double distance_lu(const std::vector<float>& planar, int num_channels, int64_t rate, double expected) {
  return std::fabs(integrated_loudness(planar, num_channels, rate) - expected);
}

}  // namespace

TEST_CASE("loudness: passes the minimum requirements of EBU Tech 3341 at every rate") {
  for (int64_t rate : {8000, 22050, 44100, 48000, 96000}) {
    CAPTURE(rate);
    CHECK(distance_lu(tone({{20, -23}}, rate), 2, rate, -23) <= kToleranceLu);                                // case 1
    CHECK(distance_lu(tone({{20, -33}}, rate), 2, rate, -33) <= kToleranceLu);                                // case 2
    CHECK(distance_lu(tone({{10, -36}, {60, -23}, {10, -36}}, rate), 2, rate, -23) <= kToleranceLu);          // case 3
    CHECK(distance_lu(tone({{10, -72}, {10, -36}, {60, -23}, {10, -36}, {10, -72}}, rate), 2, rate, -23) <=
          kToleranceLu);                                                                                      // case 4
    CHECK(distance_lu(tone({{20, -26}, {20.1, -20}, {20, -26}}, rate), 2, rate, -23) <= kToleranceLu);        // case 5
  }
}

TEST_CASE("loudness: weighs the surround pair and leaves out the bass channel") {
  // EBU Tech 3341 case 6: L R −28, C −24, surrounds −30 dBFS.
  std::vector<float> planar;
  const auto add = [&](double dbfs) {
    const std::vector<float> channel = tone({{20, dbfs}}, 48000, 1);
    planar.insert(planar.end(), channel.begin(), channel.end());
  };
  for (double dbfs : {-28.0, -28.0, -24.0, -30.0, -30.0}) add(dbfs);
  CHECK(distance_lu(planar, 5, 48000, -23) <= kToleranceLu);
  planar.clear();
  for (double dbfs : {-28.0, -28.0, -24.0, -6.0, -30.0, -30.0}) add(dbfs);
  CHECK(distance_lu(planar, 6, 48000, -23) <= kToleranceLu);
}

TEST_CASE("loudness: a full-scale 997 Hz sine in one channel is -3.01, as BS.1770 says") {
  for (int64_t rate : {44100, 48000})
    CHECK(integrated_loudness(tone({{5, 0}}, rate, 1, 997), 1, rate) == doctest::Approx(-3.01).epsilon(0.005));
}

TEST_CASE("loudness: silence, near silence and less than one block measure nothing") {
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  CHECK(integrated_loudness({}, 2, 44100) == kNothing);
  CHECK(integrated_loudness(std::vector<float>(2 * 44100), 2, 44100) == kNothing);
  CHECK(integrated_loudness(tone({{5, -75}}, 44100), 2, 44100) == kNothing);
  const std::vector<float> block = tone({{0.4, -20}}, 44100, 1);
  REQUIRE(block.size() == 17640);
  CHECK(std::isfinite(integrated_loudness(block, 1, 44100)));
  CHECK(integrated_loudness(std::span(block).first(17639), 1, 44100) == kNothing);
}

TEST_CASE("loudness: a sound that comes piece by piece measures as the whole, bit for bit") {
  for (int64_t rate : {44100, 48000, 44056}) {
    const std::vector<float> planar = tone({{0.7, -20}, {1.15, -31}, {0.4, -80}, {1.0, -9}}, rate, 2, 300);
    const int64_t count = int64_t(planar.size()) / 2;
    for (int64_t piece : {1l, 999l, 4411l, long(count)}) {
      LoudnessMeter meter(2, rate);
      CHECK(std::isinf(meter.integrated()));
      for (int64_t at = 0; at < count; at += piece) {
        std::vector<float> part;
        for (int64_t channel : {0, 1})
          part.insert(part.end(), planar.begin() + channel * count + at, planar.begin() + channel * count + std::min(count, at + piece));
        meter.push(part);
      }
      CHECK(meter.integrated() == integrated_loudness(planar, 2, rate));
    }
  }
  CHECK_THROWS_WITH_AS(LoudnessMeter(2, 22050), "loudness: 22050 Hz cannot be measured piece by piece, from 32000 on", Error);
}

TEST_CASE("loudness: gain carries a sound to its target") {
  std::vector<float> planar = tone({{3, -31}}, 44100);
  const double gain = loudness_gain(integrated_loudness(planar, 2, 44100), -16);
  for (float& x : planar) x = float(x * gain);
  CHECK(integrated_loudness(planar, 2, 44100) == doctest::Approx(-16).epsilon(1e-6));
  CHECK(loudness_gain(-std::numeric_limits<double>::infinity(), -16) == 1.0);
}

TEST_CASE("loudness: bad arguments and samples are refused") {
  std::vector<float> planar(44100);
  CHECK_THROWS_AS(integrated_loudness(planar, 0, 44100), Error);
  CHECK_THROWS_AS(integrated_loudness(planar, 9, 44100), Error);
  CHECK_THROWS_AS(integrated_loudness(planar, 1, 7999), Error);
  CHECK_THROWS_AS(integrated_loudness(std::span(planar).first(44099), 2, 44100), Error);
  planar[100] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(integrated_loudness(planar, 1, 44100), doctest::Contains("NaN"), Error);
}

TEST_CASE("loudness: agrees with FFmpeg's meter on noise that rises and falls") {
#if defined(__unix__)
  for (int64_t rate : {16000, 22050, 44100, 48000, 96000}) {
    CAPTURE(rate);
    const std::string source = concat("ffmpeg -hide_banner -nostats -f lavfi -i \"anoisesrc=color=pink:seed=7:duration=12:"
                                      "sample_rate=", rate, ",volume='if(lt(mod(t,4),2),0.8,0.05)':eval=frame\" ");
    const auto run = [](const std::string& command) {
      std::string out;
      if (FILE* pipe = popen(command.c_str(), "r")) {
        char buffer[65536];
        for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
        pclose(pipe);
      }
      return out;
    };
    // At low rates FFmpeg's filters are bent by the bilinear transform, as ours would be: there both measure at 48 kHz.
    const std::string meter = rate < 48000 ? "aresample=48000,ebur128" : "ebur128";
    const std::string report = run(source + "-af " + meter + " -f null - 2>&1");
    const size_t at = report.rfind("    I:");
    if (at == std::string::npos) TS_SKIP("ffmpeg with the ebur128 filter is not there");
    const double theirs = std::stod(report.substr(at + 6));
    const std::string raw = run(source + "-f f32le - 2>/dev/null");
    std::vector<float> samples(raw.size() / sizeof(float));
    std::memcpy(samples.data(), raw.data(), samples.size() * sizeof(float));
    REQUIRE(samples.size() == size_t(12 * rate));
    CHECK(distance_lu(samples, 1, rate, theirs) <= kToleranceLu);
  }
#else
  TS_SKIP("no shell to run ffmpeg in");
#endif
}
