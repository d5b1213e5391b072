// Features of a video → what is seen, of what material, and when something strikes.
#pragma once

#include <span>
#include <vector>

#include "models/recogniser.h"
#include "pipeline/workspace.h"

namespace ts {

// Probabilities, each 0 … 1.
struct Recognition {
  std::vector<float> classes;    // [classes], each for itself
  std::vector<float> materials;  // [materials], together 1
  std::vector<float> onsets;     // [S · onsets_per_step], each for itself, in order of time
};

// clip [C, clip_dim] and sync [S, sync_dim] on the host, a row of each at least.
// TS_INVALID_ARGUMENT when they are so large that nothing finite comes of them.
Recognition recognise(Workspace& workspace, const Recogniser& recogniser, std::span<const float> clip, std::span<const float> sync);
// Arena bytes of features of these lengths.
int64_t plan_recognise(const Workspace& workspace, const Recogniser& recogniser, int64_t clip_len, int64_t sync_len);

}  // namespace ts
