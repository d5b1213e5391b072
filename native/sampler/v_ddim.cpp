#include <cmath>

#include "sampler/steps.h"

namespace ts {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Signal and noise shares of x at time t; the angle is rounded to f32 as the reference does it.
struct Shares {
  explicit Shares(float t) {
    const float angle = t * float(kPi) / 2.0f;
    alpha = float(std::cos(double(angle)));
    sigma = float(std::sin(double(angle)));
  }
  float alpha, sigma;
};

}  // namespace

using namespace sampling;

void v_ddim(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options, float eta, const NoiseFunction& noise) {
  check_options(x, options);
  require(options.sigma_max == 1.0f, "sampler: the v objective starts from noise, sigma_max ", options.sigma_max, " is not possible");
  require(eta >= 0 && eta <= 1, "sampler: eta ", eta, " must be 0 to 1");
  require(eta == 0 || noise, "sampler: eta ", eta, " needs fresh noise");
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, 1.0f);
  GuidedFlow velocity(ctx, x.shape, flow, options);
  const Tensor sound = ctx.f32(x.shape), remaining = ctx.f32(x.shape);
  std::vector<float> fresh(eta > 0 && !ctx.planning() ? size_t(x.numel()) : 0);
  for_each_step(ctx, options, [&](int64_t i) {
    const Shares now(t[size_t(i)]);
    const Tensor& v = velocity(x, t[size_t(i)]);
    probe_step(ctx, "x_steps", i, x);
    probe_step(ctx, "flow_steps", i, v);
    probe_time(ctx, i, x.shape[0], t[size_t(i)]);
    ops::scale_add(ctx, sound, now.alpha, x, -now.sigma, v);                 // what the network takes for the sound,
    ops::scale_add(ctx, remaining, now.sigma, x, now.alpha, v);              // and for the noise
    if (i + 1 == options.num_steps) return ops::scale_add(ctx, x, 1.0f, sound, 0.0f, {});

    const Shares next(t[size_t(i + 1)]);
    const float spread = eta * std::sqrt(next.sigma * next.sigma / (now.sigma * now.sigma)) *
                         std::sqrt(1 - now.alpha * now.alpha / (next.alpha * next.alpha));
    ops::scale_add(ctx, x, next.alpha, sound, std::sqrt(next.sigma * next.sigma - spread * spread), remaining);
    if (eta == 0) return;
    if (!ctx.planning()) noise(fresh, i);
    const Tensor& drawn = sound;                                             // no longer needed
    if (!ctx.planning()) ops::upload(ctx, drawn, tensor_of(fresh.data(), x.shape));
    ops::scale_add(ctx, x, 1.0f, x, spread, drawn);
  });
}

}  // namespace ts
