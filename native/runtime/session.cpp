#include "runtime/session.h"

#include <algorithm>

#include "core/philox.h"
#include "pipeline/edit.h"
#include "pipeline/listen.h"
#include "pipeline/text.h"
#include "runtime/memory_advice.h"
#include "signal/pcm.h"
#include "signal/resample.h"

namespace ts {
namespace {
// Streams of one seed (core/philox.h): what is drawn from it.
constexpr uint64_t kPosteriorStream = uint64_t(1) << 32;
}  // namespace

Session::Session(std::shared_ptr<Engine> engine)
    : engine_(std::move(engine)), workspace_(engine_->table(), engine_->parallel(), engine_->product_dtype(), engine_->budget()) {}

Session::Busy::Busy(Session& session, bool is_job) : session_(&session) {
  std::lock_guard lock(session.mutex_);
  require(!session.busy_, "the session is busy: one call or job at a time; make another session to run in parallel");
  session.busy_ = true;
  session.runs_job_ = is_job;
  session.workspace_.clear_cancel();
}

void Session::Busy::release() {
  if (!session_) return;
  {
    std::lock_guard lock(session_->mutex_);
    session_->busy_ = false;
    session_->idle_.notify_all();
  }
  session_ = nullptr;
}

void Session::close() {
  std::unique_lock lock(mutex_);
  if (runs_job_) return;
  workspace_.cancel();
  idle_.wait(lock, [&] { return !busy_; });
}

Lengths Session::check(const Conditions& conditions, const GenerateOptions& options) const {
  const Lengths lengths = lengths_for(options.duration_s, options.lengths, engine_->bundle().sample_rate, engine_->hop());
  check_request(engine_->networks(), conditions, options, lengths);
  engine_->networks().need(engine_->networks().decoder, "vae", "turn latents into sound");
  return lengths;
}

ts_memory_plan Session::plan_memory(const GenerateOptions& options) const {
  const Lengths lengths = lengths_for(options.duration_s, options.lengths, engine_->bundle().sample_rate, engine_->hop());
  const Networks& networks = engine_->networks();
  const auto bytes = [](int64_t value) { return uint64_t(value); };
  ts_memory_plan plan{};
  plan.weights_bytes = engine_->info().weights_bytes;
  plan.text_bytes = bytes(plan_text(workspace_, networks));
  if (networks.mmdit) plan.sample_bytes = bytes(plan_sample(workspace_, networks, options, lengths));
  if (networks.listener) plan.sample_bytes = std::max(plan.sample_bytes, bytes(plan_listen(workspace_, networks, lengths.latent)));
  if (networks.decoder) plan.decode_bytes = bytes(plan_decode(workspace_, *networks.decoder, lengths.latent, options.decode_chunk));
  if (networks.clip_vision) plan.vision_bytes = bytes(plan_clip_frames(workspace_, *networks.clip_vision));
  if (networks.synchformer) plan.vision_bytes = std::max(plan.vision_bytes, bytes(plan_sync_frames(workspace_, *networks.synchformer)));
  if (networks.recogniser) plan.recognise_bytes = bytes(plan_recognise(workspace_, *networks.recogniser, lengths.clip, lengths.sync));
  plan.arena_bytes = std::max({plan.text_bytes, plan.sample_bytes, plan.decode_bytes, plan.vision_bytes, plan.recognise_bytes});
  plan.total_bytes = plan.weights_bytes + plan.arena_bytes;
  return plan;
}

template <class Body>
auto Session::advising(const Conditions& conditions, const GenerateOptions& options, bool decodes, const Body& body) const {
  try {
    return body();
  } catch (const Error& error) {
    if (error.status() != TS_OUT_OF_MEMORY) throw;
    const Networks& networks = engine_->networks();
    const bool reads = conditions.caption || conditions.cot || conditions.negative_caption || conditions.negative_cot;
    const int64_t reading = reads ? plan_text(workspace_, networks) : 0;
    const auto plan = [&](double duration_s, int64_t chunk) {
      GenerateOptions changed = options;
      changed.duration_s = duration_s;
      const Lengths lengths = lengths_for(duration_s, options.lengths, engine_->bundle().sample_rate, engine_->hop());
      const int64_t decoding = decodes ? plan_decode(workspace_, *networks.decoder, lengths.latent, chunk) : 0;
      return uint64_t(std::max({reading, plan_sample(workspace_, networks, changed, lengths), decoding}));
    };
    const MemoryNeed asked{options.duration_s, !decodes ? 0 : options.decode_chunk > 0 ? options.decode_chunk : kDefaultDecodeChunk, 0};
    const auto fitting = find_fitting(asked, plan, [&](uint64_t bytes) { return workspace_.could_reserve(int64_t(bytes)); });
    fail(TS_OUT_OF_MEMORY, error.what(), "; ", describe_fitting(asked, fitting));
  }
}

int64_t Session::encoded_len(int64_t num_samples, int64_t sample_rate) const {
  const Networks& networks = engine_->networks();
  const int64_t hop = networks.need(networks.encoder, "vae encoder", "encode sound").hop();
  return (resampled_length(num_samples, sample_rate, engine_->bundle().sample_rate) + hop - 1) / hop;
}

void Session::generate(const Busy& busy, const Conditions& conditions, const GenerateOptions& options, const Progress& progress,
                       const PcmSink& sink) {
  const Lengths lengths = check(conditions, options);
  advising(conditions, options, true, [&] { generate_within(busy, lengths, conditions, options, progress, sink); });
}

void Session::generate_within(const Busy& busy, const Lengths& lengths, const Conditions& conditions, const GenerateOptions& options,
                              const Progress& progress, const PcmSink& sink) {
  const std::vector<float> latent = sample_within(conditions, options, lengths, progress);
  const int64_t rate = engine_->bundle().sample_rate;
  // Cut to the sample, with a fade where it was cut; the reference's rule neither cuts nor fades.
  const bool cut = options.lengths == TS_LENGTHS_EXACT;
  decode(busy, latent, options.decode_chunk, progress, [&](std::span<float> left, std::span<float> right, int64_t offset) {
    const size_t kept = size_t(std::clamp<int64_t>(lengths.samples - offset, 0, int64_t(left.size())));
    if (kept == 0) return;
    left = left.first(kept);
    right = right.first(kept);
    if (cut) {
      fade_end(left, offset, lengths.samples, rate);
      fade_end(right, offset, lengths.samples, rate);
    }
    sink(left, right, offset);
  });
}

std::vector<float> Session::sample(const Busy&, const Conditions& conditions, const GenerateOptions& options, const Progress& progress) {
  const Lengths lengths = lengths_for(options.duration_s, options.lengths, engine_->bundle().sample_rate, engine_->hop());
  check_request(engine_->networks(), conditions, options, lengths);
  return advising(conditions, options, false, [&] { return sample_within(conditions, options, lengths, progress); });
}

std::vector<float> Session::sample_within(const Conditions& conditions, const GenerateOptions& options, const Lengths& lengths,
                                          const Progress& progress) {
  Sampled sampled = sample_latent(workspace_, engine_->networks(), conditions, options, lengths, progress);
  std::lock_guard lock(mutex_);
  fits_ = {std::move(sampled.fits), sampled.chosen};
  return std::move(sampled.latent);
}

Session::Fits Session::fits() const {
  std::lock_guard lock(mutex_);
  return fits_;
}

float Session::listen(const Busy&, std::span<const float> latent, const std::string& caption) {
  const Networks& networks = engine_->networks();
  const Listener& listener = need_listener(networks, "hear how well words fit");
  return ts::listen(workspace_, listener, latent, read_words(workspace_, networks, caption));
}

std::vector<float> Session::edit(const Busy&, const Conditions& source, const Conditions& target, const EditOptions& options,
                                 const Progress& progress) {
  const Lengths lengths = lengths_for(options.duration_s, options.lengths, engine_->bundle().sample_rate, engine_->hop());
  check_edit(engine_->networks(), source, target, options, lengths);
  return edit_latent(workspace_, engine_->networks(), source, target, options, lengths, progress);
}

void Session::decode(const Busy&, std::span<const float> latent, int64_t chunk, const Progress& progress, const PcmSink& sink) {
  const Networks& networks = engine_->networks();
  ts::decode(workspace_, networks.need(networks.decoder, "vae", "turn latents into sound"), latent, chunk, progress, sink);
}

DecodeStream Session::open_decode_stream(int64_t chunk) const {
  const Networks& networks = engine_->networks();
  return DecodeStream(networks.need(networks.decoder, "vae", "turn latents into sound"), chunk);
}

void Session::decode(const Busy&, DecodeStream& stream, std::span<const float> latent, bool is_last, const Progress& progress,
                     const PcmSink& sink) {
  stream.push(workspace_, latent, is_last, progress, sink);
}

std::vector<float> Session::encode_text(const Busy&, ts_text_encoder encoder, const std::string& text) {
  return ts::encode_text(workspace_, engine_->networks(), encoder, text);
}

void Session::encode_clip_frames(const Busy&, const Frames& frames, const Progress& progress, std::span<float> features) {
  const Networks& networks = engine_->networks();
  ts::encode_clip_frames(workspace_, networks.need(networks.clip_vision, "clip_vision", "see frames"), frames, networks.clip_resize, progress,
                         features);
}

void Session::encode_sync_frames(const Busy&, const Frames& frames, const Progress& progress, std::span<float> features) {
  const Networks& networks = engine_->networks();
  ts::encode_sync_frames(workspace_, networks.need(networks.synchformer, "synchformer", "follow the picture's timing"), frames, progress,
                         features);
}

Recognition Session::recognise(const Busy&, std::span<const float> clip, std::span<const float> sync) {
  const Networks& networks = engine_->networks();
  return ts::recognise(workspace_, networks.need(networks.recogniser, "recogniser", "recognise what is seen"), clip, sync);
}

std::vector<float> Session::encode_audio(const Busy&, std::span<const float> audio, int64_t num_channels, int64_t sample_rate,
                                         uint64_t seed, const Progress& progress) {
  const Networks& networks = engine_->networks();
  const AudioEncoder& encoder = networks.need(networks.encoder, "vae encoder", "encode sound");
  const int64_t hop = encoder.hop(), dim = encoder.latent_dim(), num_samples = int64_t(audio.size()) / num_channels;
  require(num_samples > 0, "a sound without samples cannot be encoded");
  // Mono is doubled, channels beyond the second dropped, the end padded with zeros to whole latents (spec 03 §§3, 7).
  std::vector<float> channels[2];
  for (int64_t channel = 0; channel < std::min<int64_t>(2, num_channels); ++channel)
    channels[channel] = resample(audio.subspan(size_t(channel * num_samples), size_t(num_samples)), sample_rate, engine_->bundle().sample_rate);
  if (num_channels == 1) channels[1] = channels[0];
  const size_t padded = (channels[0].size() + size_t(hop) - 1) / size_t(hop) * size_t(hop);
  for (std::vector<float>& channel : channels) channel.resize(padded, 0.0f);

  const std::vector<float> moments = encode_moments(workspace_, encoder, channels[0], channels[1], progress);
  std::vector<float> latent(moments.size() / 2), noise;
  if (seed != 0) {
    noise.resize(latent.size());
    fill_normal(noise, seed, kPosteriorStream);
  }
  sample_posterior(latent, moments, noise, dim);
  return latent;
}

}  // namespace ts
