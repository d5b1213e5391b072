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

// Latent [N, latent_dim] on the host. Texts are encoded first (TS_STAGE_TEXT), then the flow is followed
// (TS_STAGE_SAMPLE).
std::vector<float> sample_latent(Workspace& workspace, const Networks& networks, const Conditions& conditions,
                                 const GenerateOptions& options, const Lengths& lengths, const Progress& progress);

// Arena bytes of the sampling loop with every modality present.
int64_t plan_sample(const Workspace& workspace, const Networks& networks, const GenerateOptions& options, const Lengths& lengths);

}  // namespace ts
