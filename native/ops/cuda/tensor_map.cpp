#include "ops/cuda/tensor_map.h"

#include "core/error.h"

namespace ts::cuda {

bool has_tensor_maps() { return tensor_map_encoder() != nullptr; }

CUtensorMap map_rows(const void* data, int64_t rows, int64_t columns, int64_t stride, int32_t box_rows, int32_t box_columns, int32_t element_bytes) {
  if (!tensor_map_encoder()) fail(TS_DEVICE_ERROR, "the CUDA driver makes no tensor maps; version 12.0 or later is needed");
  CUtensorMap map;  // of bf16 or bytes, whatever they mean: they are copied as they are
  const CUtensorMapDataType type = element_bytes == 1 ? CU_TENSOR_MAP_DATA_TYPE_UINT8 : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  const cuuint64_t sizes[] = {cuuint64_t(columns), cuuint64_t(rows)}, strides[] = {cuuint64_t(stride) * cuuint64_t(element_bytes)};
  const cuuint32_t box[] = {cuuint32_t(box_columns), cuuint32_t(box_rows)}, steps[] = {1, 1};
  const CUresult result = tensor_map_encoder()(&map, type, 2, const_cast<void*>(data), sizes, strides, box, steps,
                                    CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                                    CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS)
    fail(TS_DEVICE_ERROR, "a tensor map of ", rows, " rows of ", columns, ", ", stride, " apart, was refused by the driver: error ", int(result));
  return map;
}

}  // namespace ts::cuda
