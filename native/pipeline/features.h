// What a request says about its sound, as the velocity network takes it.
#pragma once

#include <span>
#include <vector>

#include "pipeline/lengths.h"
#include "pipeline/networks.h"
#include "pipeline/progress.h"
#include "pipeline/request.h"
#include "pipeline/workspace.h"

namespace ts {

// Features of one clip on the host, by time, texts encoded. Empty = absent.
struct HostFeatures {
  std::vector<float> clip, sync, text, t5, global_text, negative_text, negative_t5, masked_latent;
  int64_t num_clip = 0, num_sync = 0, num_text = 0;
};

// TS_UNSUPPORTED, TS_INVALID_ARGUMENT: what these networks cannot be told, before anything is computed.
void check_conditions(const Networks& networks, const Conditions& conditions, float cfg_scale, int64_t latent_len);
// TS_INVALID_ARGUMENT unless a latent [latent_dim, N] has its size, or is empty.
void check_latent(const std::vector<float>& latent, const char* name, int64_t latent_dim, int64_t latent_len);
// The same of a mask [N], and of its values, 0 … 1.
void check_known_mask(const std::vector<float>& mask, int64_t latent_len);

// Encodes the texts of one request, or of several as one stage (TS_STAGE_TEXT).
std::vector<HostFeatures> gather_features(Workspace& workspace, const Networks& networks, std::span<const Conditions* const> conditions,
                                          const Progress& progress);
// Shows a checkpoint with use_inpaint the rows [N, latent_dim] of `known` whose mask is 1, zeros elsewhere, as it was
// taught; unless the caller gave it a masked latent, or there is nothing known. Others it leaves alone.
void show_known(HostFeatures& features, const MmditConfig& config, const std::vector<float>& known, const std::vector<float>& mask);

// Rows [1, rows, width] on the device; nothing for nothing.
Tensor upload_rows(Context& ctx, const std::vector<float>& values, int64_t rows, int64_t width);
MmditFeatures upload_features(Context& ctx, const MmditConfig& config, const HostFeatures& host, int64_t latent_len);
// As large as they can be, for plans.
HostFeatures largest_features(const MmditConfig& config, const Lengths& lengths);

}  // namespace ts
