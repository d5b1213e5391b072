// The training objective, for verifying a checkpoint's behaviour under it: no gradients. Spec 06 §4.
#pragma once

#include "models/mmdit.h"

namespace ts {

// One batch of rectified-flow training: x_t = (1 − t)·sound + t·noise, target noise − sound.
struct MmditTrainingBatch {
  Tensor sound, noise;      // f32 [B, N, latent_dim] on the device
  std::vector<float> t;     // of each item
  MmditFeatures features;   // `absent` holds both items without video and modalities dropped for this step
  MmditLengths lengths;
};

// Tensors f32 [B, N, latent_dim] of the caller, any of them empty if it is not wanted.
struct MmditTrainingTensors {
  Tensor noised, target, flow;
};

// Mean squared error of the unguided flow against the target, over all elements. Probes: noised_input and target
// [B, latent_dim, N] besides those of the network. 0 while planning.
double mmdit_training_loss(Context& ctx, const Mmdit& model, const MmditTrainingBatch& batch, const MmditTrainingTensors& wanted = {});

}  // namespace ts
