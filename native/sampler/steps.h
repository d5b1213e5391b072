// What all samplers share: asking the network with guidance, walking the grid, telling whoever listens.
#pragma once

#include <string>

#include "ops/table.h"
#include "sampler/sampler.h"

namespace ts::sampling {

// TS_INVALID_ARGUMENT for steps or sigma_max out of range.
void check_options(const Tensor& x, const SamplerOptions& options);

// The time that the solvers of higher order look at within a step.
inline float middle(float t, float next) { return t + (next - t) / 2; }

// The network under guidance, with the memory for its answers.
class GuidedFlow {
 public:
  GuidedFlow(Context& ctx, const Shape& latent, const FlowFunction& network, const SamplerOptions& options)
      : ctx_(ctx), network_(network), options_(options), batch_(latent[0]), answer_(ctx.f32(answer_shape(latent, options))),
        guided_(options.is_guided() ? ctx.f32(latent) : answer_) {}

  // v(x, t), valid until the next call.
  const Tensor& operator()(const Tensor& x, float t) {
    network_(answer_, x, t);
    if (options_.is_guided()) ops::guide(ctx_, guided_, cond(), uncond(), options_.cfg_scale, options_.scale_phi);
    return guided_;
  }
  // x ← x + dt·v(x, t), guidance and step in one pass over memory where there is no rescale.
  void euler_step(const Tensor& x, float t, float dt) {
    const bool is_fused = options_.is_guided() && options_.scale_phi == 0.0f;
    if (!is_fused) return ops::guided_euler_step(ctx_, x, (*this)(x, t), {}, 1.0f, dt);
    network_(answer_, x, t);
    ops::guided_euler_step(ctx_, x, cond(), uncond(), options_.cfg_scale, dt);
    if (ctx_.probing()) ops::guide(ctx_, guided_, cond(), uncond(), options_.cfg_scale, 0.0f);
  }
  // The last answer, for probes.
  const Tensor& value() const { return guided_; }

 private:
  static Shape answer_shape(const Shape& latent, const SamplerOptions& options) {
    return {options.is_guided() ? 2 * latent[0] : latent[0], latent[1], latent[2]};
  }
  Tensor cond() const { return answer_.slice(0, batch_); }
  Tensor uncond() const { return answer_.slice(batch_, batch_); }

  Context& ctx_;
  const FlowFunction& network_;
  const SamplerOptions& options_;
  const int64_t batch_;
  Tensor answer_, guided_;
};

// One step of a formula along the rectified flow, with the memory that it takes.
class FlowSolver {
 public:
  FlowSolver(Context& ctx, const Shape& latent, const FlowFunction& network, const SamplerOptions& options, Solver solver);
  // x at `t` becomes x at `next`. Probes carry the number `i`.
  void step(const Tensor& x, float t, float next, int64_t i);

 private:
  void begin(const Tensor& x, float t, int64_t i, const Tensor& slope);
  void euler(const Tensor& x, float t, float next, int64_t i);
  void midpoint(const Tensor& x, float t, float next, int64_t i);
  void rk4(const Tensor& x, float t, float next, int64_t i);

  Context& ctx_;
  const Solver solver_;
  GuidedFlow velocity_;
  Tensor stage_, sum_;  // of the formulas that look further than one evaluation
};

// TS_INVALID_ARGUMENT unless `mask` has a value from 0 to 1 for each of `rows`.
void check_mask(std::span<const float> mask, int64_t rows);

// Holds rows to what is known of them. A mask m > 0 does so while t ≥ 1 − m; an empty mask holds nothing.
class RowHold {
 public:
  RowHold(Context& ctx, const Shape& latent, std::span<const float> mask);
  // Rows of x that are held at `t` become those of `level`; the others stay. All [B, N, latent_dim].
  void operator()(const Tensor& x, const Tensor& level, float t);

 private:
  void choose_rows(float t);

  Context& ctx_;
  const std::span<const float> mask_;
  Tensor both_, index_;          // [B, 2N, latent_dim] of x, then the level; which of them each row takes
  std::vector<int32_t> chosen_;  // what index_ holds
};

// x, v [B, N, latent_dim] of step i, transposed to the layout of the reference.
void probe_step(Context& ctx, const char* name, int64_t step, const Tensor& value);
void probe_time(Context& ctx, int64_t step, int64_t batch, float t);

// Calls step(i) for every step; once while planning, since all of them need the same memory.
template <class Step>
void for_each_step(Context& ctx, const SamplerOptions& options, const Step& step) {
  const int64_t count = ctx.planning() ? 1 : options.num_steps;
  for (int64_t i = 0; i < count; ++i) {
    ctx.check_cancelled();
    const Arena::Scope scope(ctx.arena());
    step(i);
    if (options.on_step && !ctx.planning()) options.on_step(i + 1, options.num_steps);
  }
}

}  // namespace ts::sampling
