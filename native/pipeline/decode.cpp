#include "pipeline/decode.h"

#include <algorithm>

namespace ts {
namespace {

constexpr int64_t kEncodeChunk = 32;
// What a synthesis is given at a time: it may be slow, and between them it can be cancelled.
constexpr int64_t kSynthesisValues = 8192;

// Some latents through the decoder's network; `rows` on the host.
void decode_pass(Context& ctx, const AudioDecoder& decoder, std::span<const float> latent, Range latents, int64_t latent_len,
                  std::span<float> rows) {
  Arena::Scope scope(ctx.arena());
  const int64_t dim = decoder.latent_dim();
  const Range needed = decoder.needed(latents, latent_len);
  const Tensor z = ctx.f32({1, needed.length(), dim});
  const Tensor y = ctx.f32({1, latents.length() * decoder.rows_per_latent(), decoder.row_width()});
  ops::upload(ctx, z, tensor_of(latent.data() + (ctx.planning() ? 0 : needed.begin * dim), z.shape));
  decoder.decode(ctx, y, z, latents, latent_len);
  ops::download(ctx, tensor_of(rows.data(), y.shape), y);
}

Range chunk_at(int64_t begin, int64_t chunk, int64_t length) { return {begin, std::min(begin + chunk, length)}; }

}  // namespace

std::vector<float> transposed(std::span<const float> x, int64_t rows, int64_t cols) {
  std::vector<float> y(x.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) y[size_t(c * rows + r)] = x[size_t(r * cols + c)];
  return y;
}

void decode(Workspace& workspace, const AudioDecoder& decoder, std::span<const float> latent, int64_t chunk, const Progress& progress,
            const PcmSink& sink) {
  const int64_t latent_len = int64_t(latent.size()) / decoder.latent_dim(), row_width = decoder.row_width();
  require(latent_len >= 1 && chunk >= 0, "decode: ", latent_len, " latents in chunks of ", chunk);
  if (chunk == 0) chunk = kDefaultDecodeChunk;
  const int64_t num_chunks = (latent_len + chunk - 1) / chunk, width = decoder.rows_per_latent() * row_width;
  const int64_t per_pass = std::min(decoder.latents_per_pass(chunk), latent_len);
  std::vector<float> rows(size_t(per_pass * width)), left, right;
  Range pass;  // the latents whose rows are at hand
  const std::unique_ptr<Synthesis> synthesis = decoder.synthesis();
  const auto synthesise = [&](Range latents) {
    std::span<const float> values = std::span(rows).subspan(size_t((latents.begin - pass.begin) * width), size_t(latents.length() * width));
    const size_t step = size_t(std::max<int64_t>(1, kSynthesisValues / row_width) * row_width);
    for (; !values.empty(); values = values.subspan(std::min(step, values.size()))) {
      workspace.check_cancelled();
      synthesis->push(values.first(std::min(step, values.size())), left, right);
    }
  };
  int64_t offset = 0;
  progress.report(TS_STAGE_DECODE, 0, num_chunks);
  for (int64_t i = 0; i < num_chunks; ++i) {
    const Range latents = chunk_at(i * chunk, chunk, latent_len);
    for (int64_t at = latents.begin; at < latents.end; at = std::min(pass.end, latents.end)) {
      if (at == pass.end) {
        pass = chunk_at(at, per_pass, latent_len);
        workspace.run([&](Context& ctx) { decode_pass(ctx, decoder, latent, pass, latent_len, rows); });
      }
      synthesise({at, std::min(pass.end, latents.end)});
    }
    if (i + 1 == num_chunks) synthesis->flush(left, right);
    if (!left.empty()) sink(left, right, offset);
    offset += int64_t(left.size());
    left.clear();
    right.clear();
    progress.report(TS_STAGE_DECODE, i + 1, num_chunks);
  }
}

int64_t plan_decode(const Workspace& workspace, const AudioDecoder& decoder, int64_t latent_len, int64_t chunk) {
  const int64_t per_pass = decoder.latents_per_pass(chunk <= 0 ? kDefaultDecodeChunk : chunk);
  int64_t most = 0;
  for (int64_t begin = 0; begin < latent_len; begin += per_pass)
    most = std::max(most, workspace.plan([&](Context& ctx) {
      decode_pass(ctx, decoder, {}, chunk_at(begin, per_pass, latent_len), latent_len, {});
    }));
  return most;
}

std::vector<float> encode_moments(Workspace& workspace, const AudioEncoder& encoder, std::span<const float> left,
                                  std::span<const float> right, const Progress& progress) {
  const int64_t num_samples = int64_t(left.size()), latent_len = encoder.latent_len(num_samples), width = 2 * encoder.latent_dim();
  std::vector<float> moments(size_t(latent_len * width));
  const int64_t num_chunks = (latent_len + kEncodeChunk - 1) / kEncodeChunk;
  progress.report(TS_STAGE_ENCODE_AUDIO, 0, num_chunks);
  for (int64_t i = 0; i < num_chunks; ++i) {
    workspace.check_cancelled();
    const Range latents = chunk_at(i * kEncodeChunk, kEncodeChunk, latent_len);
    const Range needed = encoder.needed(latents, num_samples);
    std::vector<float> rows(size_t(needed.length() * encoder.row_width()));
    encoder.read_rows(workspace.parallel(), left, right, needed, rows);
    workspace.run([&](Context& ctx) {
      Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({1, needed.length(), encoder.row_width()});
      const Tensor out = ctx.f32({1, latents.length(), width});
      ops::upload(ctx, x, tensor_of(rows.data(), x.shape));
      encoder.encode(ctx, out, x, latents, num_samples);
      ops::download(ctx, tensor_of(moments.data() + latents.begin * width, out.shape), out);
    });
    progress.report(TS_STAGE_ENCODE_AUDIO, i + 1, num_chunks);
  }
  return moments;
}

}  // namespace ts
