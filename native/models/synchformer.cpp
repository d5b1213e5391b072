#include "models/synchformer.h"

#include <cmath>
#include <numeric>

#include "core/json.h"
#include "ops/elementwise.h"
#include "ops/image.h"
#include "ops/rows.h"

namespace ts {

SynchformerConfig parse_synchformer_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject object(json, origin);
  SynchformerConfig config;
  config.embed_dim = object.get_int("embed_dim", 2, 16384, 768);
  config.depth = object.get_int("depth", 1, 256, 12);
  config.num_heads = object.get_int("num_heads", 1, 1024, 12);
  config.mlp_dim = object.get_int("mlp_dim", 1, 131072, 4 * config.embed_dim);
  config.image_size = object.get_int("image", 1, 4096, 224);
  config.patch_size = object.get_int("patch", 1, 512, 16);
  config.frames_per_patch = object.get_int("temporal_patch", 1, 64, 2);
  config.frames_per_segment = object.get_int("frames_per_segment", 2, 256, 16);
  object.check(config.embed_dim % config.num_heads == 0, "num_heads ", config.num_heads, " does not divide embed_dim ", config.embed_dim);
  object.check(config.head_dim() % 2 == 0 && config.head_dim() <= 128, "head dim ", config.head_dim(), " (embed_dim / num_heads) must be even and at most 128");
  object.check(config.image_size % config.patch_size == 0, "patch ", config.patch_size, " does not divide image ", config.image_size);
  object.check(config.frames_per_segment % config.frames_per_patch == 0 && config.frames_per_segment % 2 == 0,
               "frames_per_segment ", config.frames_per_segment, " is not an even multiple of temporal_patch ", config.frames_per_patch);
  object.check(config.steps() == 8, "a segment must give 8 features (frames_per_segment/temporal_patch is ", config.steps(),
               "): the DiT's position embedding has 8");
  return config;
}

Synchformer Synchformer::load(Loader& loader, const SynchformerConfig& config) {
  Synchformer network;
  network.config_ = config;
  const int64_t width = config.embed_dim, patch = config.patch_size, sites = config.sites(), steps = config.steps();
  const std::string root = "vfeat_extractor.";
  const auto load_attention = [&](const std::string& norm, const std::string& name) {
    return Attention{load_layer_norm(loader, norm, width), loader.linear(name + ".qkv", 3 * width, width), loader.linear(name + ".proj", width, width)};
  };
  const auto load_mlp = [&](const std::string& norm, const std::string& fc1, const std::string& fc2) {
    return EncoderMlp{load_layer_norm(loader, norm, width), loader.linear(fc1, config.mlp_dim, width), loader.linear(fc2, width, config.mlp_dim),
                      config.mlp_dim};
  };

  const int64_t patch_elements = 3 * config.frames_per_patch * patch * patch;
  network.patch_embedding_.weight = loader.pack(
      loader.host(root + "patch_embed_3d.proj.weight", {width, 3, config.frames_per_patch, patch, patch}), {width, patch_elements},
      {.dtype = loader.product_dtype()});
  network.patch_embedding_.bias = loader.vector(root + "patch_embed_3d.proj.bias", {width});
  network.cls_token_ = loader.vector(root + "cls_token", {1, 1, width});

  // cls takes position 0; token (t, p) position 1 + p and time t.
  const std::vector<float> position = loader.host(root + "pos_embed", {1, 1 + sites, width});
  const std::vector<float> time = loader.host(root + "temp_embed", {1, steps, width});
  std::vector<float> positions;
  if (!position.empty() && !time.empty()) {
    positions.assign(position.begin(), position.begin() + width);
    for (int64_t t = 0; t < steps; ++t)
      for (int64_t p = 0; p < sites; ++p)
        for (int64_t c = 0; c < width; ++c) positions.push_back(position[size_t((1 + p) * width + c)] + time[size_t(t * width + c)]);
  }
  network.positions_ = loader.keep(positions, {1, 1 + steps * sites, width});

  for (int64_t i = 0; i < config.depth; ++i) {
    const Loader::Blocks blocks(loader);
    const std::string name = concat(root, "blocks.", i);
    // The norms are numbered in the order they were written, not in that of their use.
    network.blocks_.push_back({load_attention(name + ".norm3", name + ".timeattn"), load_attention(name + ".norm1", name + ".attn"),
                               load_mlp(name + ".norm2", name + ".mlp.fc1", name + ".mlp.fc2")});
  }
  network.norm_ = load_layer_norm(loader, root + "norm", width);

  const std::string aggregator = root + "spatial_attn_agg.";
  network.aggregator_cls_ = loader.vector(aggregator + "cls_token", {1, 1, width});
  network.aggregator_.norm = load_layer_norm(loader, aggregator + "norm1", width);
  network.aggregator_.qkv.weight = loader.pack(loader.host(aggregator + "self_attn.in_proj_weight", {3 * width, width}), {3 * width, width},
                                               {.dtype = loader.product_dtype()});
  network.aggregator_.qkv.bias = loader.vector(aggregator + "self_attn.in_proj_bias", {3 * width});
  network.aggregator_.out = loader.linear(aggregator + "self_attn.out_proj", width, width);
  network.aggregator_mlp_ = load_mlp(aggregator + "norm2", aggregator + "linear1", aggregator + "linear2");
  // The full checkpoint also holds a 2-D patch product that nothing uses, the audio side and the sync transformer.
  for (const char* unused : {"vfeat_extractor.patch_embed.", "afeat_extractor.", "vproj.", "aproj.", "transformer."}) loader.source().ignore(unused);
  loader.finish();

  std::vector<int32_t> rows(size_t(steps * sites));
  std::iota(rows.begin(), rows.end(), 1);
  network.patch_rows_ = make_buffer(loader.backend(), tensor_of(rows.data(), {steps * sites}), DType::i32);
  const int32_t first = 0;
  network.first_row_ = make_buffer(loader.backend(), tensor_of(&first, {1}), DType::i32);
  return network;
}

// x += out(attention along one axis(norm x)).
void Synchformer::divided(Context& ctx, const Tensor& x, const Attention& attention, ops::DividedAxis axis, const std::string& probe_name) const {
  const Arena::Scope scope(ctx.arena());
  const Tensor normed = ctx.product(x.shape);
  const Qkv qkv = allocate_qkv(ctx, x.shape[0], config_.num_heads, x.shape[1], config_.head_dim());
  run_layer_norm(ctx, normed, x, attention.norm, config_.eps);                                              // [B, 1 + T·P, D]
  ops::qkv_projection(ctx, qkv, normed, *attention.qkv.weight, {.bias = attention.qkv.bias});               // 3 × [B, H, 1 + T·P, d]
  const Tensor& attended = normed;  // read no more
  ops::divided_attention(ctx, attended, qkv, config_.steps(), config_.sites(), axis, 1.0f / std::sqrt(float(config_.head_dim())));
  if (ctx.probing()) {
    const Buffer alone = allocate_buffer(ctx.table(), DType::f32, x.shape);
    ops::linear(ctx, alone, attended, *attention.out.weight, {.bias = attention.out.bias});
    ctx.probe(probe_name, alone);
  }
  ops::linear(ctx, x, attended, *attention.out.weight, {.bias = attention.out.bias, .residual = x});        // [B, 1 + T·P, D]
}

// tokens f32 [B·steps, sites, D] → features [B, steps, D]: one layer over each time step's sites, of which only the cls
// row goes on.
void Synchformer::aggregate(Context& ctx, const Tensor& features, const Tensor& tokens) const {
  const Arena::Scope scope(ctx.arena());
  const int64_t groups = tokens.shape[0], len = 1 + tokens.shape[1], width = config_.embed_dim;
  const Tensor cls = features.reshape({groups, 1, width});
  {
    const Arena::Scope attention_scope(ctx.arena());
    const int64_t heads = config_.num_heads, head_dim = config_.head_dim();
    const Tensor x = ctx.f32({groups, len, width}), normed = ctx.product(x.shape), attended = ctx.product({groups, 1, width});
    const Qkv qkv = allocate_qkv(ctx, groups, heads, len, head_dim);
    const Tensor query = ctx.product({groups, heads, 1, head_dim});
    ops::copy_block(ctx, x, 0, 0, aggregator_cls_);
    ops::copy_block(ctx, x, 1, 0, tokens);
    run_layer_norm(ctx, normed, x, aggregator_.norm, config_.eps);                                          // [B·T, 1 + P, D]
    ops::qkv_projection(ctx, qkv, normed, *aggregator_.qkv.weight, {.bias = aggregator_.qkv.bias});
    ops::gather_rows(ctx, query.reshape({groups * heads, 1, head_dim}), qkv.q.reshape({groups * heads, len, head_dim}), first_row_);
    const AttentionStream stream{query, qkv.k, qkv.v, attended};
    ops::attention(ctx, {&stream, 1}, {.scale = 1.0f / std::sqrt(float(head_dim))});                        // [B·T, 1, D]
    ops::copy_block(ctx, cls, 0, 0, aggregator_cls_);
    // One row per group: as a product of one item, the groups are its rows.
    const Shape rows{1, groups, width};
    ops::linear(ctx, cls.reshape(rows), attended.reshape(rows), *aggregator_.out.weight,
                {.bias = aggregator_.out.bias, .residual = cls.reshape(rows)});
  }
  add_mlp(ctx, cls.reshape({1, groups, width}), aggregator_mlp_, Activation::gelu_erf, config_.eps);        // [B·T, D]
}

void Synchformer::forward(Context& ctx, const Tensor& features, const Tensor& pixels) const {
  const int64_t width = config_.embed_dim, steps = config_.steps(), sites = config_.sites(), tokens = 1 + steps * sites;
  const int64_t side = config_.image_size, frames = pixels.shape.rank() == 4 ? pixels.shape[0] : 0, batch = frames / config_.frames_per_segment;
  require(batch >= 1 && pixels.shape == Shape({batch * config_.frames_per_segment, 3, side, side}), "synchformer: pixels are ",
          pixels.shape.str(), ", whole segments of ", config_.frames_per_segment, " frames [3, ", side, ", ", side, "] needed");
  require(features.shape == Shape({batch, steps, width}), "synchformer: features are ", features.shape.str(), ", ",
          Shape({batch, steps, width}).str(), " needed");
  const Arena::Scope scope(ctx.arena());
  const Tensor x = ctx.f32({batch, tokens, width});
  {
    const Arena::Scope embedding(ctx.arena());
    const int64_t elements = 3 * config_.frames_per_patch * config_.patch_size * config_.patch_size;
    const Tensor rows = ctx.product({batch * steps, sites, elements}), embedded = ctx.f32({batch, steps * sites, width});
    ops::patchify(ctx, rows, pixels, config_.frames_per_patch, config_.patch_size);                         // [B·T, P, 3·t·p·p]
    ops::linear(ctx, embedded, rows.reshape({batch, steps * sites, elements}), *patch_embedding_.weight, {.bias = patch_embedding_.bias});
    ctx.probe("patch_embed_3d", embedded);
    ops::copy_block(ctx, x, 0, 0, cls_token_);
    ops::copy_block(ctx, x, 1, 0, embedded);                                                                // [B, 1 + T·P, D]
  }
  ops::add(ctx, x, x, positions_);
  ctx.probe("embedded", x);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ctx.check_cancelled();
    const Block& block = blocks_[i];
    divided(ctx, x, block.time, ops::DividedAxis::time, concat("block", i, ".timeattn"));
    divided(ctx, x, block.space, ops::DividedAxis::space, concat("block", i, ".attn"));
    add_mlp(ctx, x, block.mlp, Activation::gelu_erf, config_.eps);
    if (ctx.probing()) ctx.probe(concat("block", i), x);
  }
  const Tensor patches = ctx.f32({batch, steps * sites, width}), normed = ctx.f32(patches.shape);
  ops::gather_rows(ctx, patches, x, patch_rows_);                                                           // [B, T·P, D]
  run_layer_norm(ctx, normed, patches, norm_, config_.eps);
  ctx.probe("norm_no_cls", normed);
  aggregate(ctx, features, normed.reshape({batch * steps, sites, width}));                                  // [B, T, D]
}

}  // namespace ts
