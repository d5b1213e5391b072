// Conditions and noise → latent: prompt features, the velocity network and the sampler meet here.
#pragma once

#include <vector>

#include "pipeline/lengths.h"
#include "pipeline/networks.h"
#include "pipeline/progress.h"
#include "pipeline/request.h"
#include "pipeline/workspace.h"

namespace ts {

// Refuses, before anything is computed, what these networks cannot be asked: TS_UNSUPPORTED, TS_INVALID_ARGUMENT.
void check_request(const Networks& networks, const Conditions& conditions, const GenerateOptions& options, const Lengths& lengths);

// The seed of candidate `index`: that of the first is `seed` itself, others are mixed of both, so that the candidates of
// neighbouring seeds have nothing in common.
uint64_t candidate_seed(uint64_t seed, int64_t index);

struct Sampled {
  std::vector<float> latent;  // [N, latent_dim] on the host
  std::vector<float> fits;    // of the candidates, how well each fits the caption; empty where there was no choice
  int64_t chosen = 0;         // whose latent it is
};

// Texts are encoded first (TS_STAGE_TEXT), then the flow is followed for each candidate (TS_STAGE_SAMPLE).
Sampled sample_latent(Workspace& workspace, const Networks& networks, const Conditions& conditions,
                      const GenerateOptions& options, const Lengths& lengths, const Progress& progress);

// Arena bytes of the sampling loop with every modality present; of more than one candidate the listener is in it.
int64_t plan_sample(const Workspace& workspace, const Networks& networks, const GenerateOptions& options, const Lengths& lengths);

}  // namespace ts
