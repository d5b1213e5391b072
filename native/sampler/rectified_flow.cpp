#include "core/linspace.h"
#include "sampler/steps.h"

namespace ts {

using namespace sampling;

std::vector<float> time_grid(int64_t num_steps, float sigma_max) { return linspace_f32(sigma_max, 0.0f, num_steps + 1); }

void start_latent(Context& ctx, const Tensor& x, const Tensor& noise, const Tensor& init, float sigma_max) {
  require(sigma_max > 0 && sigma_max <= 1, "sampler: sigma_max ", sigma_max, " must be above 0 and at most 1");
  require(bool(init) || sigma_max == 1.0f, "sampler: sigma_max ", sigma_max, " starts from a mixture, which needs an initial latent");
  ops::scale_add(ctx, x, sigma_max, noise, 1.0f - sigma_max, init);
}

void euler(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options) {
  check_options(x, options);
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, options.sigma_max);
  GuidedFlow velocity(ctx, x.shape, flow, options);
  for_each_step(ctx, options, [&](int64_t i) {
    probe_step(ctx, "x_steps", i, x);
    velocity.euler_step(x, t[size_t(i)], t[size_t(i + 1)] - t[size_t(i)]);
    probe_step(ctx, "flow_steps", i, velocity.value());
    probe_time(ctx, i, x.shape[0], t[size_t(i)]);
  });
}

void midpoint(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options) {
  check_options(x, options);
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, options.sigma_max);
  GuidedFlow velocity(ctx, x.shape, flow, options);
  const Tensor middle = ctx.f32(x.shape);
  for_each_step(ctx, options, [&](int64_t i) {
    const float start = t[size_t(i)], dt = t[size_t(i + 1)] - start;
    const Tensor& slope = velocity(x, start);
    probe_step(ctx, "x_steps", i, x);
    probe_step(ctx, "flow_steps", i, slope);
    probe_time(ctx, i, x.shape[0], start);
    ops::scale_add(ctx, middle, 1.0f, x, dt / 2, slope);
    ops::scale_add(ctx, x, 1.0f, x, dt, velocity(middle, start + dt / 2));
  });
}

void rk4(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options) {
  check_options(x, options);
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, options.sigma_max);
  GuidedFlow velocity(ctx, x.shape, flow, options);
  const Tensor stage = ctx.f32(x.shape), sum = ctx.f32(x.shape);
  for_each_step(ctx, options, [&](int64_t i) {
    const float start = t[size_t(i)], end = t[size_t(i + 1)], dt = end - start, half = dt / 2;
    const Tensor& slope = velocity(x, start);                                // k1
    probe_step(ctx, "x_steps", i, x);
    probe_step(ctx, "flow_steps", i, slope);
    probe_time(ctx, i, x.shape[0], start);
    ops::scale_add(ctx, sum, 1.0f, x, dt / 6, slope);
    ops::scale_add(ctx, stage, 1.0f, x, half, slope);
    velocity(stage, start + half);                                           // k2
    ops::scale_add(ctx, sum, 1.0f, sum, dt / 3, slope);
    ops::scale_add(ctx, stage, 1.0f, x, half, slope);
    velocity(stage, start + half);                                           // k3
    ops::scale_add(ctx, sum, 1.0f, sum, dt / 3, slope);
    ops::scale_add(ctx, stage, 1.0f, x, dt, slope);
    velocity(stage, end);                                                    // k4
    ops::scale_add(ctx, x, 1.0f, sum, dt / 6, slope);
  });
}

}  // namespace ts
