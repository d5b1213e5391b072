#include "sampler/flow_edit.h"

#include "sampler/steps.h"

namespace ts {

using namespace sampling;

namespace {

void check_edit(const Tensor& x, const FlowEdit& options) {
  check_options(x, {.num_steps = options.num_steps, .on_step = {}});
  require(options.num_edit_steps >= 1 && options.num_edit_steps <= options.num_steps, "flow edit: ", options.num_edit_steps, " of ",
          options.num_steps, " steps are edited; 1 to all are possible");
  require(options.num_target_steps >= 0 && options.num_target_steps <= options.num_edit_steps, "flow edit: ", options.num_target_steps, " of ",
          options.num_edit_steps, " steps by the target alone; none to all are possible");
  require(options.num_averages >= 1 && options.num_averages <= 100, "flow edit: ", options.num_averages, " averages; 1 to 100 are possible");
  require(bool(options.noise), "flow edit: fresh noise is needed");
  if (!options.kept.empty()) check_mask(options.kept, x.shape[1]);
}

SamplerOptions guidance(float cfg_scale) {
  SamplerOptions options;
  options.cfg_scale = cfg_scale;
  return options;
}

}  // namespace

void flow_edit(Context& ctx, const Tensor& x, const FlowFunction& source_flow, const FlowFunction& target_flow, const FlowEdit& options) {
  check_edit(x, options);
  const Arena::Scope scope(ctx.arena());
  const std::vector<float> t = time_grid(options.num_steps, 1.0f);
  const SamplerOptions source_guidance = guidance(options.source_cfg_scale), target_guidance = guidance(options.target_cfg_scale);
  GuidedFlow source_velocity(ctx, x.shape, source_flow, source_guidance), target_velocity(ctx, x.shape, target_flow, target_guidance);
  const Tensor source = ctx.f32(x.shape), noise = ctx.f32(x.shape), noisy = ctx.f32(x.shape), moved = ctx.f32(x.shape), change = ctx.f32(x.shape);
  RowHold hold(ctx, x.shape, options.kept);
  std::vector<float> drawn(ctx.planning() ? 0 : size_t(x.numel()));
  int64_t num_draws = 0;

  // noisy = the source at t, with fresh noise.
  const auto draw = [&](float time) {
    if (!ctx.planning()) options.noise(drawn, num_draws++);
    ops::upload(ctx, noise, tensor_of(drawn.data(), x.shape));
    ops::scale_add(ctx, noisy, 1.0f - time, source, time, noise);
  };
  // y = x − source + noisy; exactly `noisy` where x is still the source.
  const auto move_along = [&](const Tensor& y) {
    ops::scale_add(ctx, y, 1.0f, x, -1.0f, source);
    ops::scale_add(ctx, y, 1.0f, y, 1.0f, noisy);
  };
  const auto edit_step = [&](float time, float next) {
    const float share = (next - time) / float(options.num_averages);
    ops::fill(ctx, change, 0.0f);
    for (int64_t i = 0; i < options.num_averages; ++i) {
      draw(time);
      move_along(moved);
      ops::scale_add(ctx, moved, 1.0f, target_velocity(moved, time), -1.0f, source_velocity(noisy, time));
      ops::scale_add(ctx, change, 1.0f, change, share, moved);
    }
    ops::scale_add(ctx, x, 1.0f, x, 1.0f, change);
    hold(x, source, next);
  };
  const auto target_step = [&](float time, float next, bool is_first) {
    if (is_first) {
      draw(time);
      move_along(x);
    }
    target_velocity.euler_step(x, time, next - time);
    ops::scale_add(ctx, noisy, 1.0f - next, source, next, noise);
    hold(x, noisy, next);
  };

  ops::scale_add(ctx, source, 1.0f, x, 0.0f, {});
  const int64_t first = options.num_steps - options.num_edit_steps, first_alone = options.num_steps - options.num_target_steps;
  for (int64_t i = first; i < options.num_steps; ++i) {
    ctx.check_cancelled();
    const Arena::Scope step_scope(ctx.arena());
    const float time = t[size_t(i)], next = t[size_t(i + 1)];
    if (i < first_alone) edit_step(time, next);
    else target_step(time, next, i == first_alone);
    if (options.on_step && !ctx.planning()) options.on_step(i + 1 - first, options.num_edit_steps);
  }
}

}  // namespace ts
