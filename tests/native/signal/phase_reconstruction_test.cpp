#include "signal/phase_reconstruction.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "core/error.h"
#include "core/philox.h"

namespace ts {
namespace {

struct Sound {
  std::vector<float> left, right;
};
using Wave = std::function<double(int64_t)>;

Sound make(int64_t num_samples, const Wave& left, const Wave& right) {
  Sound sound;
  for (int64_t i = 0; i < num_samples; ++i) {
    sound.left.push_back(float(left(i)));
    sound.right.push_back(float(right(i)));
  }
  return sound;
}
Wave sine(double hz, double amplitude) {
  return [=](int64_t i) { return amplitude * std::sin(2 * std::numbers::pi * hz * double(i) / 44100); };
}

std::vector<float> log_mel(const Sound& sound) {
  Serial serial;
  const MelAnalysis analysis{MelShape{}};
  std::vector<float> y(sound.left.size() / 256 * 192);
  analysis.analyse(serial, sound.left, sound.right, 0, y);
  return y;
}

Sound reconstruct(const std::vector<float>& y, size_t frames_at_a_time = 1000) {
  PhaseReconstruction phase{MelShape{}};
  Sound sound;
  for (size_t at = 0; at < y.size(); at += frames_at_a_time * 192)
    phase.push(std::span(y).subspan(at, std::min(frames_at_a_time * 192, y.size() - at)), sound.left, sound.right);
  phase.flush(sound.left, sound.right);
  return sound;
}

// Mean distance of ln mel, in nat.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += 2 * std::abs(double(a[i]) - double(b[i]));
  return sum / double(a.size());
}

constexpr int64_t kSamples = 2048 * 20;

// Two independent draws of one white noise are 0.26 nat apart, silence and noise 0.9, half the gain 0.24: measured scale.
// The bounds are 1.3 times what was measured (0.086, 0.064, 0.125, 0.122, 0.161, 0.079, 0.049), so that another compiler's last bits pass and a lost iteration does not.
TEST_CASE("phase: sound made from a log-mel has that log-mel") {
  std::vector<float> noise(2 * kSamples);
  fill_normal(noise, 5, 0);
  const Wave one = [&](int64_t i) { return 0.1 * double(noise[size_t(i)]); }, other = [&](int64_t i) { return 0.1 * double(noise[size_t(kSamples + i)]); };
  const Wave chord = [](int64_t i) { return sine(440, 0.3)(i) + sine(1760, 0.2)(i) + sine(5000, 0.1)(i); };
  const Wave knock = [](int64_t i) { return std::exp(-double(i % 10000) / 1000) * std::sin(0.1 * double(i % 10000)); };
  const Wave click = [](int64_t i) { return i % 10007 == 3000 ? 1.0 : 0.0; };
  struct Case {
    const char* name;
    Wave left, right;
    double bound;
  };
  const Case cases[] = {{"a low sine", sine(440, 0.5), sine(440, 0.25), 0.11}, {"a high sine", sine(3000, 0.5), sine(3000, 0.5), 0.083},
                        {"a chord", chord, sine(660, 0.3), 0.163},              {"noise in mono", one, one, 0.16},
                        {"noise in stereo", one, other, 0.209},                 {"knocks", knock, knock, 0.103},
                        {"clicks", click, click, 0.064}};
  for (const Case& c : cases) {
    const std::vector<float> y = log_mel(make(kSamples, c.left, c.right));
    const Sound made = reconstruct(y);
    REQUIRE(made.left.size() == size_t(kSamples));
    for (size_t i = 0; i < made.left.size(); ++i) REQUIRE((std::isfinite(made.left[i]) && std::isfinite(made.right[i])));
    const double nat = distance(log_mel(made), y);
    INFO(std::string(c.name) << ": " << nat << " nat");
    CHECK(nat < c.bound);
  }
}

TEST_CASE("phase: silence is silence, also between sounds") {
  const Sound nothing = make(kSamples, [](int64_t) { return 0.0; }, [](int64_t) { return 0.0; });
  for (float sample : reconstruct(log_mel(nothing)).left) REQUIRE(std::abs(sample) < 1e-4f);  // −80 dBFS
  const Wave burst = [](int64_t i) { return i < 8192 ? sine(1000, 0.5)(i) : 0.0; };
  const Sound made = reconstruct(log_mel(make(kSamples, burst, burst)));
  for (size_t i = 8192 + 1024; i < made.left.size(); ++i) REQUIRE(std::abs(made.left[i]) < 1e-4f);
}

TEST_CASE("phase: a click comes out where it went in, to the hop, at both ends too") {
  for (int64_t at : {int64_t(0), int64_t(100), int64_t(3000), int64_t(9999), kSamples / 2, kSamples - 300, kSamples - 1}) {
    const Wave click = [&](int64_t i) { return i == at ? 1.0 : 0.0; };
    const Sound made = reconstruct(log_mel(make(kSamples, click, click)));
    double energy = 0, moment = 0;
    for (size_t i = 0; i < made.left.size(); ++i) {
      const double square = double(made.left[i]) * double(made.left[i]);
      energy += square;
      moment += square * (double(i) - double(at));
    }
    CAPTURE(at);
    CHECK(std::abs(moment / energy) < 256);
  }
}

TEST_CASE("phase: however the frames arrive the samples are the same, and every one comes") {
  std::vector<float> noise(kSamples);
  fill_normal(noise, 6, 0);
  const Wave wave = [&](int64_t i) { return 0.1 * double(noise[size_t(i)]) + sine(700, 0.2)(i); };
  const std::vector<float> y = log_mel(make(kSamples, wave, sine(700, 0.2)));
  const Sound whole = reconstruct(y);
  for (size_t frames : {1u, 3u, 8u, 64u}) {
    const Sound parts = reconstruct(y, frames);
    CHECK(parts.left == whole.left);
    CHECK(parts.right == whole.right);
  }
  PhaseReconstruction phase{MelShape{}};
  Sound sound;
  for (size_t frame = 0; frame < 10; ++frame) {
    phase.push(std::span(y).subspan(frame * 192, 192), sound.left, sound.right);
    // The frame that has just come, three to look ahead, and what reaches beyond a hop are not out yet.
    CHECK(int64_t(sound.left.size()) == std::max<int64_t>(0, 256 * (int64_t(frame) + 1 - 3) - 384));
  }
  phase.flush(sound.left, sound.right);
  CHECK(sound.left.size() == 2560);
  CHECK_THROWS_AS(phase.push(std::span(y).first(192), sound.left, sound.right), Error);
  for (int64_t frames : {0, 1, 2, 3, 4}) {
    const std::vector<float> few(y.begin(), y.begin() + frames * 192);
    CHECK(int64_t(reconstruct(few).left.size()) == frames * 256);
  }
}

TEST_CASE("phase: channels share one phase, so that a panned sound keeps one waveform") {
  const Sound made = reconstruct(log_mel(make(kSamples, sine(440, 0.5), sine(440, 0.05))));
  for (size_t i = 4096; i < made.left.size() - 4096; ++i) REQUIRE(made.right[i] == doctest::Approx(double(made.left[i]) / 10).epsilon(0.1).scale(0.05));
}

}  // namespace
}  // namespace ts
