#include "pipeline/decode.h"

#include <algorithm>

namespace ts {
namespace {

constexpr int64_t kEncodeChunk = 32;
// What a synthesis is given at a time: it may be slow, and between them it can be cancelled.
constexpr int64_t kSynthesisValues = 8192;
// The length of a sequence whose end is not known yet: no range is cut at it.
constexpr int64_t kOpenEnd = int64_t(1) << 40;

// Some latents through the decoder's network. `z` begins with the first that is needed; `rows` on the host.
void decode_pass(Context& ctx, const AudioDecoder& decoder, const float* z, Range latents, int64_t latent_len, std::span<float> rows) {
  Arena::Scope scope(ctx.arena());
  const Tensor given = ctx.f32({1, decoder.needed(latents, latent_len).length(), decoder.latent_dim()});
  const Tensor y = ctx.f32({1, latents.length() * decoder.rows_per_latent(), decoder.row_width()});
  ops::upload(ctx, given, tensor_of(z, given.shape));
  decoder.decode(ctx, y, given, latents, latent_len);
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

DecodeStream::DecodeStream(const AudioDecoder& decoder, int64_t chunk)
    : decoder_(decoder), chunk_(chunk == 0 ? kDefaultDecodeChunk : chunk), synthesis_(decoder.synthesis()) {
  require(chunk >= 0, "decode: chunks of ", chunk, " latents");
}

void DecodeStream::push(Workspace& workspace, std::span<const float> latent, bool is_last, const Progress& progress, const PcmSink& sink) {
  const int64_t dim = decoder_.latent_dim();
  require(int64_t(latent.size()) % dim == 0, "decode: ", latent.size(), " values of latents of ", dim);
  require(!is_closed_, "decode: the stream is over, or broke off at an earlier call");
  is_closed_ = true;  // unless this ends well
  latents_.insert(latents_.end(), latent.begin(), latent.end());
  const int64_t pushed = first_ + int64_t(latents_.size()) / dim, latent_len = is_last ? pushed : kOpenEnd;
  require(pushed >= 1 || !is_last, "decode: 0 latents");

  const int64_t end = is_last ? pushed : ready(pushed) / chunk_ * chunk_, num_chunks = (end - done_ + chunk_ - 1) / chunk_;
  progress.report(TS_STAGE_DECODE, 0, num_chunks);
  for (int64_t i = 0; i < num_chunks; ++i) {
    const Range latents = chunk_at(done_, chunk_, end);
    for (int64_t at = latents.begin; at < latents.end; at = std::min(pass_.end, latents.end)) {
      if (at == pass_.end) run_pass(workspace, latent_len);
      synthesise(workspace, {at, std::min(pass_.end, latents.end)});
    }
    done_ = latents.end;
    if (is_last && done_ == end) synthesis_->flush(left_, right_);
    if (!left_.empty()) sink(left_, right_, offset_);
    offset_ += int64_t(left_.size());
    left_.clear();
    right_.clear();
    progress.report(TS_STAGE_DECODE, i + 1, num_chunks);
  }
  const int64_t kept = decoder_.needed({pass_.end, pass_.end + 1}, kOpenEnd).begin;
  latents_.erase(latents_.begin(), latents_.begin() + (kept - first_) * dim);
  first_ = kept;
  is_closed_ = is_last;
}

// The latents whose passes have all that they need.
int64_t DecodeStream::ready(int64_t pushed) const {
  const int64_t per_pass = decoder_.latents_per_pass(chunk_);
  int64_t end = pass_.end;
  while (decoder_.needed({end, end + per_pass}, kOpenEnd).end <= pushed) end += per_pass;
  return end;
}

void DecodeStream::run_pass(Workspace& workspace, int64_t latent_len) {
  pass_ = chunk_at(pass_.end, decoder_.latents_per_pass(chunk_), latent_len);
  rows_.resize(size_t(pass_.length() * decoder_.rows_per_latent() * decoder_.row_width()));
  const float* z = latents_.data() + (decoder_.needed(pass_, latent_len).begin - first_) * decoder_.latent_dim();
  workspace.run([&](Context& ctx) { decode_pass(ctx, decoder_, z, pass_, latent_len, rows_); });
}

void DecodeStream::synthesise(const Workspace& workspace, Range latents) {
  const int64_t row_width = decoder_.row_width(), width = decoder_.rows_per_latent() * row_width;
  std::span<const float> values = std::span(rows_).subspan(size_t((latents.begin - pass_.begin) * width), size_t(latents.length() * width));
  const size_t step = size_t(std::max<int64_t>(1, kSynthesisValues / row_width) * row_width);
  for (; !values.empty(); values = values.subspan(std::min(step, values.size()))) {
    workspace.check_cancelled();
    synthesis_->push(values.first(std::min(step, values.size())), left_, right_);
  }
}

void decode(Workspace& workspace, const AudioDecoder& decoder, std::span<const float> latent, int64_t chunk, const Progress& progress,
            const PcmSink& sink) {
  DecodeStream(decoder, chunk).push(workspace, latent, true, progress, sink);
}

int64_t plan_decode(const Workspace& workspace, const AudioDecoder& decoder, int64_t latent_len, int64_t chunk) {
  const int64_t per_pass = decoder.latents_per_pass(chunk <= 0 ? kDefaultDecodeChunk : chunk);
  int64_t most = 0;
  for (int64_t begin = 0; begin < latent_len; begin += per_pass)
    most = std::max(most, workspace.plan([&](Context& ctx) {
      decode_pass(ctx, decoder, nullptr, chunk_at(begin, per_pass, latent_len), latent_len, {});
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
