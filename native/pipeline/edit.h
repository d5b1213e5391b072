// One latent into another: conditions of what it is and of what it should be, the velocity network and the flow edit meet
// here.
#pragma once

#include <vector>

#include "pipeline/features.h"

namespace ts {

// Refuses, before anything is computed, what these networks cannot be asked: TS_UNSUPPORTED, TS_INVALID_ARGUMENT.
void check_edit(const Networks& networks, const Conditions& source, const Conditions& target, const EditOptions& options, const Lengths& lengths);

// Latent [N, latent_dim] on the host. Texts are encoded first (TS_STAGE_TEXT), then the edit is walked (TS_STAGE_SAMPLE).
std::vector<float> edit_latent(Workspace& workspace, const Networks& networks, const Conditions& source, const Conditions& target,
                               const EditOptions& options, const Lengths& lengths, const Progress& progress);

}  // namespace ts
