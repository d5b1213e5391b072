// Text → features of the two text encoders. Spec 04; which text goes where: spec 00 §1.
#pragma once

#include <string>
#include <vector>

#include "pipeline/networks.h"
#include "pipeline/workspace.h"

namespace ts {

// [text_len, width] on the host: hidden states of every position, pads included, because the DiT reads them all.
std::vector<float> encode_text(Workspace& workspace, const Networks& networks, ts_text_encoder encoder, const std::string& text);
// Arena bytes of the larger encoder.
int64_t plan_text(const Workspace& workspace, const Networks& networks);

}  // namespace ts
