#include "models/synchformer.h"

#include <cmath>
#include <numeric>

#include "core/json.h"
#include "ops/attention.h"
#include "ops/elementwise.h"
#include "ops/image.h"
#include "ops/norm.h"
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
  object.check(config.embed_dim % config.num_heads == 0, "num_heads must divide embed_dim");
  object.check(config.head_dim() % 2 == 0 && config.head_dim() <= 128, "head dim ", config.head_dim(), " must be even, up to 128");
  object.check(config.image_size % config.patch_size == 0, "patch must divide image");
  object.check(config.frames_per_segment % config.frames_per_patch == 0 && config.frames_per_segment % 2 == 0,
               "frames_per_segment must be even and a multiple of temporal_patch");
  object.check(config.steps() == 8, "a segment must give 8 features (frames_per_segment/temporal_patch is ", config.steps(),
               "): the DiT's position embedding has 8");
  return config;
}

Synchformer::Norm Synchformer::load_norm(Loader& loader, const std::string& name, int64_t width) {
  return {loader.vector(name + ".weight", {width}), loader.vector(name + ".bias", {width})};
}

Synchformer Synchformer::load(Loader& loader, const SynchformerConfig& config) {
  Synchformer network;
  network.config_ = config;
  const int64_t width = config.embed_dim, patch = config.patch_size, sites = config.sites(), steps = config.steps();
  const std::string root = "vfeat_extractor.";
  const auto attention = [&](const std::string& name) {
    return Attention{loader.linear(name + ".qkv", 3 * width, width), loader.linear(name + ".proj", width, width)};
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
    const std::string name = concat(root, "blocks.", i);
    Block block;
    block.norm1 = load_norm(loader, name + ".norm1", width);
    block.norm2 = load_norm(loader, name + ".norm2", width);
    block.norm3 = load_norm(loader, name + ".norm3", width);
    block.time = attention(name + ".timeattn");
    block.space = attention(name + ".attn");
    block.fc1 = loader.linear(name + ".mlp.fc1", config.mlp_dim, width);
    block.fc2 = loader.linear(name + ".mlp.fc2", width, config.mlp_dim);
    network.blocks_.push_back(std::move(block));
  }
  network.norm_ = load_norm(loader, root + "norm", width);

  const std::string aggregator = root + "spatial_attn_agg.";
  network.aggregator_cls_ = loader.vector(aggregator + "cls_token", {1, 1, width});
  network.aggregator_.norm1 = load_norm(loader, aggregator + "norm1", width);
  network.aggregator_.norm2 = load_norm(loader, aggregator + "norm2", width);
  network.aggregator_.space.qkv.weight = loader.pack(loader.host(aggregator + "self_attn.in_proj_weight", {3 * width, width}), {3 * width, width},
                                                     {.dtype = loader.product_dtype()});
  network.aggregator_.space.qkv.bias = loader.vector(aggregator + "self_attn.in_proj_bias", {3 * width});
  network.aggregator_.space.out = loader.linear(aggregator + "self_attn.out_proj", width, width);
  network.aggregator_.fc1 = loader.linear(aggregator + "linear1", config.mlp_dim, width);
  network.aggregator_.fc2 = loader.linear(aggregator + "linear2", width, config.mlp_dim);
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
void Synchformer::divided(Context& ctx, const Tensor& x, const Norm& norm, const Attention& attention, ops::DividedAxis axis,
                          const std::string& probe_name) const {
  const Arena::Scope scope(ctx.arena());
  const int64_t batch = x.shape[0], tokens = x.shape[1];
  const Shape by_head{batch, config_.num_heads, tokens, config_.head_dim()};
  const Tensor normed = ctx.product(x.shape);
  const Qkv qkv{ctx.product(by_head), ctx.product(by_head), ctx.product(by_head)};
  ops::layer_norm(ctx, normed, x, norm.weight, norm.bias, config_.eps);                                     // [B, 1 + T·P, D]
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

void Synchformer::mlp(Context& ctx, const Tensor& x, const Norm& norm, const Linear& fc1, const Linear& fc2) const {
  const Arena::Scope scope(ctx.arena());
  const Tensor normed = ctx.product(x.shape), hidden = ctx.product({x.shape[0], x.shape[1], config_.mlp_dim});
  ops::layer_norm(ctx, normed, x, norm.weight, norm.bias, config_.eps);
  ops::linear(ctx, hidden, normed, *fc1.weight, {.bias = fc1.bias, .activation = Activation::gelu_erf});    // [B, n, F]
  ops::linear(ctx, x, hidden, *fc2.weight, {.bias = fc2.bias, .residual = x});                              // [B, n, D]
}

// tokens f32 [B·steps, sites, D] → features [B, steps, D]: one layer over each time step's sites, of which only the cls
// row goes on.
void Synchformer::aggregate(Context& ctx, const Tensor& features, const Tensor& tokens) const {
  const Arena::Scope scope(ctx.arena());
  const int64_t groups = tokens.shape[0], len = 1 + tokens.shape[1], width = config_.embed_dim;
  const Tensor cls = features.reshape({groups, 1, width});
  {
    const Arena::Scope attention_scope(ctx.arena());
    const Tensor x = ctx.f32({groups, len, width}), normed = ctx.product(x.shape), attended = ctx.product({groups, 1, width});
    const Shape by_head{groups, config_.num_heads, len, config_.head_dim()};
    const Qkv qkv{ctx.product(by_head), ctx.product(by_head), ctx.product(by_head)};
    ops::copy_block(ctx, x, 0, 0, aggregator_cls_);
    ops::copy_block(ctx, x, 1, 0, tokens);
    ops::layer_norm(ctx, normed, x, aggregator_.norm1.weight, aggregator_.norm1.bias, config_.eps);         // [B·T, 1 + P, D]
    ops::qkv_projection(ctx, qkv, normed, *aggregator_.space.qkv.weight, {.bias = aggregator_.space.qkv.bias});
    const AttentionStream stream{qkv.q, qkv.k, qkv.v, normed};
    ops::attention(ctx, {&stream, 1}, {.scale = 1.0f / std::sqrt(float(config_.head_dim()))});              // [B·T, 1 + P, D]
    ops::gather_rows(ctx, attended, normed, first_row_);                                                    // [B·T, 1, D]
    ops::copy_block(ctx, cls, 0, 0, aggregator_cls_);
    // One row per group: as a product of one item, the groups are its rows.
    const Shape rows{1, groups, width};
    ops::linear(ctx, cls.reshape(rows), attended.reshape(rows), *aggregator_.space.out.weight,
                {.bias = aggregator_.space.out.bias, .residual = cls.reshape(rows)});
  }
  mlp(ctx, cls.reshape({1, groups, width}), aggregator_.norm2, aggregator_.fc1, aggregator_.fc2);           // [B·T, D]
}

void Synchformer::forward(Context& ctx, const Tensor& features, const Tensor& pixels) const {
  const int64_t width = config_.embed_dim, steps = config_.steps(), sites = config_.sites(), tokens = 1 + steps * sites;
  require(pixels.shape.rank() == 4 && pixels.shape[0] % config_.frames_per_segment == 0, "synchformer: pixels are ", pixels.shape.str(),
          ", expected whole segments of ", config_.frames_per_segment, " frames");
  const int64_t batch = pixels.shape[0] / config_.frames_per_segment;
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
    divided(ctx, x, block.norm3, block.time, ops::DividedAxis::time, concat("block", i, ".timeattn"));
    divided(ctx, x, block.norm1, block.space, ops::DividedAxis::space, concat("block", i, ".attn"));
    mlp(ctx, x, block.norm2, block.fc1, block.fc2);
    ctx.probe(concat("block", i), x);
  }
  const Tensor patches = ctx.f32({batch, steps * sites, width}), normed = ctx.f32(patches.shape);
  ops::gather_rows(ctx, patches, x, patch_rows_);                                                           // [B, T·P, D]
  ops::layer_norm(ctx, normed, patches, norm_.weight, norm_.bias, config_.eps);
  ctx.probe("norm_no_cls", normed);
  aggregate(ctx, features, normed.reshape({batch * steps, sites, width}));                                  // [B, T, D]
}

}  // namespace ts
