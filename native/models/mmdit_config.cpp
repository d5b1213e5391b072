#include "models/mmdit_config.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "core/json.h"

namespace ts {
namespace {

constexpr std::array<std::string_view, 26> kKeys = {
    "latent_dim",  "clip_dim",     "sync_dim",       "text_dim",    "clip_text_dim", "hidden_dim",   "num_heads",
    "depth",       "fused_depth",  "mlp_ratio",      "v2",          "kernel_size",   "sync_kernel",  "use_mlp",
    "use_inpaint", "cross_attend", "add_video",      "gated_video", "triple_fusion", "latent_seq_len",
    "clip_seq_len", "sync_seq_len", "text_seq_len",  "latent_mean", "latent_std",    "empty_string_feat"};

void refuse_unknown_keys(const JsonObject& object) {
  std::string unknown;
  for (const auto& [key, value] : object.json().items())
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) unknown += (unknown.empty() ? "" : ", ") + in_quotes(key);
  object.check(unknown.empty(), "unknown ", unknown, "; a key that is ignored would change what the network computes");
}

// The rounding of every SwiGLU of the reference, from the width it is asked for.
int64_t swiglu_dim(int64_t asked) {
  constexpr int64_t kMultiple = 256;
  return (2 * asked / 3 + kMultiple - 1) / kMultiple * kMultiple;
}

}  // namespace

int64_t MmditConfig::block_ffn_dim() const { return swiglu_dim(int64_t(double(hidden_dim) * mlp_ratio)); }
int64_t MmditConfig::projection_ffn_dim() const { return swiglu_dim(4 * hidden_dim); }

MmditConfig parse_mmdit_config(const nlohmann::json& json, const std::string& origin) {
  constexpr int64_t kMaxWidth = 65536, kMaxDepth = 256, kMaxLength = 1 << 20, kMaxKernel = 63;
  const JsonObject object(json, origin);
  refuse_unknown_keys(object);

  MmditConfig config;
  config.latent_dim = object.get_int("latent_dim", 1, 8192);
  config.clip_dim = object.get_int("clip_dim", 1, kMaxWidth);
  config.sync_dim = object.get_int("sync_dim", 1, kMaxWidth);
  config.text_dim = object.get_int("text_dim", 1, kMaxWidth);
  config.clip_text_dim = object.get_int("clip_text_dim", 1, kMaxWidth, config.clip_text_dim);
  config.hidden_dim = object.get_int("hidden_dim", 2, 16384);
  config.num_heads = object.get_int("num_heads", 1, 1024);
  config.depth = object.get_int("depth", 0, kMaxDepth);
  config.fused_depth = object.get_int("fused_depth", 0, kMaxDepth);
  config.mlp_ratio = object.get_number("mlp_ratio", 0, 64, config.mlp_ratio);
  config.latent_seq_len = object.get_int("latent_seq_len", 1, kMaxLength, config.latent_seq_len);
  config.clip_seq_len = object.get_int("clip_seq_len", 1, kMaxLength, config.clip_seq_len);
  config.sync_seq_len = object.get_int("sync_seq_len", 1, kMaxLength, config.sync_seq_len);
  config.text_seq_len = object.get_int("text_seq_len", 1, 4096, config.text_seq_len);
  config.v2 = object.get_bool("v2", config.v2);
  config.kernel_size = object.get_int("kernel_size", 1, kMaxKernel, config.kernel_size);
  config.sync_kernel = object.get_int("sync_kernel", 1, kMaxKernel, config.sync_kernel);
  config.use_mlp = object.get_bool("use_mlp", false);
  config.use_inpaint = object.get_bool("use_inpaint", false);
  config.cross_attend = object.get_bool("cross_attend", false);
  config.add_video = object.get_bool("add_video", false);
  config.gated_video = object.get_bool("gated_video", false);
  config.triple_fusion = object.get_bool("triple_fusion", false);

  object.check(!object.has("empty_string_feat"), "empty_string_feat belongs into the weights, not into the configuration");
  object.check(config.hidden_dim % 2 == 0, "hidden_dim ", config.hidden_dim, " is odd: the timestep embedding is half cosines, half sines");
  object.check(config.hidden_dim % config.num_heads == 0, "num_heads ", config.num_heads, " does not divide hidden_dim ", config.hidden_dim);
  object.check(config.head_dim() % 2 == 0 && config.head_dim() <= 128, "head dim ", config.head_dim(),
               " (hidden_dim / num_heads) must be even and at most 128");
  object.check(config.block_ffn_dim() > 0, "mlp_ratio ", config.mlp_ratio, " leaves the feed-forward without channels");
  if (config.v2) {
    object.check(config.kernel_size % 2 == 1, "kernel_size ", config.kernel_size,
                 " is even: the convolutions would shorten the sequence, so that nothing can be added to it");
  } else {
    object.check(config.fused_depth == 0, "v2 false with fused_depth ", config.fused_depth,
                 ": the reference cannot build fused blocks without v2; set v2 true, or fused_depth 0");
    object.check(!config.use_inpaint, "v2 false with use_inpaint: the audio projection without v2 takes latent_dim channels, not twice as many");
  }
  return config;
}

}  // namespace ts
