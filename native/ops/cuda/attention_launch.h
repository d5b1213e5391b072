// The attention kernels, each behind one host function that picks its tiles and starts it on `stream`.
#pragma once

#include <cuda_runtime.h>

#include "ops/cuda/attention_job.h"
#include "ops/cuda/attention_wgmma.h"
#include "ops/cuda/tensor_map.h"

namespace ts::cuda {

// Any even head dim up to 128, q, k, v f32, bf16 or f16; f32 arithmetic throughout.
cudaError_t launch_attention_simt(AttentionJob job, DType in, cudaStream_t stream);

// Head dims 32, 64, 80 and 128 of bf16 or f16, every row on a 16-byte address, scale > 0, on a card of compute capability 8.0 or later.
cudaError_t launch_attention_mma(AttentionJob job, DType in, int32_t multiprocessors, cudaStream_t stream);

// Head dims 64, 80 and 128 on a card of compute capability 9.0; sets the job's tiles and boxes.
cudaError_t launch_attention_wgmma(WgmmaJob& wgmma, DType in, int32_t multiprocessors, cudaStream_t stream);
// Whether the current device runs it: the code for 9.0 was loaded, not what a driver made of the PTX.
bool has_attention_wgmma();
// The job with its keys described to the copy engine (ops/cuda/tensor_map.h). TS_DEVICE_ERROR.
WgmmaJob wgmma_job(const AttentionJob& job);

// Divided attention in time (divided_attention_job): bf16 or f16, heads of 64, 8 frames, every row on a 16-byte address.
bool has_divided_time_kernel(const AttentionJob& job);
cudaError_t launch_divided_time(const AttentionJob& job, DType in, cudaStream_t stream);

}  // namespace ts::cuda
