// The keys of an attention job as tensors of the copy engine, which copies elements of 16 bits as they are: bf16 stands for f16 too.
#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_paths.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/tensor_map.h"

namespace ts::cuda {
namespace {

// Columns × rows × groups × slots of one stream, in boxes of `columns` × 16 rows.
CUtensorMap encode(const AttentionJob& job, const KeyRows& keys, const void* data, uint32_t columns) {
  const auto bytes = [](int64_t elements) { return cuuint64_t(elements) * 2; };
  const cuuint64_t dims[] = {cuuint64_t(job.dim), cuuint64_t(keys.end - keys.begin), cuuint64_t(keys.groups), cuuint64_t(job.slots)};
  const cuuint64_t strides[] = {bytes(keys.row_stride), bytes(keys.group_stride ? keys.group_stride : keys.slot_stride), bytes(keys.slot_stride)};
  const cuuint32_t box[] = {columns, kBoxRows, 1, 1}, steps[] = {1, 1, 1, 1};
  CUtensorMap map;
  const CUresult result = tensor_map_encoder()(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 4, const_cast<void*>(data), dims, strides, box, steps,
                                            CU_TENSOR_MAP_INTERLEAVE_NONE, columns == 64 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_32B,
                                            CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS)
    fail(TS_DEVICE_ERROR, "attention: cuTensorMapEncodeTiled refuses ", dims[1], " keys of ", job.dim, " in ", keys.groups, " groups and ", job.slots,
         " slots (CUresult ", int(result), ")");
  return map;
}

}  // namespace

WgmmaJob wgmma_job(const AttentionJob& job) {
  WgmmaJob wgmma{};
  wgmma.job = job;
  for (int32_t i = 0; i < job.num_key_streams; ++i) {
    const KeyRows& keys = job.keys[i];
    KeyTensors& tensors = wgmma.tensors[i];
    tensors.k = encode(job, keys, keys.k, 64);
    tensors.v = encode(job, keys, keys.v, 64);
    if (job.dim != 80) continue;
    tensors.k_rest = encode(job, keys, keys.k, 16);
    tensors.v_rest = encode(job, keys, keys.v, 16);
  }
  return wgmma;
}

}  // namespace ts::cuda
