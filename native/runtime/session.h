// One generation at a time on an engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/decode.h"
#include "pipeline/lengths.h"
#include "pipeline/progress.h"
#include "pipeline/recognise.h"
#include "pipeline/request.h"
#include "pipeline/sample.h"
#include "pipeline/vision.h"
#include "pipeline/workspace.h"
#include "runtime/engine.h"

namespace ts {

class Session {
 public:
  explicit Session(std::shared_ptr<Engine> engine);

  Engine& engine() { return *engine_; }

  // The right to run something in a session; throws TS_INVALID_ARGUMENT when it is taken. Clears an old cancel.
  class Busy {
   public:
    explicit Busy(Session& session, bool is_job = false);
    ~Busy() { release(); }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    void release();

   private:
    Session* session_;
  };

  // Any thread.
  void cancel() { workspace_.cancel(); }
  bool is_cancelled() const { return workspace_.is_cancelled(); }
  // The caller's handle is going: cancels a synchronous call and returns when it has ended. A job goes on.
  void close();

  // Lengths of the result; refuses what cannot be generated before anything is computed.
  Lengths check(const Conditions& conditions, const GenerateOptions& options) const;
  ts_memory_plan plan_memory(const GenerateOptions& options) const;
  // Latents that encode_audio makes of so many samples.
  int64_t encoded_len(int64_t num_samples, int64_t sample_rate) const;

  void generate(const Busy&, const Conditions& conditions, const GenerateOptions& options, const Progress& progress, const PcmSink& sink);
  // Latent [N, latent_dim].
  std::vector<float> sample(const Busy&, const Conditions& conditions, const GenerateOptions& options, const Progress& progress);
  // The same of an edit.
  std::vector<float> edit(const Busy&, const Conditions& source, const Conditions& target, const EditOptions& options, const Progress& progress);
  void decode(const Busy&, std::span<const float> latent, int64_t chunk, const Progress& progress, const PcmSink& sink);
  // A sound whose latents come piece by piece; any number may be open in a session.
  DecodeStream open_decode_stream(int64_t chunk) const;
  void decode(const Busy&, DecodeStream& stream, std::span<const float> latent, bool is_last, const Progress& progress, const PcmSink& sink);
  std::vector<float> encode_text(const Busy&, ts_text_encoder encoder, const std::string& text);
  void encode_clip_frames(const Busy&, const Frames& frames, const Progress& progress, std::span<float> features);
  void encode_sync_frames(const Busy&, const Frames& frames, const Progress& progress, std::span<float> features);
  // clip [C, clip_dim], sync [S, sync_dim] of the engine's recogniser.
  Recognition recognise(const Busy&, std::span<const float> clip, std::span<const float> sync);
  // How well a caption says what latent [N, latent_dim] sounds like.
  float listen(const Busy&, std::span<const float> latent, const std::string& caption);
  // Of the last finished sampling; none where there was no choice. Any thread.
  struct Fits {
    std::vector<float> fits;
    int64_t chosen = 0;
  };
  Fits fits() const;
  // Latent [N, latent_dim] of planar audio.
  std::vector<float> encode_audio(const Busy&, std::span<const float> audio, int64_t num_channels, int64_t sample_rate, uint64_t seed,
                                  const Progress& progress);

 private:
  void generate_within(const Busy&, const Lengths& lengths, const Conditions& conditions, const GenerateOptions& options, const Progress& progress,
                       const PcmSink& sink);
  // Runs body(); for want of memory its error also says what would fit.
  template <class Body>
  auto advising(const Conditions& conditions, const GenerateOptions& options, bool decodes, const Body& body) const;

  // A latent [N, latent_dim]; what there was to choose from is kept.
  std::vector<float> sample_within(const Conditions& conditions, const GenerateOptions& options, const Lengths& lengths, const Progress& progress);

  const std::shared_ptr<Engine> engine_;
  Workspace workspace_;
  mutable std::mutex mutex_;
  std::condition_variable idle_;
  bool busy_ = false, runs_job_ = false;
  Fits fits_;
};

}  // namespace ts
