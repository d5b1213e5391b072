// What all samplers share: asking the network with guidance, walking the grid, telling whoever listens.
#pragma once

#include <string>

#include "ops/table.h"
#include "sampler/sampler.h"

namespace ts::sampling {

// TS_INVALID_ARGUMENT for steps or sigma_max out of range.
void check_options(const Tensor& x, const SamplerOptions& options);

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
