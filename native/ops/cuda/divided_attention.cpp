#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_paths.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {

void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale) {
  const AttentionJob job = divided_attention_job(out, qkv, frames, sites, axis, scale);
  if (ctx.planning()) return;
  const bool is_bf16 = qkv.q.dtype == DType::bf16;
  const bool has_rows = best_path(job, is_bf16, wished_path().value_or(preferred_path(job)), false) != AttentionPath::simt;
  if (axis == ops::DividedAxis::time && has_rows && has_divided_time_kernel(job)) {
    const cudaStream_t queue = stream(ctx);
    check(launch_divided_time(job, queue), "divided attention in time");
  } else {
    run_attention(ctx, job, is_bf16);
  }
}

}  // namespace ts::cuda
