// Inpainting of correlated normal numbers, of which one is known: the rest should follow the conditional law.
#include "sampler/inpaint.h"

#include <algorithm>

#include "core/philox.h"
#include "golden.h"
#include "sampler/gaussian_flow.h"

namespace ts::test {
namespace {

const GaussianFlow& correlated() {
  static const GaussianFlow flow({0.5, -0.3, 0.2}, {2.3, 0.35, 0.45}, {1.0, -0.9, -0.8});
  return flow;
}
constexpr size_t kSize = 3;
constexpr float kKnown = 2.0f;  // of the first number
const std::vector<float> kMask{1, 0, 0};

struct Setting {
  int64_t num_steps = 24, num_jumps = 0, jump_length = 4;
};

// `count` chains at once, [count, 3].
std::vector<float> inpainted(int64_t count, const Setting& setting, const std::vector<float>& mask = kMask, uint64_t seed = 1,
                             Solver solver = Solver::euler, std::vector<int64_t>* reports = nullptr) {
  const Shape shape{count, int64_t(kSize), 1};
  std::vector<float> x(size_t(shape.numel())), sound(x.size(), kKnown), noise(x.size());
  fill_normal(x, seed, 0);
  noise = x;
  golden::run(plain_table(), DType::f32, [&](Context& ctx) {
    const KnownLatent known{.sound = tensor_of(sound.data(), shape), .noise = tensor_of(noise.data(), shape), .mask = mask,
                            .num_jumps = setting.num_jumps, .jump_length = setting.jump_length,
                            .jump_noise = [&](std::span<float> drawn, int64_t jump) { fill_normal(drawn, seed, 1 + uint64_t(jump)); }};
    inpaint(ctx, tensor_of(x.data(), shape), correlated().function(ctx), known,
            {.num_steps = setting.num_steps, .cfg_scale = 1, .on_step = [&](int64_t done, int64_t of) { if (reports) reports->insert(reports->end(), {done, of}); }},
            solver);
  });
  return x;
}

// Mean and covariance of (x, noise of the known part) through the same steps of Euler, jumps and re-imposing, in double:
// every one of them is linear.
class Law {
 public:
  Law(const Setting& setting) : mean_(2 * kSize), covariance_(2 * kSize, 2 * kSize) {
    for (size_t i = 0; i < kSize; ++i) covariance_(i, i) = covariance_(i, kSize + i) = covariance_(kSize + i, i) = covariance_(kSize + i, kSize + i) = 1;
    const std::vector<float> t = time_grid(setting.num_steps, 1);
    for (const FlowMove move : resampling_moves(setting.num_steps, setting.jump_length, setting.num_jumps, true)) {
      const double from = t[size_t(move.from)], to = t[size_t(move.to)];
      if (move.from < move.to) step(from, to);
      else jump(from, to);
      impose(to);
    }
  }
  Moments moments() const {
    Moments moments(kSize);
    for (size_t i = 0; i < kSize; ++i) {
      moments.mean[i] = mean_[i];
      for (size_t j = 0; j < kSize; ++j) moments.covariance(i, j) = covariance_(i, j);
    }
    return moments;
  }

 private:
  static Matrix identity() {
    Matrix a(2 * kSize, 2 * kSize);
    for (size_t i = 0; i < 2 * kSize; ++i) a(i, i) = 1;
    return a;
  }
  // z ← a·z + b + gain·ε.
  void apply(const Matrix& a, const Vector& b, const Matrix& gain) {
    mean_ = a * mean_;
    for (size_t i = 0; i < b.size(); ++i) mean_[i] += b[i];
    covariance_ = a * covariance_ * transpose(a);
    const Matrix added = gain * transpose(gain);
    for (size_t i = 0; i < added.values.size(); ++i) covariance_.values[i] += added.values[i];
  }
  void step(double t, double next) {
    const GaussianFlow& flow = correlated();
    const Matrix slope = flow.slope(t);
    const Vector at_mean = slope * flow.mean();
    Matrix a = identity();
    Vector b(2 * kSize);
    for (size_t i = 0; i < kSize; ++i) {
      b[i] = (next - t) * (-flow.mean()[i] - (1 - t) * at_mean[i]);
      for (size_t j = 0; j < kSize; ++j) a(i, j) += (next - t) * slope(i, j);
    }
    apply(a, b, Matrix(2 * kSize, kSize));
  }
  void jump(double s, double t) {
    const double kept = (1 - t) / (1 - s), spread = std::sqrt(t * t - kept * kept * s * s);
    Matrix a(2 * kSize, 2 * kSize), gain(2 * kSize, kSize);
    for (size_t i = 0; i < kSize; ++i) a(i, i) = kept, gain(i, i) = spread, gain(kSize + i, i) = 1;
    apply(a, Vector(2 * kSize), gain);
  }
  void impose(double t) {
    Matrix a = identity();
    Vector b(2 * kSize);
    a(0, 0) = 0, a(0, kSize) = t, b[0] = (1 - t) * kKnown;
    apply(a, b, Matrix(2 * kSize, kSize));
  }

  Vector mean_;
  Matrix covariance_;
};

// The conditional law itself, of the two free numbers (the first is known).
Moments conditional() {
  const Matrix sigma = correlated().covariance();
  const Vector& mu = correlated().mean();
  Moments moments(kSize);
  moments.mean[0] = kKnown;
  for (size_t i = 1; i < kSize; ++i) {
    moments.mean[i] = mu[i] + sigma(i, 0) / sigma(0, 0) * (kKnown - mu[0]);
    for (size_t j = 1; j < kSize; ++j) moments.covariance(i, j) = sigma(i, j) - sigma(i, 0) * sigma(0, j) / sigma(0, 0);
  }
  return moments;
}

double largest_mean_bias(const Moments& a, const Moments& b) {
  return std::max(std::abs(a.mean[1] - b.mean[1]), std::abs(a.mean[2] - b.mean[2]));
}

TEST_CASE("inpaint: many chains follow the law of its own steps, with and without jumps") {
  constexpr int64_t kCount = 20000;
  for (const Setting& setting : {Setting{.num_jumps = 0}, Setting{.num_jumps = 2}, Setting{.num_jumps = 3, .jump_length = 5}}) {
    CAPTURE(setting.num_jumps);
    const Moments law = Law(setting).moments(), found(inpainted(kCount, setting), kSize);
    for (size_t i = 1; i < kSize; ++i) {
      CHECK(std::abs(found.mean[i] - law.mean[i]) <= law.mean_error(i, kCount));
      for (size_t j = 1; j < kSize; ++j)
        CHECK(std::abs(found.covariance(i, j) - law.covariance(i, j)) <= law.covariance_error(i, j, kCount));
    }
  }
}

TEST_CASE("inpaint: with jumps the rest follows the conditional law") {
  const Moments exact = conditional();
  // Its bias falls with the number of jumps,
  const double few = largest_mean_bias(Law({100, 8, 4}).moments(), exact), more = largest_mean_bias(Law({100, 32, 4}).moments(), exact);
  CHECK(more < 0.5 * few);
  // to less than 0.1 at 30, where the mean lies 1 from the unconditional one; variances, around 0.6, are then within 0.04.
  constexpr int64_t kCount = 2000;
  const Setting setting{100, 30, 4};
  const Moments found(inpainted(kCount, setting), kSize);
  for (size_t i = 1; i < kSize; ++i) {
    CHECK(std::abs(found.mean[i] - exact.mean[i]) <= 0.1 + exact.mean_error(i, kCount));
    CHECK(std::abs(exact.mean[i] - correlated().mean()[i]) > 0.7);
    for (size_t j = 1; j < kSize; ++j)
      CHECK(std::abs(found.covariance(i, j) - exact.covariance(i, j)) <= 0.04 + exact.covariance_error(i, j, kCount));
  }
}

TEST_CASE("inpaint: what is kept ends as it was, bit for bit, whatever else happens") {
  for (const Solver solver : {Solver::euler, Solver::midpoint, Solver::rk4})
    for (const Setting& setting : {Setting{7, 0, 1}, Setting{7, 2, 3}}) {
      const std::vector<float> x = inpainted(5, setting, {0, 1, 0.5f}, 3, solver);
      for (size_t b = 0; b < 5; ++b) CHECK(x[b * kSize + 1] == kKnown);
      for (size_t i = 0; i < x.size(); ++i) CHECK((x[i] != kKnown || i % kSize == 1));
    }
}

TEST_CASE("inpaint: without anything to keep it is the plain flow, and with everything at m the variation of strength 1 − m") {
  const Shape shape{4, int64_t(kSize), 1};
  std::vector<float> noise(12);
  fill_normal(noise, 9, 0);
  const auto followed = [&](int64_t num_steps, float strength) {
    std::vector<float> x = noise, init(12, kKnown);
    golden::run(plain_table(), DType::f32, [&](Context& ctx) {
      std::copy(noise.begin(), noise.end(), x.begin());
      if (strength < 1) start_latent(ctx, tensor_of(x.data(), shape), tensor_of(x.data(), shape), tensor_of(init.data(), shape), strength);
      follow(ctx, tensor_of(x.data(), shape), correlated().function(ctx), {.num_steps = num_steps, .sigma_max = strength, .cfg_scale = 1, .on_step = {}});
    });
    return x;
  };
  CHECK(inpainted(4, {16}, {0, 0, 0}, 9) == followed(16, 1));
  CHECK(inpainted(4, {16}, {0.25f, 0.25f, 0.25f}, 9) == followed(12, 0.75f));
  CHECK(inpainted(4, {16}, {0.75f, 0.75f, 0.75f}, 9) == followed(4, 0.25f));
}

TEST_CASE("inpaint: stretches are gone through again, but never from noise alone") {
  const auto text = [](const std::vector<FlowMove>& moves) {
    std::string all;
    for (const FlowMove move : moves) all += concat(move.from, move.from < move.to ? ">" : "<", move.to, " ");
    return all;
  };
  CHECK(text(resampling_moves(3, 1, 0, true)) == "0>1 1>2 2>3 ");
  CHECK(text(resampling_moves(5, 2, 1, true)) == "0>1 1>2 2>3 3>4 4<2 2>3 3>4 4>5 5<4 4>5 ");
  CHECK(text(resampling_moves(2, 9, 2, false)) == "0>1 1>2 2<0 0>1 1>2 2<0 0>1 1>2 ");
  std::vector<int64_t> reports;
  inpainted(1, {5, 1, 2}, kMask, 1, Solver::euler, &reports);
  CHECK(reports == std::vector<int64_t>{1, 8, 2, 8, 3, 8, 4, 8, 5, 8, 6, 8, 7, 8, 8, 8});
}

TEST_CASE("inpaint: the same seed gives the same, another one something else") {
  CHECK(inpainted(3, {6, 2, 2}) == inpainted(3, {6, 2, 2}));
  CHECK(inpainted(3, {6, 2, 2}) != inpainted(3, {6, 2, 2}, kMask, 2));
}

TEST_CASE("inpaint: masks and jumps that cannot be are refused") {
  CHECK_THROWS_WITH_AS(inpainted(1, {4}, {1, 0}), "sampler: the mask has 2 rows, x has 3", Error);
  CHECK_THROWS_WITH_AS(inpainted(1, {4}, {1, 0, 1.5f}), "sampler: the mask holds 1.5; 0 to 1 are possible", Error);
  CHECK_THROWS_AS(inpainted(1, {4}, {1, 0, std::nanf("")}), Error);
  CHECK_THROWS_AS(inpainted(1, {4, -1, 2}), Error);
  CHECK_THROWS_AS(inpainted(1, {4, 1, 0}), Error);
}

}  // namespace
}  // namespace ts::test
