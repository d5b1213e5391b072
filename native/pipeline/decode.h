// Latent → sound, chunk by chunk, and back.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/audio_codec.h"
#include "pipeline/progress.h"
#include "pipeline/workspace.h"

namespace ts {

// Latents decoded at a time where the caller does not say: activations of this many stay in a large cache, and their
// halo costs little.
constexpr int64_t kDefaultDecodeChunk = 32;

// Finished samples [offset, offset + left.size()), in order and without gaps. Never empty.
using PcmSink = std::function<void(std::span<float> left, std::span<float> right, int64_t offset)>;

// A sound whose latents come piece by piece: of any length, in constant memory. The pieces leave no trace, because the
// passes of the network lie where those of the whole lie, and the synthesis goes on: the samples are decode()'s of all
// latents in a row, bit for bit.
class DecodeStream {
 public:
  // The decoder must outlive the stream. `chunk` as for decode().
  DecodeStream(const AudioDecoder& decoder, int64_t chunk);

  // The next latents [n, latent_dim] on the host, n ≥ 0, and the chunks that they finish: the network looks ahead, so
  // some wait for the next call. `is_last`: nothing follows, and all come. Progress counts the chunks of this call.
  // After an error, or the last, TS_INVALID_ARGUMENT.
  void push(Workspace& workspace, std::span<const float> latent, bool is_last, const Progress& progress, const PcmSink& sink);

 private:
  int64_t ready(int64_t pushed) const;
  void synthesise(const Workspace& workspace, Range latents);

  const AudioDecoder& decoder_;
  const int64_t chunk_;
  const std::unique_ptr<Synthesis> synthesis_;
  std::vector<float> latents_;        // from latent first_ on: what later passes need
  Range pass_;                        // the latents whose rows are at hand
  std::vector<float> rows_;
  std::vector<float> left_, right_;   // of the chunk that is being made
  int64_t first_ = 0, done_ = 0, offset_ = 0;
  bool is_closed_ = false;
};

// latent [N, latent_dim] on the host, channel-last. `chunk` 0 = kDefaultDecodeChunk. Chunks equal the whole, up to the
// order of summation where the network is run on each by itself (audio_codec.h). Gives hop·N samples, a block a chunk;
// a block may be shorter than its chunk and the last longer, because a synthesis may lag behind its rows.
void decode(Workspace& workspace, const AudioDecoder& decoder, std::span<const float> latent, int64_t chunk, const Progress& progress,
            const PcmSink& sink);
// Arena bytes of the largest pass of the network.
int64_t plan_decode(const Workspace& workspace, const AudioDecoder& decoder, int64_t latent_len, int64_t chunk);

// Planar stereo at the model's rate, `num_samples` a multiple of hop → moments [N, 2·latent_dim] on the host.
std::vector<float> encode_moments(Workspace& workspace, const AudioEncoder& encoder, std::span<const float> left,
                                  std::span<const float> right, const Progress& progress);

// [rows, cols] → [cols, rows]: the outside of the DiT holds latents by channel, the inside by time.
std::vector<float> transposed(std::span<const float> x, int64_t rows, int64_t cols);

}  // namespace ts
