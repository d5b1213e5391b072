// Maps of matrices for the tensor copy engine of compute capability 9.0.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace ts::cuda {

// What makes them: the driver's own function, null without a driver that knows it.
decltype(&cuTensorMapEncodeTiled) tensor_map_encoder();
bool has_tensor_maps();

// Of `rows` rows of `columns` elements of element_bytes (2 or 1), `stride` elements apart (a multiple of 16 bytes), in boxes of box_rows
// (at most 256) by box_columns (128 bytes, swizzled). `data` at a multiple of 16 bytes. TS_DEVICE_ERROR with the driver's code.
CUtensorMap map_rows(const void* data, int64_t rows, int64_t columns, int64_t stride, int32_t box_rows, int32_t box_columns, int32_t element_bytes = 2);

}  // namespace ts::cuda
