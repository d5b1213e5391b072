#include "abi/convert.h"

#include <cmath>

namespace ts::abi {
namespace {

constexpr uint32_t kMaxFrameSide = 16384;
constexpr uint64_t kMaxRowBytes = uint64_t(1) << 40, kMaxFrameBytes = uint64_t(1) << 50;
constexpr int64_t kMaxTokens = 1 << 20;

std::optional<std::string> optional_text(const char* text) {
  if (!text) return std::nullopt;
  return std::string(text);
}

void check_guidance(float scale, const char* name) {
  require(std::isfinite(scale) && std::fabs(scale) <= 100.0f, name, " ", scale, " is outside −100 … 100");
}

// The chroma of NV12, whose luma is known. Grows `luma_bytes`, from frame to frame, where the chroma follows the luma.
void read_chroma(Frames& frames, const ts_frames& known, int64_t& luma_bytes) {
  require(known.color >= TS_YUV_BT601 && known.color <= TS_YUV_BT709_FULL, "ts_frames: color ", known.color, " is not known");
  frames.color = ops::YuvColor(known.color);
  frames.chroma_row_bytes = known.chroma_row_bytes ? int64_t(known.chroma_row_bytes) : frames.row_bytes + frames.row_bytes % 2;
  require(frames.chroma_row_bytes >= frames.chroma_row_size() && known.chroma_row_bytes <= kMaxRowBytes, "ts_frames: chroma_row_bytes ",
          known.chroma_row_bytes);
  const int64_t needed = frames.chroma_height() * frames.chroma_row_bytes;
  frames.chroma = known.chroma ? known.chroma : known.pixels + luma_bytes;
  frames.chroma_frame_bytes = int64_t(known.chroma_frame_bytes);
  if (known.chroma && !known.frame_bytes && !known.chroma_frame_bytes) frames.chroma_frame_bytes = needed;
  require(known.chroma_frame_bytes <= kMaxFrameBytes && (frames.chroma_frame_bytes == 0 || frames.chroma_frame_bytes >= needed),
          "ts_frames: chroma_frame_bytes ", known.chroma_frame_bytes);
  if (!known.chroma) luma_bytes += needed;
}

}  // namespace

std::vector<float> copy_rows(const float* data, int64_t rows, int64_t width, const char* name) {
  if (!data && rows == 0) return {};
  require(data != nullptr, name, " is NULL, but its number of rows is ", rows);
  require(rows >= 1 && rows <= kMaxTokens, name, ": ", rows, " rows");
  std::vector<float> values(data, data + rows * width);
  for (float value : values) require(std::isfinite(value), name, " holds a NaN or an infinity");
  return values;
}

Conditions read_conditions(const ts_conditions* given, const Networks& networks, int64_t latent_len) {
  const ts_conditions known = read_struct(given, ts_conditions_init, "ts_conditions");
  const MmditConfig& config = networks.need(networks.mmdit, "mmdit", "make sound").config();
  Conditions conditions;
  conditions.num_clip = known.num_clip;
  conditions.num_sync = known.num_sync;
  conditions.num_text = known.num_text;
  conditions.clip = copy_rows(known.clip_features, known.num_clip, config.clip_dim, "clip_features");
  conditions.sync = copy_rows(known.sync_features, known.num_sync, config.sync_dim, "sync_features");
  conditions.text = copy_rows(known.text_features, known.num_text, config.clip_text_dim, "text_features");
  if (known.t5_features) conditions.t5 = copy_rows(known.t5_features, config.text_seq_len, config.text_dim, "t5_features");
  if (known.global_text_feature) conditions.global_text = copy_rows(known.global_text_feature, 1, config.clip_text_dim, "global_text_feature");
  if (known.masked_latent) conditions.masked_latent = copy_rows(known.masked_latent, config.latent_dim, latent_len, "masked_latent");
  conditions.caption = optional_text(known.caption);
  conditions.cot = optional_text(known.cot);
  conditions.negative_caption = optional_text(known.negative_caption);
  conditions.negative_cot = optional_text(known.negative_cot);
  return conditions;
}

GenerateOptions read_options(const ts_generate_options* given) {
  const ts_generate_options known = read_struct(given, ts_generate_options_init, "ts_generate_options");
  require(known.num_steps >= 1 && known.num_steps <= 1000, "num_steps ", known.num_steps, " is outside 1 … 1000");
  check_guidance(known.cfg_scale, "cfg_scale");
  require(known.scale_phi >= 0.0f && known.scale_phi <= 1.0f, "scale_phi ", known.scale_phi, " is outside 0 … 1");
  require(known.sampler >= TS_SAMPLER_EULER && known.sampler <= TS_SAMPLER_V_DDIM, "sampler ", known.sampler, " is not known");
  require(known.sigma_max > 0.0f && known.sigma_max <= 1.0f, "sigma_max ", known.sigma_max, " is outside (0, 1]");
  require(known.sigma_max == 1.0f || known.init_latent, "sigma_max ", known.sigma_max, " below 1 varies an init_latent, which is NULL");
  require(known.num_jumps <= 1000, "num_jumps ", known.num_jumps, " is outside 0 … 1000");
  require(known.jump_length >= 1 && known.jump_length <= 1000, "jump_length ", known.jump_length, " is outside 1 … 1000");
  require(known.num_candidates >= 1 && known.num_candidates <= 64, "num_candidates ", known.num_candidates, " is outside 1 … 64");
  GenerateOptions options;
  options.num_steps = known.num_steps;
  options.cfg_scale = known.cfg_scale;
  options.scale_phi = known.scale_phi;
  options.duration_s = known.duration_s;
  options.seed = known.seed;
  options.sampler = known.sampler;
  options.lengths = known.lengths;
  options.sigma_max = known.sigma_max;
  options.decode_chunk = known.decode_chunk;
  options.num_jumps = known.num_jumps;
  options.jump_length = known.jump_length;
  options.num_candidates = known.num_candidates;
  return options;
}

void read_latents(GenerateOptions& to, const ts_generate_options* given, const Networks& networks, int64_t latent_len) {
  const ts_generate_options known = read_struct(given, ts_generate_options_init, "ts_generate_options");
  const int64_t latent_dim = networks.need(networks.mmdit, "mmdit", "make sound").config().latent_dim;
  if (known.noise) to.noise = copy_rows(known.noise, latent_dim, latent_len, "noise");
  if (known.init_latent) to.init_latent = copy_rows(known.init_latent, latent_dim, latent_len, "init_latent");
  if (known.known_latent) to.known_latent = copy_rows(known.known_latent, latent_dim, latent_len, "known_latent");
  if (known.known_mask) to.known_mask = copy_rows(known.known_mask, 1, latent_len, "known_mask");
}

EditOptions read_options(const ts_edit_options* given) {
  const ts_edit_options known = read_struct(given, ts_edit_options_init, "ts_edit_options");
  require(known.num_steps >= 1 && known.num_steps <= 1000, "num_steps ", known.num_steps, " is outside 1 … 1000");
  require(known.num_averages >= 1 && known.num_averages <= 100, "num_averages ", known.num_averages, " is outside 1 … 100");
  check_guidance(known.source_cfg_scale, "source_cfg_scale");
  check_guidance(known.target_cfg_scale, "target_cfg_scale");
  EditOptions options;
  options.num_steps = known.num_steps;
  options.num_edit_steps = known.num_edit_steps ? known.num_edit_steps : (2 * options.num_steps + 2) / 3;
  options.num_target_steps = known.num_target_steps;
  options.num_averages = known.num_averages;
  options.source_cfg_scale = known.source_cfg_scale;
  options.target_cfg_scale = known.target_cfg_scale;
  options.lengths = known.lengths;
  options.duration_s = known.duration_s;
  options.seed = known.seed;
  require(options.num_edit_steps <= options.num_steps, "num_edit_steps ", options.num_edit_steps, " is more than num_steps ", options.num_steps);
  require(options.num_target_steps <= options.num_edit_steps, "num_target_steps ", options.num_target_steps, " is more than num_edit_steps ",
          options.num_edit_steps);
  return options;
}

void read_latents(EditOptions& to, const ts_edit_options* given, const Networks& networks, int64_t latent_len) {
  const ts_edit_options known = read_struct(given, ts_edit_options_init, "ts_edit_options");
  const int64_t latent_dim = networks.need(networks.mmdit, "mmdit", "make sound").config().latent_dim;
  if (known.source_latent) to.source_latent = copy_rows(known.source_latent, latent_dim, latent_len, "source_latent");
  if (known.known_mask) to.known_mask = copy_rows(known.known_mask, 1, latent_len, "known_mask");
}

Frames read_frames(const ts_frames* given) {
  const ts_frames known = read_struct(given, ts_frames_init, "ts_frames");
  require(known.pixels != nullptr && known.num_frames > 0, "ts_frames holds no frames");
  require(known.width >= 1 && known.width <= kMaxFrameSide && known.height >= 1 && known.height <= kMaxFrameSide, "ts_frames: ", known.width,
          " × ", known.height, " pixels, each side may have 1 … ", kMaxFrameSide);
  Frames frames;
  frames.pixels = known.pixels;
  frames.count = known.num_frames;
  frames.width = known.width;
  frames.height = known.height;
  require(known.format == TS_PIXELS_RGB24 || known.format == TS_PIXELS_NV12, "ts_frames: format ", known.format, " is not known");
  if (known.format == TS_PIXELS_NV12) frames.format = ops::PixelFormat::nv12;
  frames.row_bytes = known.row_bytes ? int64_t(known.row_bytes) : frames.row_size();
  require(frames.row_bytes >= frames.row_size() && known.row_bytes <= kMaxRowBytes, "ts_frames: row_bytes ", known.row_bytes);
  int64_t needed = frames.height * frames.row_bytes;
  if (frames.is_nv12()) read_chroma(frames, known, needed);
  frames.frame_bytes = known.frame_bytes ? int64_t(known.frame_bytes) : needed;
  require(frames.frame_bytes >= needed && known.frame_bytes <= kMaxFrameBytes, "ts_frames: frame_bytes ", known.frame_bytes);
  if (frames.is_nv12() && !frames.chroma_frame_bytes) frames.chroma_frame_bytes = frames.frame_bytes;
  return frames;  // whether the chroma fits its own distances, the operator sees
}

Progress::Listener progress_listener(ts_progress_fn progress, void* user_data) {
  if (!progress) return {};
  return [progress, user_data](ts_stage stage, uint32_t step, uint32_t num_steps) { return progress(user_data, stage, step, num_steps) == 0; };
}

}  // namespace ts::abi
