#include <cstdlib>
#include <string_view>

#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_paths.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

int attribute(cudaDeviceAttr which) {
  int device = 0, value = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

bool has_wgmma() {
  static const bool has_maps = has_tensor_maps();
  return has_maps && has_attention_wgmma();
}

}  // namespace

std::optional<AttentionPath> wished_path() {
  const char* const value = std::getenv("THINKSOUND_CUDA_ATTENTION");
  const std::string_view name = value ? value : "";
  if (name == "simt") return AttentionPath::simt;
  if (name == "mma") return AttentionPath::mma;
  if (name == "wgmma") return AttentionPath::wgmma;
  if (name.empty()) return std::nullopt;
  fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_ATTENTION is \"", name, "\"; simt, mma or wgmma needed, or nothing");
}

void run_attention(Context& ctx, const AttentionJob& job, DType in) {
  const cudaStream_t queue = stream(ctx);
  const AttentionPath allowed = wished_path().value_or(preferred_path(job));
  switch (best_path(job, in, allowed, allowed == AttentionPath::wgmma && has_wgmma())) {
    case AttentionPath::simt: return check(launch_attention_simt(job, in, queue), "attention (simt)");
    case AttentionPath::mma: return check(launch_attention_mma(job, in, attribute(cudaDevAttrMultiProcessorCount), queue), "attention (mma)");
    case AttentionPath::wgmma: {
      WgmmaJob wgmma = wgmma_job(job);
      return check(launch_attention_wgmma(wgmma, in, attribute(cudaDevAttrMultiProcessorCount), queue), "attention (wgmma)");
    }
  }
}

void attention(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options) {
  const AttentionJob job = attention_job(streams, options);
  if (ctx.planning()) return;
  const Tensor& any = streams[0].q ? streams[0].q : streams[0].k;
  run_attention(ctx, job, any.dtype);
}

}  // namespace ts::cuda
