#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_paths.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {

void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale) {
  const AttentionJob job = divided_attention_job(out, qkv, frames, sites, axis, scale);
  if (ctx.planning()) return;
  const DType in = qkv.q.dtype;
  const bool has_rows = best_path(job, in, wished_path().value_or(preferred_path(job)), false) != AttentionPath::simt;
  if (axis == ops::DividedAxis::time && has_rows && has_divided_time_kernel(job)) {
    const cudaStream_t queue = stream(ctx);
    check(launch_divided_time(job, in, queue), "divided attention in time");
  } else {
    run_attention(ctx, job, in);
  }
}

}  // namespace ts::cuda
