#include "pipeline/audio_codec.h"

#include <algorithm>
#include <cmath>

#include "core/json.h"
#include "models/mel_codec.h"
#include "models/oobleck.h"
#include "signal/dc_blocker.h"
#include "signal/peak_limiter.h"
#include "signal/phase_reconstruction.h"

namespace ts {
namespace {

constexpr int64_t kStereo = 2;
// Of the mel codec. A pass computes 13 latents more than it gives on either side, cheaply.
constexpr int64_t kMelPass = 32;

// PyTorch's softplus: linear above its threshold of 20.
float softplus(float x) { return x > 20.0f ? x : std::log1p(std::exp(x)); }
constexpr float kMinStd = 1e-4f;

// `range` of a sequence, and what borders on it as long as is_touched(one step). Reaches have no holes.
template <class IsTouched>
Range grow(Range range, int64_t length, const IsTouched& is_touched) {
  while (range.begin > 0 && is_touched(Range{range.begin - 1, range.begin})) --range.begin;
  while (range.end < length && is_touched(Range{range.end, range.end + 1})) ++range.end;
  return range;
}

bool overlap(Range a, Range b) { return a.begin < b.end && b.begin < a.end; }

// Latents whose rows depend on `latents`.
template <class Decoder>
Range touched_by(const Decoder& network, Range latents, int64_t latent_len) {
  return grow(latents, latent_len, [&](Range one) { return overlap(network.needed(one, latent_len), latents); });
}

// ---- Oobleck: its rows are samples, left and right side by side ----

class SampleSynthesis final : public Synthesis {
 public:
  void push(std::span<const float> rows, std::vector<float>& left, std::vector<float>& right) override {
    for (size_t i = 0; i + 1 < rows.size(); i += kStereo) {
      left.push_back(rows[i]);
      right.push_back(rows[i + 1]);
    }
  }
  void flush(std::vector<float>&, std::vector<float>&) override {}
};

class OobleckSoundDecoder final : public AudioDecoder {
 public:
  explicit OobleckSoundDecoder(OobleckDecoder network) : network_(std::move(network)) {}
  int64_t hop() const override { return network_.config().hop(); }
  int64_t latent_dim() const override { return network_.config().latent_dim; }
  int64_t sample_rate() const override { return 0; }
  int64_t rows_per_latent() const override { return hop(); }
  int64_t row_width() const override { return kStereo; }
  const char* row_name() const override { return "audio"; }
  int64_t latents_per_pass(int64_t wanted) const override { return wanted; }
  Range needed(Range latents, int64_t latent_len) const override { return network_.needed(latents, latent_len); }
  void decode(Context& ctx, const Tensor& rows, const Tensor& z, Range latents, int64_t latent_len) const override {
    network_.decode(ctx, rows, z, latents, latent_len);
  }
  std::unique_ptr<Synthesis> synthesis() const override { return std::make_unique<SampleSynthesis>(); }
  Range samples_of(Range latents, int64_t latent_len) const override {
    const Range touched = touched_by(network_, latents, latent_len);
    return {touched.begin * hop(), touched.end * hop()};
  }

 private:
  OobleckDecoder network_;
};

class OobleckSoundEncoder final : public AudioEncoder {
 public:
  explicit OobleckSoundEncoder(OobleckEncoder network) : network_(std::move(network)) {}
  int64_t hop() const override { return network_.config().hop(); }
  int64_t latent_dim() const override { return network_.config().latent_dim; }
  int64_t sample_rate() const override { return 0; }
  int64_t row_width() const override { return kStereo; }
  const char* row_name() const override { return "audio"; }
  int64_t latent_len(int64_t num_samples) const override { return network_.latent_len(num_samples); }
  Range needed(Range latents, int64_t num_samples) const override { return network_.needed(latents, num_samples); }
  void read_rows(Parallel&, std::span<const float> left, std::span<const float> right, Range range, std::span<float> rows) const override {
    for (int64_t n = 0; n < range.length(); ++n) {
      rows[size_t(kStereo * n)] = left[size_t(range.begin + n)];
      rows[size_t(kStereo * n + 1)] = right[size_t(range.begin + n)];
    }
  }
  void encode(Context& ctx, const Tensor& moments, const Tensor& rows, Range latents, int64_t num_samples) const override {
    network_.encode(ctx, moments, rows, latents, num_samples);
  }
  Range latents_of(Range samples, int64_t num_samples) const override {
    return grow({samples.begin / hop(), (samples.end + hop() - 1) / hop()}, latent_len(num_samples),
                [&](Range one) { return overlap(network_.needed(one, num_samples), samples); });
  }

 private:
  OobleckEncoder network_;
};

// ---- Mel: its rows are frames of log-mel ----

MelShape shape_of(const MelCodecConfig& config) {
  return {.n_fft = config.n_fft, .hop = config.frame_hop, .num_bands = config.num_bands, .sample_rate = config.sample_rate, .max_hz = config.max_hz};
}

class MelSynthesis final : public Synthesis {
 public:
  explicit MelSynthesis(const MelShape& shape) : phase_(shape), limiter_(shape.hop), blockers_{DcBlocker(shape.sample_rate), DcBlocker(shape.sample_rate)} {}
  void push(std::span<const float> rows, std::vector<float>& left, std::vector<float>& right) override {
    phase_.push(rows, left_, right_);
    limit(left, right);
  }
  void flush(std::vector<float>& left, std::vector<float>& right) override {
    phase_.flush(left_, right_);
    limit(left, right);
    limiter_.flush(left, right);
  }

 private:
  void limit(std::vector<float>& left, std::vector<float>& right) {
    blockers_[0].apply(left_);
    blockers_[1].apply(right_);
    limiter_.push(left_, right_, left, right);
    left_.clear();
    right_.clear();
  }

  PhaseReconstruction phase_;
  PeakLimiter limiter_;
  DcBlocker blockers_[2];
  std::vector<float> left_, right_;  // not limited yet
};

class MelSoundDecoder final : public AudioDecoder {
 public:
  explicit MelSoundDecoder(MelDecoder network) : network_(std::move(network)) {}
  int64_t hop() const override { return network_.config().hop(); }
  int64_t latent_dim() const override { return network_.config().latent_dim; }
  int64_t sample_rate() const override { return network_.config().sample_rate; }
  int64_t rows_per_latent() const override { return network_.config().frames_per_latent; }
  int64_t row_width() const override { return network_.config().features(); }
  const char* row_name() const override { return "mel"; }
  int64_t latents_per_pass(int64_t) const override { return kMelPass; }
  Range needed(Range latents, int64_t latent_len) const override { return network_.needed(latents, latent_len); }
  void decode(Context& ctx, const Tensor& rows, const Tensor& z, Range latents, int64_t latent_len) const override {
    network_.decode(ctx, rows, z, latents, latent_len);
  }
  std::unique_ptr<Synthesis> synthesis() const override { return std::make_unique<MelSynthesis>(shape_of(network_.config())); }
  // Phases are found from left to right, each with a look at the frames that follow: a change never ends.
  Range samples_of(Range latents, int64_t latent_len) const override {
    const MelShape shape = shape_of(network_.config());
    const int64_t first_frame = touched_by(network_, latents, latent_len).begin * rows_per_latent() - PhaseReconstruction::kLookAhead;
    const int64_t first = first_frame * shape.hop - shape.reach();  // and the limiter's blocks, the one it is in and the one before
    return {std::max<int64_t>(0, first - (1 + PeakLimiter::kLookAhead) * shape.hop), latent_len * hop()};
  }

 private:
  MelDecoder network_;
};

class MelSoundEncoder final : public AudioEncoder {
 public:
  explicit MelSoundEncoder(MelEncoder network) : network_(std::move(network)), analysis_(shape_of(network_.config())) {}
  int64_t hop() const override { return network_.config().hop(); }
  int64_t latent_dim() const override { return network_.config().latent_dim; }
  int64_t sample_rate() const override { return network_.config().sample_rate; }
  int64_t row_width() const override { return network_.config().features(); }
  const char* row_name() const override { return "mel"; }
  int64_t latent_len(int64_t num_samples) const override { return num_samples / hop(); }
  Range needed(Range latents, int64_t num_samples) const override { return network_.needed(latents, latent_len(num_samples)); }
  void read_rows(Parallel& parallel, std::span<const float> left, std::span<const float> right, Range range,
                 std::span<float> rows) const override {
    analysis_.analyse(parallel, left, right, range.begin, rows);
  }
  void encode(Context& ctx, const Tensor& moments, const Tensor& rows, Range latents, int64_t num_samples) const override {
    network_.encode(ctx, moments, rows, latents, latent_len(num_samples));
  }
  Range latents_of(Range samples, int64_t num_samples) const override {
    const MelShape& shape = analysis_.shape();
    return grow({samples.begin / hop(), (samples.end + hop() - 1) / hop()}, latent_len(num_samples), [&](Range one) {
      const Range frames = needed(one, num_samples);
      return overlap({frames.begin * shape.hop - shape.reach(), frames.end * shape.hop + shape.reach()}, samples);
    });
  }

 private:
  MelEncoder network_;
  MelAnalysis analysis_;
};

bool is_mel(const nlohmann::json& config, const std::string& origin) {
  const JsonObject object(config, origin);
  const std::string type = object.get_string("type", "oobleck");
  object.check(type == "oobleck" || type == "mel", "type is ", in_quotes(type), ", but must be \"oobleck\" or \"mel\"");
  return type == "mel";
}

void check_stereo(int64_t channels, const std::string& origin) {
  if (channels != kStereo) fail(TS_BAD_BUNDLE, origin, ": ", channels, " audio channels, but sound here is stereo");
}

}  // namespace

std::unique_ptr<AudioDecoder> load_audio_decoder(Loader& loader, const nlohmann::json& config, const std::string& origin) {
  if (is_mel(config, origin)) return std::make_unique<MelSoundDecoder>(MelDecoder::load(loader, parse_mel_codec(config, origin)));
  const OobleckConfig parsed = parse_oobleck_decoder(config, origin);
  check_stereo(parsed.audio_channels, origin);
  return std::make_unique<OobleckSoundDecoder>(OobleckDecoder::load(loader, parsed));
}

std::unique_ptr<AudioEncoder> load_audio_encoder(Loader& loader, const nlohmann::json& config, const std::string& origin) {
  if (is_mel(config, origin)) return std::make_unique<MelSoundEncoder>(MelEncoder::load(loader, parse_mel_codec(config, origin)));
  const OobleckConfig parsed = parse_oobleck_encoder(config, origin);
  check_stereo(parsed.audio_channels, origin);
  return std::make_unique<OobleckSoundEncoder>(OobleckEncoder::load(loader, parsed));
}

void sample_posterior(std::span<float> latent, std::span<const float> moments, std::span<const float> noise, int64_t latent_dim) {
  const int64_t len = int64_t(latent.size()) / latent_dim;
  for (int64_t n = 0; n < len; ++n)
    for (int64_t c = 0; c < latent_dim; ++c) {
      const float* row = &moments[size_t(n * 2 * latent_dim)];
      const size_t i = size_t(n * latent_dim + c);
      latent[i] = noise.empty() ? row[c] : row[c] + (softplus(row[latent_dim + c]) + kMinStd) * noise[i];
    }
}

double posterior_kl(std::span<const float> moments, int64_t latent_dim) {
  const int64_t len = int64_t(moments.size()) / (2 * latent_dim);
  double sum = 0;
  for (int64_t n = 0; n < len; ++n)
    for (int64_t c = 0; c < latent_dim; ++c) {
      const double mean = moments[size_t(n * 2 * latent_dim + c)];
      const double std = double(softplus(moments[size_t(n * 2 * latent_dim + latent_dim + c)])) + kMinStd;
      sum += mean * mean + std * std - std::log(std * std) - 1.0;
    }
  return sum / double(len);
}

}  // namespace ts
