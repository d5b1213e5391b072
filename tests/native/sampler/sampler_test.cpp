#include "sampler/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "golden.h"
#include "sampler/gaussian_flow.h"

namespace ts {
namespace {

// dx/dt = −2·x·t + 0.5·cos(3t), followed from t = sigma_max to 0 from x.
void closed_form_flow(const Tensor& flow, const Tensor& x, float t) {
  for (int64_t i = 0; i < x.numel(); ++i) flow.as<float>()[i] = -2 * x.as<float>()[i] * t + 0.5f * std::cos(3 * t);
}

// The same by Runge-Kutta in double with so many steps that its error is far below f32's.
double exact(double x, double sigma_max) {
  const int steps = 20000;
  const double dt = -sigma_max / steps;
  const auto f = [](double x, double t) { return -2 * x * t + 0.5 * std::cos(3 * t); };
  for (int i = 0; i < steps; ++i) {
    const double t = sigma_max + i * dt;
    const double a = f(x, t), b = f(x + dt / 2 * a, t + dt / 2), c = f(x + dt / 2 * b, t + dt / 2), d = f(x + dt * c, t + dt);
    x += dt / 6 * (a + 2 * b + 2 * c + d);
  }
  return x;
}

// `body` with a real context of the plain operators, after the same in planning.
template <class Body>
void with_context(const Body& body) {
  golden::run(plain_table(), DType::f32, body);
}

double error_of(Solver solver, int64_t num_steps, float sigma_max) {
  float x[4] = {0.3f, -1.0f, 2.0f, 0.0f};
  const Tensor latent = tensor_of(x, {2, 2, 1});
  const std::vector<double> start(x, x + 4);
  with_context([&](Context& ctx) {
    follow(ctx, latent, [&](const Tensor& flow, const Tensor& at, float t) { if (!ctx.planning()) closed_form_flow(flow, at, t); },
           {.num_steps = num_steps, .sigma_max = sigma_max, .cfg_scale = 1.0f, .on_step = {}}, solver);
  });
  double worst = 0;
  for (int i = 0; i < 4; ++i) worst = std::max(worst, std::abs(x[i] - exact(start[size_t(i)], sigma_max)));
  return worst;
}


TEST_CASE("sampler: error falls with the first, second and fourth power of the step") {
  // Halving the step divides the error by 2^order; f32 sets the floor, so Runge-Kutta is looked at with few steps.
  CHECK(std::log2(error_of(Solver::euler, 32, 1) / error_of(Solver::euler, 64, 1)) == doctest::Approx(1).epsilon(0.1));
  CHECK(std::log2(error_of(Solver::midpoint, 16, 1) / error_of(Solver::midpoint, 32, 1)) == doctest::Approx(2).epsilon(0.1));
  CHECK(std::log2(error_of(Solver::rk4, 2, 1) / error_of(Solver::rk4, 4, 1)) == doctest::Approx(4).epsilon(0.15));
  CHECK(error_of(Solver::rk4, 50, 1) < 2e-6);
}

TEST_CASE("sampler: sigma_max below 1 follows the flow from there") {
  CHECK(error_of(Solver::rk4, 40, 0.6f) < 2e-6);
  CHECK(error_of(Solver::midpoint, 400, 0.25f) < 5e-6);
}

TEST_CASE("sampler: one step of Euler is one multiple of the flow") {
  float x[3] = {1, 2, 3};
  with_context([&](Context& ctx) {
    follow(ctx, tensor_of(x, {1, 3, 1}), [&](const Tensor& flow, const Tensor&, float t) {
      CHECK(t == 1.0f);
      if (!ctx.planning()) std::fill_n(flow.as<float>(), 3, 0.5f);
    }, {.num_steps = 1, .cfg_scale = 1, .on_step = {}});
  });
  CHECK(x[0] == 0.5f);
  CHECK(x[2] == 2.5f);
}

TEST_CASE("sampler: guidance asks for both halves and goes past the conditional one") {
  for (const float phi : {0.0f, 0.5f}) {
    float x[2] = {0, 0};
    with_context([&](Context& ctx) {
      follow(ctx, tensor_of(x, {1, 2, 1}), [&](const Tensor& flow, const Tensor&, float) {
        REQUIRE(flow.shape == Shape{2, 2, 1});
        if (ctx.planning()) return;
        const float halves[] = {1, 3, 0, 1};  // conditional 1, 3; null 0, 1
        std::copy_n(halves, 4, flow.as<float>());
      }, {.num_steps = 2, .cfg_scale = 4, .scale_phi = phi, .on_step = {}});
    });
    // v = u + 4(c − u) = 4, 9; spread of c over that of v: 2/5.
    const float scale = phi * 2.0f / 5.0f + (1 - phi);
    CHECK(x[0] == doctest::Approx(-4 * scale));
    CHECK(x[1] == doctest::Approx(-9 * scale));
  }
}

TEST_CASE("sampler: a variation starts from a mixture") {
  const float noise[2] = {1, -2}, init[2] = {10, 20};
  float x[2];
  with_context([&](Context& ctx) {
    start_latent(ctx, tensor_of(x, {1, 2, 1}), tensor_of(noise, {1, 2, 1}), tensor_of(init, {1, 2, 1}), 0.25f);
  });
  CHECK(x[0] == 7.75f);
  CHECK(x[1] == 14.5f);
  with_context([&](Context& ctx) { start_latent(ctx, tensor_of(x, {1, 2, 1}), tensor_of(noise, {1, 2, 1}), {}, 1.0f); });
  CHECK(x[1] == -2);
  with_context([&](Context& ctx) {
    CHECK_THROWS_AS(start_latent(ctx, tensor_of(x, {1, 2, 1}), tensor_of(noise, {1, 2, 1}), {}, 0.5f), Error);
    CHECK_THROWS_AS(start_latent(ctx, tensor_of(x, {1, 2, 1}), tensor_of(noise, {1, 2, 1}), tensor_of(init, {1, 2, 1}), 0.0f), Error);
  });
}

TEST_CASE("sampler: a variation of correlated normal numbers is what the flow of their law makes of the mixture") {
  const test::GaussianFlow law({0.5, -0.3, 0.2}, {2.3, 0.35, 0.45}, {1.0, -0.9, -0.8});
  const std::vector<float> sound{1.5f, -0.25f, 0.75f}, noise{-0.7f, 0.4f, 1.3f};
  for (const float strength : {1.0f, 0.8f, 0.3f}) {
    CAPTURE(strength);
    std::vector<float> x = noise;
    test::Vector mixture(3);
    for (size_t i = 0; i < 3; ++i) mixture[i] = (1 - double(strength)) * sound[i] + double(strength) * noise[i];
    const test::Vector expected = law.end_of(mixture, strength);
    with_context([&](Context& ctx) {
      const Tensor latent = tensor_of(x.data(), {1, 3, 1});
      start_latent(ctx, latent, tensor_of(noise.data(), {1, 3, 1}), tensor_of(sound.data(), {1, 3, 1}), strength);
      follow(ctx, latent, law.function(ctx), {.num_steps = 40, .sigma_max = strength, .cfg_scale = 1, .on_step = {}}, Solver::rk4);
    });
    // Runge-Kutta with 40 steps: (1/40)⁴ of a flow whose derivatives are a few, and f32.
    for (size_t i = 0; i < 3; ++i) CHECK(std::abs(x[i] - expected[i]) < 5e-6);
  }
}

TEST_CASE("sampler: v-diffusion recovers the sound that its network knows") {
  // A network that always answers for the same sound: x = α·s + σ·ε gives v = α·ε − σ·s with ε = (x − α·s)/σ.
  const float sound = 0.75f;
  for (const float eta : {0.0f, 1.0f}) {
    float x[3] = {-1, 0.2f, 2};
    int64_t num_draws = 0;
    with_context([&](Context& ctx) {
      v_ddim(ctx, tensor_of(x, {1, 3, 1}), [&](const Tensor& flow, const Tensor& at, float t) {
        if (ctx.planning()) return;
        const double alpha = std::cos(t * 1.5707963267948966), sigma = std::sin(t * 1.5707963267948966);
        for (int i = 0; i < 3; ++i) {
          const double noise = (at.as<float>()[i] - alpha * sound) / sigma;
          flow.as<float>()[i] = float(alpha * noise - sigma * sound);
        }
      }, {.num_steps = 10, .cfg_scale = 1, .on_step = {}}, eta, [&](std::span<float> noise, int64_t step) {
        CHECK(noise.size() == 3);
        CHECK(step == num_draws++);
        for (float& value : noise) value = 0.5f;
      });
    });
    CHECK(num_draws == (eta > 0 ? 9 : 0));
    for (float value : x) CHECK(value == doctest::Approx(sound).epsilon(1e-5));
  }
}

TEST_CASE("sampler: progress after every step, and a stop between two") {
  for (const Solver solver : {Solver::euler, Solver::midpoint, Solver::rk4}) {
    float x[1] = {1};
    std::vector<int64_t> done;
    const auto run = [&](int64_t stop_after, std::atomic<bool>* cancel) {
      done.clear();
      with_context([&](Context& ctx) {
        ctx.set_cancel(cancel);
        follow(ctx, tensor_of(x, {1, 1, 1}), [&](const Tensor& flow, const Tensor&, float) { if (!ctx.planning()) flow.as<float>()[0] = 0; },
               {.num_steps = 5, .cfg_scale = 1, .on_step = [&](int64_t step, int64_t count) {
                  CHECK(count == 5);
                  done.push_back(step);
                  if (step == stop_after && cancel) *cancel = true;
                  if (step == stop_after && !cancel) fail(TS_CANCELLED, "enough");
                }}, solver);
      });
    };
    run(0, nullptr);
    CHECK(done == std::vector<int64_t>{1, 2, 3, 4, 5});
    CHECK_THROWS_AS(run(2, nullptr), Error);
    CHECK(done == std::vector<int64_t>{1, 2});
    std::atomic<bool> cancel{false};
    CHECK_THROWS_AS(run(3, &cancel), Error);
    CHECK(done == std::vector<int64_t>{1, 2, 3});
  }
}

TEST_CASE("sampler: steps and sigma_max out of range are refused") {
  float x[1] = {1};
  with_context([&](Context& ctx) {
    const auto run = [&](int64_t steps, float sigma_max) {
      follow(ctx, tensor_of(x, {1, 1, 1}), [](const Tensor&, const Tensor&, float) {}, {.num_steps = steps, .sigma_max = sigma_max, .on_step = {}});
    };
    CHECK_THROWS_AS(run(0, 1), Error);
    CHECK_THROWS_AS(run(1001, 1), Error);
    CHECK_THROWS_AS(run(4, 0), Error);
    CHECK_THROWS_AS(run(4, 1.01f), Error);
    CHECK_THROWS_AS(run(4, NAN), Error);
    CHECK_THROWS_AS(v_ddim(ctx, tensor_of(x, {1, 1, 1}), [](const Tensor&, const Tensor&, float) {}, {.sigma_max = 0.5f, .on_step = {}}), Error);
    CHECK_THROWS_AS(v_ddim(ctx, tensor_of(x, {1, 1, 1}), [](const Tensor&, const Tensor&, float) {}, {.on_step = {}}, 0.5f), Error);
  });
}

TEST_CASE("sampler: the grid falls from sigma_max to exactly 0 for any number of steps") {
  for (const float sigma_max : {1.0f, 0.7f, 1e-3f})
    for (int64_t steps = 1; steps <= 1000; ++steps) {
      const std::vector<float> t = time_grid(steps, sigma_max);
      const bool falls = std::adjacent_find(t.begin(), t.end(), std::less_equal<>()) == t.end();
      CHECK((int64_t(t.size()) == steps + 1 && t.front() == sigma_max && t.back() == 0.0f && falls));
    }
  // Rounded twice, this point would be one unit lower.
  CHECK(std::bit_cast<uint32_t>(time_grid(24, 1.0f)[5]) == 0x3F4AAAABu);
}

TEST_CASE("sampler: the times of an evaluation are known ahead, bit for bit") {
  std::vector<float> asked;
  const auto ask = [&](Context& ctx) {
    return FlowFunction([&](const Tensor& flow, const Tensor&, float t) {
      if (ctx.planning()) return;
      std::fill_n(flow.as<float>(), flow.numel(), 0.5f);
      if (asked.empty() || asked.back() != t) asked.push_back(t);
    });
  };
  float x[2] = {1, 2};
  for (const Solver solver : {Solver::euler, Solver::midpoint, Solver::rk4})
    for (const float sigma_max : {1.0f, 0.7f})
      for (const int64_t steps : {1, 2, 7, 24, 1000}) {
        asked.clear();
        const SamplerOptions options{.num_steps = steps, .sigma_max = sigma_max, .cfg_scale = 1, .on_step = {}};
        with_context([&](Context& ctx) { follow(ctx, tensor_of(x, {1, 2, 1}), ask(ctx), options, solver); });
        CHECK(asked == evaluation_times(steps, sigma_max, solver));
      }
  asked.clear();
  with_context([&](Context& ctx) { v_ddim(ctx, tensor_of(x, {1, 2, 1}), ask(ctx), {.num_steps = 9, .cfg_scale = 1, .on_step = {}}); });
  CHECK(asked == evaluation_times(9, 1.0f));
}

}  // namespace
}  // namespace ts
