// Inpainting and extension with a network that never learned them: what is known of the sound is put back into x at every
// step, as noisy as x is there, and the flow finds the rest.
//
//   x_t = (1 − t)·known + t·noise            in the rows that are held
//
// The rest is drawn from noise before it has heard what is known, and a network looks at a t only once. So stretches of the
// flow are gone through again: a jump adds the noise back that the stretch took away,
//
//   x_t = a·x_s + √(t² − (a·s)²)·ε           a = (1 − t)/(1 − s), s < t
//
// which leaves the law of x_t alone. Down the flow and up by a jump is a step of Langevin's equation at noise t: each
// brings the rest closer to what goes with the known part. Without jumps the two agree only roughly.
//
// Source   Lugmayr et al., "RePaint: inpainting using denoising diffusion probabilistic models", 2022, for the flow;
//          Levin and Fried, "Differential diffusion: giving each pixel its strength", 2023, for masks between 0 and 1.
#pragma once

#include "sampler/sampler.h"

namespace ts {

struct KnownLatent {
  Tensor sound;             // [B, N, latent_dim]
  Tensor noise;             // [B, N, latent_dim] that x started from; jumps write theirs over it
  std::span<const float> mask;  // [N]: 1 = kept, 0 = free; m between: held while t ≥ 1 − m, and so varied by 1 − m
  int64_t num_jumps = 0;    // times that each stretch is gone through again, 0 … 1000
  int64_t jump_length = 1;  // steps of a stretch, from 1
  NoiseFunction jump_noise; // asked with the number of the jump; needed for jumps
};

// A step from grid time `from` to the next, or a jump back, where `to` is the smaller.
struct FlowMove {
  int64_t from, to;
};
// Stretches of `jump_length` steps, each gone through 1 + num_jumps times. The first one is not repeated when it begins in
// noise alone, since a jump there would only draw other noise.
std::vector<FlowMove> resampling_moves(int64_t num_steps, int64_t jump_length, int64_t num_jumps, bool from_noise_alone);
// Without the jumps.
int64_t count_steps(std::span<const FlowMove> moves);

// As `follow`, holding what is known. x begins as start_latent left it. Rows with mask 1 end as `sound`, bit for bit;
// `options.on_step` counts all steps, those of repeated stretches too.
void inpaint(Context& ctx, const Tensor& x, const FlowFunction& flow, const KnownLatent& known, const SamplerOptions& options,
             Solver solver = Solver::euler);

}  // namespace ts
