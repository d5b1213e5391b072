// Which kernel answers an attention job, and jobs out of the operators' arguments.
#pragma once

#include <optional>
#include <span>

#include "ops/attention.h"
#include "ops/cuda/attention_job.h"
#include "ops/divided_attention.h"

namespace ts::cuda {

// In the order of what they ask of the card.
enum class AttentionPath : uint8_t { simt, mma, wgmma };

// TS_INVALID_ARGUMENT for more streams than a job holds.
AttentionJob attention_job(std::span<const AttentionStream> streams, const AttentionOptions& options);
// The groups (sites in time, frames in space) and the cls query together.
AttentionJob divided_attention_job(const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale);

// The best path worth taking: wgmma, but mma for queries of three streams, the DiT's joint attention, where tiles of 64 queries
// for each stream leave a third of them empty: 0.85 of the speed of mma, 1.1 to 1.9 times that elsewhere (bench/NOTES.md).
AttentionPath preferred_path(const AttentionJob& job);

// What the environment's THINKSOUND_CUDA_ATTENTION (simt, mma or wgmma) allows at best, for tests and measurements; nothing if
// it is unset or empty. TS_INVALID_ARGUMENT for anything else. Read at every call: tests change it.
std::optional<AttentionPath> wished_path();

// mma needs bf16 or f16, a positive scale, rows of whole 16-byte pieces at such addresses, head dim 32, 64, 80 or 128; wgmma
// besides no more than four streams of keys, no head dim of 32, and a card and driver that have it.
AttentionPath best_path(const AttentionJob& job, DType in, AttentionPath allowed, bool has_wgmma);

// Ready to compute: picks the path and starts the kernel.
void run_attention(Context& ctx, const AttentionJob& job, DType in);

}  // namespace ts::cuda
