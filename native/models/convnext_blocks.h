// ConvNeXt blocks along a sequence: what the mel codec and the listener are built of.
//
//   x + fc2(gelu(fc1(norm(dw(x)))))        dw: 7 taps, each channel alone
//
// Source   Liu et al., "A ConvNet for the 2020s", 2022.
#pragma once

#include <string>
#include <vector>

#include "models/encoder_layers.h"
#include "models/range.h"
#include "ops/depthwise_conv.h"

namespace ts {

constexpr int64_t kConvNextReach = 3;       // rows on either side that a block hears
constexpr float kConvNextNormEps = 1e-6f;

struct ConvNextBlock {
  Buffer dw_weight, dw_bias;  // [7, W], [W]
  LayerNorm norm;             // [W]
  Linear fc1, fc2;            // [E·W, W], [W, E·W]
};

// `count` blocks under `name`.0, `name`.1 and so on.
std::vector<ConvNextBlock> load_convnext_blocks(Loader& loader, const std::string& name, int64_t count, int64_t width, int64_t expansion);

// Rows of a sequence on their way through the blocks.
struct ConvNextRows {
  Tensor x;        // f32 [B, at.length(), W]
  Range at;
  int64_t length;  // of the whole sequence
};

// rows.x in place: each block leaves kConvNextReach rows less on either side, but at the true ends; the last leaves `out`.
void run_convnext_blocks(Context& ctx, const std::string& name, ConvNextRows& rows, const std::vector<ConvNextBlock>& blocks, int64_t expansion,
                         Range out);

}  // namespace ts
