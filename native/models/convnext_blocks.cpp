#include "models/convnext_blocks.h"

namespace ts {
namespace {

constexpr int64_t kTaps = 2 * kConvNextReach + 1;

Buffer load_taps(Loader& loader, const std::string& name, int64_t width) {
  const std::vector<float> stored = loader.host(name, {width, 1, kTaps});
  std::vector<float> taps(stored.size());  // [7, W]: channels side by side
  for (size_t i = 0; i < stored.size(); ++i) taps[i % kTaps * size_t(width) + i / kTaps] = stored[i];
  return loader.keep(taps, {kTaps, width});
}

}  // namespace

std::vector<ConvNextBlock> load_convnext_blocks(Loader& loader, const std::string& name, int64_t count, int64_t width, int64_t expansion) {
  std::vector<ConvNextBlock> blocks;
  for (int64_t i = 0; i < count; ++i) {
    const std::string block = concat(name, ".", i);
    blocks.push_back({.dw_weight = load_taps(loader, block + ".dw.weight", width),
                      .dw_bias = loader.vector(block + ".dw.bias", {width}),
                      .norm = load_layer_norm(loader, block + ".norm", width),
                      .fc1 = loader.linear(block + ".fc1", expansion * width, width),
                      .fc2 = loader.linear(block + ".fc2", width, expansion * width)});
  }
  return blocks;
}

void run_convnext_blocks(Context& ctx, const std::string& name, ConvNextRows& rows, const std::vector<ConvNextBlock>& blocks, int64_t expansion, Range out) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    ctx.check_cancelled();
    const ConvNextBlock& block = blocks[i];
    const Arena::Scope scope(ctx.arena());
    const Range to = widen(out, kConvNextReach * int64_t(blocks.size() - 1 - i), rows.length);
    const int64_t batch = rows.x.shape[0], width = rows.x.shape[2];
    const Tensor normed = ctx.product({batch, to.length(), width});
    const Tensor inner = ctx.product({batch, to.length(), expansion * width});
    ops::depthwise_conv_norm(ctx, normed, rows.x, {block.dw_weight, block.dw_bias, block.norm.weight, block.norm.bias, kConvNextNormEps},
                             kConvNextReach + rows.at.begin - to.begin);
    ops::linear(ctx, inner, normed, *block.fc1.weight, {.bias = block.fc1.bias, .activation = Activation::gelu_erf});  // [B, n, E·W]
    rows.x = rows_of(rows.x, rows.at, to);
    rows.at = to;
    ops::linear(ctx, rows.x, inner, *block.fc2.weight, {.bias = block.fc2.bias, .residual = rows.x});                  // [B, n, W]
    ctx.probe(concat(name, ".", i), rows.x);
  }
}

}  // namespace ts
