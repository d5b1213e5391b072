// Editing between normal laws, where everything is known: what moves, by how much, and how much of the noise stays.
#include "sampler/flow_edit.h"

#include <algorithm>

#include "core/philox.h"
#include "golden.h"
#include "sampler/gaussian_flow.h"

namespace ts::test {
namespace {

constexpr size_t kSize = 3;
const Vector kNormal{1.0, -0.9, -0.8}, kVariances{2.3, 0.35, 0.45}, kFrom{0.5, -0.3, 0.2}, kTo{-1.0, 0.8, 0.6};
const GaussianFlow kSource(kFrom, kVariances, kNormal), kShifted(kTo, kVariances, kNormal);
const GaussianFlow kOther(kTo, {0.5, 1.5, 0.8}, {0.2, 1.0, -0.5});
const std::vector<float> kSound{1.5f, -0.25f, 0.75f};

// `count` edits of kSound at once, [count, 3].
std::vector<float> edited(const GaussianFlow& target, FlowEdit options, size_t count = 1, uint64_t seed = 1) {
  const Shape shape{int64_t(count), int64_t(kSize), 1};
  std::vector<float> x;
  options.source_cfg_scale = options.target_cfg_scale = 1;
  options.noise = [seed](std::span<float> noise, int64_t draw) { fill_normal(noise, seed, uint64_t(draw)); };
  for (size_t i = 0; i < count; ++i) x.insert(x.end(), kSound.begin(), kSound.end());
  golden::run(plain_table(), DType::f32, [&](Context& ctx) {
    flow_edit(ctx, tensor_of(x.data(), shape), kSource.function(ctx), target.function(ctx), options);
  });
  return x;
}

FlowEdit steps(int64_t num_steps, int64_t num_edit_steps, int64_t num_target_steps = 0, int64_t num_averages = 1) {
  FlowEdit options;
  options.num_steps = num_steps;
  options.num_edit_steps = num_edit_steps;
  options.num_target_steps = num_target_steps;
  options.num_averages = num_averages;
  return options;
}

double largest_error(const std::vector<float>& found, const Vector& expected) {
  double worst = 0;
  for (size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(double(found[i]) - expected[i]));
  return worst;
}

TEST_CASE("flow edit: between laws of one covariance it moves by the difference of the means, and no noise is left") {
  // d = edit − source obeys dd/dt = −Δμ + A_t·(d − (1 − t)·Δμ) whatever the noise; from d(1) = 0 that is d = (1 − t)·Δμ, a
  // straight line, which Euler follows exactly.
  Vector moved(kSize);
  for (size_t i = 0; i < kSize; ++i) moved[i] = kSound[i] + kTo[i] - kFrom[i];
  CHECK(largest_error(edited(kShifted, steps(10, 10)), moved) < 2e-6);
}

TEST_CASE("flow edit: begun later it stays nearer to the source, as the equation says") {
  // From d(τ) = 0: d(0) = (1 − (1 − τ)·√(Σ/S_τ))·Δμ along each axis.
  for (const double tau : {0.75, 0.5, 0.25}) {
    CAPTURE(tau);
    const Matrix share = kSource.of_covariance([tau](double v) { return 1 - (1 - tau) * std::sqrt(v / ((1 - tau) * (1 - tau) * v + tau * tau)); });
    Vector moved(kSize);
    for (size_t i = 0; i < kSize; ++i) moved[i] = kTo[i] - kFrom[i];
    moved = share * moved;
    for (size_t i = 0; i < kSize; ++i) moved[i] += kSound[i];
    const auto error = [&](int64_t n) { return largest_error(edited(kShifted, steps(n, int64_t(tau * double(n)))), moved); };
    CHECK(std::log2(error(64) / error(128)) == doctest::Approx(1).epsilon(0.1));  // Euler is of first order,
    CHECK(error(960) < 3e-3);                                                     // and arrives
  }
}

// Mean and covariance of d through the same steps, in double: they are linear in d and in the noise.
Moments law_of_edit(const GaussianFlow& target, int64_t num_steps, int64_t num_edit_steps, int64_t num_averages) {
  Moments law(kSize);
  const std::vector<float> grid = time_grid(num_steps, 1);
  for (int64_t i = num_steps - num_edit_steps; i < num_steps; ++i) {
    const double t = grid[size_t(i)], dt = grid[size_t(i + 1)] - t;
    const Matrix to = target.slope(t), from = kSource.slope(t);
    Vector y(kSize), z(kSize);
    for (size_t k = 0; k < kSize; ++k) {
      z[k] = (1 - t) * (kSound[k] - kSource.mean()[k]);
      y[k] = law.mean[k] + (1 - t) * (kSound[k] - target.mean()[k]);
    }
    const Vector towards = to * y, away = from * z;
    Matrix kept(kSize, kSize), left(kSize, kSize);
    for (size_t a = 0; a < kSize; ++a)
      for (size_t b = 0; b < kSize; ++b) kept(a, b) = double(a == b) + dt * to(a, b), left(a, b) = dt * t * (to(a, b) - from(a, b));
    law.covariance = kept * law.covariance * transpose(kept);
    const Matrix added = left * transpose(left);
    for (size_t k = 0; k < added.values.size(); ++k) law.covariance.values[k] += added.values[k] / double(num_averages);
    for (size_t k = 0; k < kSize; ++k) law.mean[k] += dt * (towards[k] - target.mean()[k] - away[k] + kSource.mean()[k]);
  }
  for (size_t k = 0; k < kSize; ++k) law.mean[k] += kSound[k];
  return law;
}

TEST_CASE("flow edit: between other laws the mean and the noise that is left are those of the equation, and averages divide it") {
  constexpr size_t kCount = 20000;
  for (const int64_t averages : {int64_t(1), int64_t(4)}) {
    CAPTURE(averages);
    const Moments law = law_of_edit(kOther, 20, 15, averages), found(edited(kOther, steps(20, 15, 0, averages), kCount), kSize);
    for (size_t i = 0; i < kSize; ++i) {
      CHECK(std::abs(found.mean[i] - law.mean[i]) <= law.mean_error(i, kCount));
      for (size_t j = 0; j < kSize; ++j)
        CHECK(std::abs(found.covariance(i, j) - law.covariance(i, j)) <= law.covariance_error(i, j, kCount));
    }
  }
  CHECK(law_of_edit(kOther, 20, 15, 4).covariance(0, 0) == doctest::Approx(law_of_edit(kOther, 20, 15, 1).covariance(0, 0) / 4));
  CHECK(law_of_edit(kOther, 200, 150, 1).covariance(0, 0) < 0.15 * law_of_edit(kOther, 20, 15, 1).covariance(0, 0));
}

TEST_CASE("flow edit: with target steps alone it is a variation under the target") {
  std::vector<float> noise(kSize);
  fill_normal(noise, 1, 0);
  for (const double tau : {1.0, 0.5}) {
    Vector start(kSize);
    for (size_t i = 0; i < kSize; ++i) start[i] = (1 - tau) * kSound[i] + tau * noise[i];
    const Vector expected = kOther.end_of(start, tau);
    const auto error = [&](int64_t n) {
      const int64_t walked = int64_t(tau * double(n));
      return largest_error(edited(kOther, steps(n, walked, walked)), expected);
    };
    CHECK(std::log2(error(64) / error(128)) == doctest::Approx(1).epsilon(0.15));
    CHECK(error(960) < 3e-3);
  }
}

TEST_CASE("flow edit: nothing changes under the same conditions, nor what is kept, bit for bit") {
  CHECK(edited(kSource, steps(12, 9, 0, 3)) == kSound);
  const std::vector<float> kept{0, 1, 0};
  for (const int64_t alone : {int64_t(0), int64_t(4), int64_t(9)}) {
    FlowEdit options = steps(12, 9, alone);
    options.kept = kept;
    const std::vector<float> x = edited(kOther, options);
    CHECK(x[0] != kSound[0]);
    CHECK(x[1] == kSound[1]);
    CHECK(x[2] != kSound[2]);
  }
  // A row kept by half is edited from t = 1/2 on: as if the walk had begun there.
  const std::vector<float> half{0.5f, 0.5f, 0.5f};
  FlowEdit later = steps(12, 12);
  later.kept = half;
  CHECK(largest_error(edited(kShifted, later), [] {
    const std::vector<float> from_half = edited(kShifted, steps(12, 6));
    return Vector(from_half.begin(), from_half.end());
  }()) < 1e-6);
}

TEST_CASE("flow edit: each side has its own guidance, and the steps are told") {
  float x[2] = {1, 2};
  std::vector<int64_t> told;
  golden::run(plain_table(), DType::f32, [&](Context& ctx) {
    x[0] = 1, x[1] = 2;
    FlowEdit options = steps(8, 4);
    options.target_cfg_scale = 3;
    options.source_cfg_scale = 1;
    options.noise = [](std::span<float> noise, int64_t) { std::fill(noise.begin(), noise.end(), 0.5f); };
    options.on_step = [&](int64_t done, int64_t of) { told.insert(told.end(), {done, of}); };
    const auto constant = [&](const Tensor& flow, std::vector<float> values) {
      REQUIRE(flow.numel() == int64_t(values.size()));
      if (!ctx.planning()) std::copy(values.begin(), values.end(), flow.as<float>());
    };
    flow_edit(ctx, tensor_of(x, {1, 2, 1}), [&](const Tensor& flow, const Tensor&, float) { constant(flow, {1, 1}); },
              [&](const Tensor& flow, const Tensor&, float) { constant(flow, {2, 3, 1, 1}); }, options);
  });
  // v_target = u + 3·(c − u) = 4, 7, less 1; over half of the flow.
  CHECK(x[0] == 1 - 0.5f * 3);
  CHECK(x[1] == 2 - 0.5f * 6);
  CHECK(told == std::vector<int64_t>{1, 4, 2, 4, 3, 4, 4, 4});
}

TEST_CASE("flow edit: steps that cannot be are refused") {
  CHECK_THROWS_WITH_AS(edited(kOther, steps(8, 9)), "flow edit: 9 of 8 steps are edited; 1 to all are possible", Error);
  CHECK_THROWS_AS(edited(kOther, steps(8, 0)), Error);
  CHECK_THROWS_AS(edited(kOther, steps(8, 4, 5)), Error);
  CHECK_THROWS_AS(edited(kOther, steps(8, 4, 0, 0)), Error);
  CHECK_THROWS_AS(edited(kOther, steps(0, 0)), Error);
}

}  // namespace
}  // namespace ts::test
