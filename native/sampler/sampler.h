// From noise to latent along the flow: rectified flow by Euler, midpoint or Runge-Kutta, and the v objective by DDIM. Spec 02.
//
//   x_t = (1 − t)·sound + t·noise,  v = dx/dt = noise − sound,  t falls from sigma_max to 0
//
// Samplers know no network: they call a function that fills the flow for x at t. Everything is f32 [B, N, latent_dim] on
// the device. A planning context runs one step.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ops/context.h"

namespace ts {

// Fills `flow` for x [B, N, latent_dim] at time t: [B, N, latent_dim], or with guidance [2·B, N, latent_dim], the null
// twins behind the conditional items.
using FlowFunction = std::function<void(const Tensor& flow, const Tensor& x, float t)>;

struct SamplerOptions {
  int64_t num_steps = 24;   // 1 … 1000
  float sigma_max = 1.0f;   // (0, 1]; below 1 starts from a mixture (start_latent)
  float cfg_scale = 5.0f;   // 1 = no guidance: the flow function then gets B items
  float scale_phi = 0.0f;   // share of the standard-deviation rescale under guidance
  std::function<void(int64_t done, int64_t num_steps)> on_step;  // after every step; throws to stop

  bool is_guided() const { return cfg_scale != 1.0f; }
};

// num_steps + 1 times from sigma_max to 0, bit for bit those of the reference.
std::vector<float> time_grid(int64_t num_steps, float sigma_max);

// x = (1 − sigma_max)·init + sigma_max·noise; without `init` sigma_max must be 1 and x is the noise. x may be `noise`.
void start_latent(Context& ctx, const Tensor& x, const Tensor& noise, const Tensor& init, float sigma_max);

// How one step is taken; evaluations in brackets.
enum class Solver {
  euler,     // x += (t' − t)·v(x, t): the reference's (1)
  midpoint,  // second order: the slope in the middle of the step (2)
  rk4,       // fourth order, classical Runge-Kutta (4)
};

// The times at which `follow` looks at the flow, in its order, one that is looked at twice in a row named once; v_ddim's and
// flow_edit's are those of Euler's steps from 1.
std::vector<float> evaluation_times(int64_t num_steps, float sigma_max, Solver solver = Solver::euler);

// Moves x in place from sigma_max to 0. TS_CANCELLED between steps when the context is cancelled.
// Probes, per step i, in the reference's layout: x_steps[i] and flow_steps[i] [B, latent_dim, N], t_steps[i] [B]: what
// the network saw first in that step, and its guided answer.
void follow(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options, Solver solver = Solver::euler);

// Fills `noise` [B, N, latent_dim] with fresh N(0, 1) for a step.
using NoiseFunction = std::function<void(std::span<float> noise, int64_t step)>;

// As `follow`, for networks of the v objective: DDIM, v = α·noise − σ·sound with α = cos(πt/2), σ = sin(πt/2); sigma_max
// is 1. eta 0 adds no noise between steps and needs no `noise`; 1 adds as much as ancestral sampling.
void v_ddim(Context& ctx, const Tensor& x, const FlowFunction& flow, const SamplerOptions& options, float eta = 0.0f,
            const NoiseFunction& noise = {});

}  // namespace ts
