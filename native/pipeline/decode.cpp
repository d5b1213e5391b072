#include "pipeline/decode.h"

#include <algorithm>

namespace ts {
namespace {

constexpr int64_t kEncodeChunk = 32;
constexpr int64_t kStereo = 2;

// One chunk of latents through the decoder; `audio` [hop·n, 2] on the host.
void decode_chunk(Context& ctx, const OobleckDecoder& decoder, std::span<const float> latent, Range latents, int64_t latent_len,
                  std::span<float> audio) {
  Arena::Scope scope(ctx.arena());
  const int64_t dim = decoder.config().latent_dim;
  const Range needed = decoder.needed(latents, latent_len);
  const Tensor z = ctx.f32({1, needed.length(), dim});
  const Tensor pcm = ctx.f32({1, latents.length() * decoder.config().hop(), decoder.config().audio_channels});
  ops::upload(ctx, z, tensor_of(latent.data() + (ctx.planning() ? 0 : needed.begin * dim), z.shape));
  decoder.decode(ctx, pcm, z, latents, latent_len);
  ops::download(ctx, tensor_of(audio.data(), pcm.shape), pcm);
}

Range chunk_at(int64_t begin, int64_t chunk, int64_t length) { return {begin, std::min(begin + chunk, length)}; }

}  // namespace

std::vector<float> transposed(std::span<const float> x, int64_t rows, int64_t cols) {
  std::vector<float> y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) y[size_t(c * rows + r)] = x[size_t(r * cols + c)];
  return y;
}

void decode(Workspace& workspace, const OobleckDecoder& decoder, std::span<const float> latent, int64_t chunk, const Progress& progress,
            const PcmSink& sink) {
  const int64_t hop = decoder.config().hop(), latent_len = int64_t(latent.size()) / decoder.config().latent_dim;
  require(decoder.config().audio_channels == kStereo, "the decoder has ", decoder.config().audio_channels, " audio channels, expected stereo");
  require(latent_len >= 1 && chunk >= 0, "decode: ", latent_len, " latents in chunks of ", chunk);
  if (chunk == 0) chunk = kDefaultDecodeChunk;
  const int64_t num_chunks = (latent_len + chunk - 1) / chunk;
  std::vector<float> audio(size_t(std::min(chunk, latent_len) * hop * kStereo));
  std::vector<float> left(audio.size() / kStereo), right(left.size());
  progress.report(TS_STAGE_DECODE, 0, num_chunks);
  for (int64_t i = 0; i < num_chunks; ++i) {
    const Range latents = chunk_at(i * chunk, chunk, latent_len);
    workspace.run([&](Context& ctx) { decode_chunk(ctx, decoder, latent, latents, latent_len, audio); });
    const size_t length = size_t(latents.length() * hop);
    for (size_t n = 0; n < length; ++n) {
      left[n] = audio[kStereo * n];
      right[n] = audio[kStereo * n + 1];
    }
    sink(std::span(left).first(length), std::span(right).first(length), latents.begin * hop);
    progress.report(TS_STAGE_DECODE, i + 1, num_chunks);
  }
}

int64_t plan_decode(const Workspace& workspace, const OobleckDecoder& decoder, int64_t latent_len, int64_t chunk) {
  if (chunk <= 0) chunk = kDefaultDecodeChunk;
  int64_t most = 0;
  for (int64_t begin = 0; begin < latent_len; begin += chunk)
    most = std::max(most, workspace.plan([&](Context& ctx) {
      decode_chunk(ctx, decoder, {}, chunk_at(begin, chunk, latent_len), latent_len, {});
    }));
  return most;
}

std::vector<float> encode_moments(Workspace& workspace, const OobleckEncoder& encoder, std::span<const float> left,
                                  std::span<const float> right, const Progress& progress) {
  const int64_t num_samples = int64_t(left.size()), latent_len = encoder.latent_len(num_samples), width = 2 * encoder.config().latent_dim;
  require(encoder.config().audio_channels == kStereo, "the encoder has ", encoder.config().audio_channels, " audio channels, expected stereo");
  std::vector<float> moments(size_t(latent_len * width));
  const int64_t num_chunks = (latent_len + kEncodeChunk - 1) / kEncodeChunk;
  progress.report(TS_STAGE_ENCODE_AUDIO, 0, num_chunks);
  for (int64_t i = 0; i < num_chunks; ++i) {
    const Range latents = chunk_at(i * kEncodeChunk, kEncodeChunk, latent_len);
    const Range needed = encoder.needed(latents, num_samples);
    std::vector<float> audio(size_t(needed.length() * kStereo));
    for (int64_t n = 0; n < needed.length(); ++n) {
      audio[size_t(kStereo * n)] = left[size_t(needed.begin + n)];
      audio[size_t(kStereo * n + 1)] = right[size_t(needed.begin + n)];
    }
    workspace.run([&](Context& ctx) {
      Arena::Scope scope(ctx.arena());
      const Tensor pcm = ctx.f32({1, needed.length(), kStereo});
      const Tensor out = ctx.f32({1, latents.length(), width});
      ops::upload(ctx, pcm, tensor_of(audio.data(), pcm.shape));
      encoder.encode(ctx, out, pcm, latents, num_samples);
      ops::download(ctx, tensor_of(moments.data() + latents.begin * width, out.shape), out);
    });
    progress.report(TS_STAGE_ENCODE_AUDIO, i + 1, num_chunks);
  }
  return moments;
}

}  // namespace ts
