#include "models/recogniser.h"

#include <algorithm>
#include <set>

#include "core/json.h"
#include "ops/rows.h"

namespace ts {
namespace {

constexpr int64_t kSegmentRows = 8;  // sync features of a segment
constexpr size_t kMaxNames = 4096, kMaxNameBytes = 100;

// A list of names that programs show and look up: none empty, none twice.
std::vector<std::string> get_names(const JsonObject& object, const char* key) {
  const std::vector<std::string> names = object.get_strings(key);
  object.check(!names.empty() && names.size() <= kMaxNames, key, " must list 1 … ", kMaxNames, " names, lists ", names.size());
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    object.check(!name.empty() && name.size() <= kMaxNameBytes, key, " holds ", in_quotes(name), ", a name has 1 … ", kMaxNameBytes, " bytes");
    object.check(std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }), key, " holds ", in_quotes(name),
                 " with a control character");
    object.check(seen.insert(name).second, key, " lists ", in_quotes(name), " twice");
  }
  return names;
}

}  // namespace

RecogniserConfig parse_recogniser_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject object(json, origin);
  RecogniserConfig config;
  config.classes = get_names(object, "classes");
  config.materials = get_names(object, "materials");
  config.clip_dim = object.get_int("clip_dim", 1, 16384);
  config.sync_dim = object.get_int("sync_dim", 1, 16384);
  config.hidden_dim = object.get_int("hidden_dim", 1, 16384, config.hidden_dim);
  config.onsets_per_step = object.get_int("onsets_per_step", 1, 64, config.onsets_per_step);
  config.temporal_patch = object.get_int("temporal_patch", 1, 2, config.temporal_patch);
  config.onset_threshold = object.get_number("onset_threshold", 0, 1, config.onset_threshold);
  return config;
}

Recogniser Recogniser::load(Loader& loader, const RecogniserConfig& config) {
  Recogniser recogniser;
  recogniser.config_ = config;
  recogniser.scene_ = load_mlp(loader, "scene", config.summary_dim(), config.hidden_dim, config.scene_dim());
  recogniser.onset_ = load_mlp(loader, "onset", config.moment_dim(), config.hidden_dim, config.temporal_patch * config.onsets_per_step);
  loader.finish();
  return recogniser;
}

void Recogniser::forward(Context& ctx, const Tensor& scene, const Tensor& onsets, const Tensor& clip, const Tensor& sync) const {
  const int64_t clip_dim = config_.clip_dim, sync_dim = config_.sync_dim;
  const auto check_features = [](const char* name, const Tensor& features, int64_t width) {
    require(features.shape.rank() == 3 && features.shape[1] >= 1 && features.shape[2] == width, "recogniser: ", name, " is ", features.shape.str(),
            ", [batch, 1 or more, ", width, "] needed");
  };
  check_features("clip", clip, clip_dim);
  check_features("sync", sync, sync_dim);
  const int64_t batch = clip.shape[0];
  require(config_.temporal_patch == 1 || sync.shape[1] % kSegmentRows == 0, "recogniser: sync is ", sync.shape.str(), ", whole segments of ",
          kSegmentRows, " rows needed");
  require(sync.shape[0] == batch, "recogniser: clip is ", clip.shape.str(), ", sync ", sync.shape.str(), ": the batch must be the same");
  const Arena::Scope scope(ctx.arena());

  const Tensor clip_mean = ctx.f32({batch, clip_dim}), sync_mean = ctx.f32({batch, sync_dim}), sync_max = ctx.f32({batch, sync_dim});
  ops::mean_rows(ctx, clip_mean, clip);                                                      // [B, clip_dim]
  ops::mean_rows(ctx, sync_mean, sync);                                                      // [B, sync_dim]
  ops::max_rows(ctx, sync_max, sync);                                                        // [B, sync_dim]
  const Tensor summary = ctx.f32({batch, config_.summary_dim()});
  ops::copy_block(ctx, as_rows(summary), 0, 0, as_rows(clip_mean));
  ops::copy_block(ctx, as_rows(summary), 0, clip_dim, as_rows(sync_mean));
  ops::copy_block(ctx, as_rows(summary), 0, clip_dim + sync_dim, as_rows(sync_max));         // [B, clip_dim + 2·sync_dim]
  ctx.probe("summary", summary);
  run_mlp(ctx, scene, "scene.hidden", summary, scene_);                                      // [B, classes + materials]
  ctx.check_cancelled();
  const Tensor seen = moments(ctx, sync);
  const Tensor rows = onsets.reshape({batch, seen.shape[1], config_.temporal_patch * config_.onsets_per_step});
  run_mlp(ctx, rows, "onset.hidden", seen, onset_);                                          // [B, S, onsets_per_step]
}

Tensor Recogniser::moments(Context& ctx, const Tensor& sync) const {
  if (config_.temporal_patch == 1) return sync;
  const int64_t batch = sync.shape[0], half = kSegmentRows / config_.temporal_patch, rows = sync.shape[1] / config_.temporal_patch;
  std::vector<int32_t> early, late;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t segment = row / half, at = row % half;
    early.push_back(int32_t(kSegmentRows * segment + at));
    late.push_back(segment > 0 ? int32_t(kSegmentRows * segment - half + at) : early.back());
  }
  const Tensor seen = ctx.f32({batch, rows, config_.moment_dim()});
  const Arena::Scope scope(ctx.arena());
  const Tensor index = ctx.arena().allocate<int32_t>({rows}), view = ctx.f32({batch, rows, config_.sync_dim});
  int64_t col = 0;
  for (const std::vector<int32_t>* half_rows : {&early, &late}) {
    ops::upload(ctx, index, tensor_of(half_rows->data(), index.shape));
    ops::gather_rows(ctx, view, sync, index);
    ops::copy_block(ctx, seen, 0, col, view);
    col += config_.sync_dim;
  }
  return seen;
}

}  // namespace ts
