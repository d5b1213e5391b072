#include "pipeline/decode.h"

#include <algorithm>

#include "ops/beside.h"

namespace ts {
namespace {

constexpr int64_t kEncodeChunk = 32;
// What a synthesis is given at a time: it may be slow, and between them it can be cancelled.
constexpr int64_t kSynthesisValues = 8192;
// The length of a sequence whose end is not known yet: no range is cut at it.
constexpr int64_t kOpenEnd = int64_t(1) << 40;

Range chunk_at(int64_t begin, int64_t chunk, int64_t length) { return {begin, std::min(begin + chunk, length)}; }

// Those of `per_pass` latents that cover [begin, end).
std::vector<Range> passes_over(int64_t begin, int64_t end, int64_t per_pass, int64_t latent_len) {
  std::vector<Range> passes;
  for (; begin < end; begin = passes.back().end) passes.push_back(chunk_at(begin, per_pass, latent_len));
  return passes;
}

// The decoder's network, pass by pass. Where the device works beside its host, the rows of a pass travel and become sound
// while it is at the next:
//
//   the thread   pass 0            │ pass 1 │ pass 2          │ pass 3
//   line                   rows 0           │ rows 1          │ rows 2
//   host                     sound 0        │   sound 1       │   sound 2
//
// The first is handed out before the second is started: somebody waits for it.
class Network {
 public:
  // Takes memory from ctx's arena, for as long as the caller's scope.
  Network(Context& ctx, const AudioDecoder& decoder, const std::vector<Range>& passes, int64_t latent_len)
      : ctx_(ctx), decoder_(decoder), latent_len_(latent_len), beside_(ctx, [](Context&) {}) {
    int64_t needed = 1, length = 1;
    for (const Range& pass : passes) {
      needed = std::max(needed, decoder.needed(pass, latent_len).length());
      length = std::max(length, pass.length());
    }
    const bool take_turns = works_ahead() && passes.size() > 1;
    for (Place& place : std::span(places_).first(take_turns ? 2 : 1))
      place = {ctx.f32({needed, decoder.latent_dim()}), ctx.f32({length * decoder.rows_per_latent(), decoder.row_width()})};
    if (!take_turns) places_[1] = places_[0];
  }

  bool works_ahead() const { return Beside::exists(ctx_); }

  // `z` on the host begins with the first latent that is needed.
  void start(Range latents, const float* z) {
    turn_ = 1 - turn_;
    const Tensor given(places_[turn_].z.data, DType::f32, {1, decoder_.needed(latents, latent_len_).length(), decoder_.latent_dim()});
    rows_ = Tensor(places_[turn_].rows.data, DType::f32, {1, latents.length() * decoder_.rows_per_latent(), decoder_.row_width()});
    beside_.run([&](Context& ctx) { ops::upload(ctx, given, tensor_of(z, given.shape)); });
    const Arena::Scope scope(ctx_.arena());
    decoder_.decode(ctx_, rows_, given, latents, latent_len_);
  }
  // Rows of the pass that was started last. meanwhile() may start the next, which need not be over when this returns.
  template <class Meanwhile>
  void take(std::span<float> rows, const Meanwhile& meanwhile) {
    const Tensor ready = rows_;
    finish(ctx_.table());
    meanwhile();
    beside_.run([&](Context& ctx) { ops::download(ctx, tensor_of(rows.data(), ready.shape), ready); });
  }

 private:
  struct Place {
    Tensor z, rows;
  };
  Context& ctx_;
  const AudioDecoder& decoder_;
  const int64_t latent_len_;
  Beside beside_;
  Place places_[2];  // in which passes take turns
  Tensor rows_;
  int turn_ = 1;
};

void plan_passes(Context& ctx, const AudioDecoder& decoder, const std::vector<Range>& passes, int64_t latent_len) {
  const Arena::Scope scope(ctx.arena());
  Network network(ctx, decoder, passes, latent_len);
  for (const Range& pass : passes) network.start(pass, nullptr);
}

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
  const std::vector<Range> passes = passes_over(pass_.end, end, decoder_.latents_per_pass(chunk_), latent_len);
  progress.report(TS_STAGE_DECODE, 0, num_chunks);
  if (num_chunks > 0) workspace.run([&](Context& ctx) {
    if (ctx.planning()) return plan_passes(ctx, decoder_, passes, latent_len);
    const Arena::Scope scope(ctx.arena());
    Network network(ctx, decoder_, passes, latent_len);
    size_t started = 0, taken = 0;
    const auto start = [&] {
      network.start(passes[started], latents_.data() + (decoder_.needed(passes[started], latent_len).begin - first_) * dim);
      ++started;
    };
    for (int64_t i = 0; i < num_chunks; ++i) {
      const Range latents = chunk_at(done_, chunk_, end);
      for (int64_t at = latents.begin; at < latents.end; at = std::min(pass_.end, latents.end)) {
        if (at == pass_.end) {
          if (started == taken) start();
          pass_ = passes[taken++];
          rows_.resize(size_t(pass_.length() * decoder_.rows_per_latent() * decoder_.row_width()));
          network.take(rows_, [&] {
            if (network.works_ahead() && taken > 1 && started < passes.size()) start();
          });
        }
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
  });
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
  const std::vector<Range> passes = passes_over(0, latent_len, per_pass, latent_len);
  return workspace.plan([&](Context& ctx) { plan_passes(ctx, decoder, passes, latent_len); });
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
