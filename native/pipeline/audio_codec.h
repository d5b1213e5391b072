// What latents are to the pipeline: sound, `hop` samples apart, whichever family of networks stands between.
//
//   oobleck   latents ─ network ─ samples                                          models/oobleck.h
//   mel       latents ─ network ─ log-mel ─ phase reconstruction ─ samples         models/mel_codec.h, signal/
//
// A network makes rows; a Synthesis turns rows into sound and keeps what passes from chunk to chunk. An encoder reads
// rows that it works out of the sound first. Both are immutable once loaded: any thread, any number of sounds.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/loader.h"
#include "models/range.h"

namespace ts {

// One sound on its way from a decoder's rows to samples. On the host, in order.
class Synthesis {
 public:
  virtual ~Synthesis() = default;
  // Rows that follow the last ones; appends to `left` and `right` the samples that are final by now.
  virtual void push(std::span<const float> rows, std::vector<float>& left, std::vector<float>& right) = 0;
  // No more rows: appends what is left, so that N latents have given hop·N samples.
  virtual void flush(std::vector<float>& left, std::vector<float>& right) = 0;
};

class AudioDecoder {
 public:
  virtual ~AudioDecoder() = default;
  virtual int64_t hop() const = 0;         // samples per latent
  virtual int64_t latent_dim() const = 0;
  virtual int64_t sample_rate() const = 0; // Hz; 0 where the network does not know
  virtual int64_t rows_per_latent() const = 0;
  virtual int64_t row_width() const = 0;
  virtual const char* row_name() const = 0;  // "audio" or "mel"

  // Latents for the network at a time, where a caller would take its sound in chunks of `wanted`. A synthesis that finds
  // phases makes another waveform, as good and quite different, of rows that differ in their last bits: there the answer
  // is always the same, and sound in chunks is the whole bit for bit.
  virtual int64_t latents_per_pass(int64_t wanted) const = 0;
  // Latents that must be at hand to decode `latents` of a sequence of `latent_len`.
  virtual Range needed(Range latents, int64_t latent_len) const = 0;
  // rows [B, rows_per_latent·latents.length(), row_width] from z [B, needed(latents).length(), latent_dim], both f32.
  // B > 1 only for the whole sequence. Chunks equal the whole up to the order of summation.
  virtual void decode(Context& ctx, const Tensor& rows, const Tensor& z, Range latents, int64_t latent_len) const = 0;
  virtual std::unique_ptr<Synthesis> synthesis() const = 0;
  // Samples of the sound that depend on `latents`; the others are the same bit for bit whatever those are.
  virtual Range samples_of(Range latents, int64_t latent_len) const = 0;
};

class AudioEncoder {
 public:
  virtual ~AudioEncoder() = default;
  virtual int64_t hop() const = 0;
  virtual int64_t latent_dim() const = 0;
  virtual int64_t sample_rate() const = 0;
  virtual int64_t row_width() const = 0;
  virtual const char* row_name() const = 0;

  virtual int64_t latent_len(int64_t num_samples) const = 0;
  // Rows that must be at hand to encode `latents` of a sound of `num_samples`.
  virtual Range needed(Range latents, int64_t num_samples) const = 0;
  // Those rows [range.length(), row_width] out of the whole sound, on the host.
  virtual void read_rows(Parallel& parallel, std::span<const float> left, std::span<const float> right, Range range,
                         std::span<float> rows) const = 0;
  // moments [B, latents.length(), 2·latent_dim] (means, then raw scales) from rows [B, needed(latents).length(), row_width].
  virtual void encode(Context& ctx, const Tensor& moments, const Tensor& rows, Range latents, int64_t num_samples) const = 0;
  // Latents that depend on `samples` of a sound of `num_samples`, whole latents.
  virtual Range latents_of(Range samples, int64_t num_samples) const = 0;
};

// "decoder" or "encoder" object of a component `vae`: {"type": "oobleck" | "mel", "config": {…}}, oobleck where it does
// not say. TS_BAD_BUNDLE naming the type or the field. The caller finishes the loader.
std::unique_ptr<AudioDecoder> load_audio_decoder(Loader& loader, const nlohmann::json& config, const std::string& origin);
std::unique_ptr<AudioEncoder> load_audio_encoder(Loader& loader, const nlohmann::json& config, const std::string& origin);

// latent = mean + (softplus(scale) + 1e-4)·noise of moments [N, 2·latent_dim]; without noise the mean. Host memory,
// latent [N, latent_dim].
void sample_posterior(std::span<float> latent, std::span<const float> moments, std::span<const float> noise, int64_t latent_dim);
// Σ_channels mean² + var − ln var − 1, averaged over positions (spec 03 §4).
double posterior_kl(std::span<const float> moments, int64_t latent_dim);

}  // namespace ts
