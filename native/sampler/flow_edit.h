// Editing a sound along the flow from what it is said to be to what it should be, without inverting it to noise.
//
//   x_t  = (1 − t)·source + t·noise                      the source as noisy as the flow is at t
//   edit ← edit + dt·mean over noise [v_target(edit − source + x_t, t) − v_source(x_t, t)]
//
// What both conditions agree on cancels, so that the sound keeps its timing and the rest of its shape. The walk begins
// num_edit_steps before the end: the earlier, the further the edit may go. In the last num_target_steps of them the
// target's flow alone is followed from edit − source + x_t, which makes new detail and lets go of the source's.
//
// Source   Kulikov, Kleiner, Huberman-Spiegelglas and Michaeli, "FlowEdit: inversion-free text-based editing using
//          pre-trained flow models", 2024, algorithm 1; n_max, n_min and n_avg there.
#pragma once

#include "sampler/sampler.h"

namespace ts {

struct FlowEdit {
  int64_t num_steps = 24;         // of the whole flow, 1 … 1000
  int64_t num_edit_steps = 16;    // the last so many of them are walked, 1 … num_steps
  int64_t num_target_steps = 0;   // and the last so many of those by the target alone, 0 … num_edit_steps
  int64_t num_averages = 1;       // draws of noise for each step before those, 1 … 100
  float source_cfg_scale = 1.0f, target_cfg_scale = 5.0f;  // each flow function gets 2·B items unless its own is 1
  std::span<const float> kept;    // [N] or empty: 1 = stays as the source is, 0 = edited; m between: from t = 1 − m on
  NoiseFunction noise;            // fresh N(0, 1), asked with the number of the draw
  std::function<void(int64_t done, int64_t num_steps)> on_step;  // of the steps that are walked; throws to stop
};

// Edits x [B, N, latent_dim] in place; it begins as the source. Under the same conditions and guidance nothing changes,
// bit for bit, but for target steps; nor do rows that are kept.
void flow_edit(Context& ctx, const Tensor& x, const FlowFunction& source, const FlowFunction& target, const FlowEdit& options);

}  // namespace ts
