// A job for the Hopper kernel: the streams of keys as tensors of the copy engine.
#pragma once

#include <cuda.h>

#include "ops/cuda/attention_boxes.h"

namespace ts::cuda {

struct KeyTensors {
  CUtensorMap k, v;            // of 64 columns at a time
  CUtensorMap k_rest, v_rest;  // of columns 64 … 79 of heads of 80
};

struct WgmmaJob {
  KeyTensors tensors[kMaxTensorStreams];
  AttentionJob job;
  BoxPlan boxes;        // set by the launcher
  int32_t query_tiles;  // of a block; set by the launcher
};

}  // namespace ts::cuda
