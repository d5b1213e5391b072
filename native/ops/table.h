// A backend is a table of operators. plain/ fills one with code that needs only a compiler; cpu/ starts from that and
// replaces what oneDNN and SIMD do better; the CUDA plug-in exports one.
#pragma once

#include "ops/attention.h"
#include "ops/depthwise_conv.h"
#include "ops/divided_attention.h"
#include "ops/elementwise.h"
#include "ops/guidance.h"
#include "ops/image.h"
#include "ops/linear.h"
#include "ops/memory.h"
#include "ops/norm.h"
#include "ops/rows.h"
#include "ops/snake.h"

namespace ts {

struct OperatorTable {
  const char* name = "";       // "plain", "cpu", "cuda"
  uint64_t build_id = 0;       // of this header's layout; a plug-in of another build is refused

  // Memory. `allocate` gives aligned device memory or null; memory is host memory when `is_host`.
  bool is_host = true;
  bool has_f16 = false;  // f16 beside f32 and bf16, as what products read and operators write
  bool has_int8 = false; // weights of WeightFormat::int8
  bool has_fp8 = false;  // weights of WeightFormat::fp8, and the products with them
  // Whether convolutions can store the snake of their outputs and read it (ops/snake.h); elsewhere it is cheapest while they load.
  bool stores_snake = false;

  // For devices that work beside their host; null where operators return with their work done.
  //
  // Waits for all that the calling thread has started, and throws what went wrong in it.
  void (*finish)() = nullptr;
  // Recordings (ops/replay.h), all or none. What the thread starts between begin and end is recorded instead of run; a
  // replay starts all of it and returns while it runs, on whichever thread; one at a time of each recording.
  void (*begin_recording)() = nullptr;
  void* (*end_recording)() = nullptr;
  void (*replay)(void* recording) = nullptr;
  void (*forget_recording)(void* recording) = nullptr;
  // Branches (ops/branches.h), all or none. What the thread starts after enter_branch(i) does not wait for the other branches
  // between begin and end; all of them wait for what came before begin, and what comes after end for all of them. They nest.
  void (*begin_branches)(int32_t count) = nullptr;
  void (*enter_branch)(int32_t index) = nullptr;
  void (*end_branches)() = nullptr;
  // A second line of work (ops/beside.h), both or neither. What the thread starts between the two runs beside all that it
  // started before, after what it started on the line; what it starts afterwards comes after all. No recordings in between,
  // and no line beside the line.
  void (*begin_beside)() = nullptr;
  void (*end_beside)() = nullptr;

  // Every table has all that follows.
  void* (*allocate)(int64_t bytes) = nullptr;
  void (*release)(void* memory) = nullptr;
  void (*copy_to_device)(void* device, const void* host, int64_t bytes) = nullptr;  // returns when `host` may be reused
  void (*copy_to_host)(void* host, const void* device, int64_t bytes) = nullptr;    // after all that the thread has started

  decltype(&ts::pack_weight) pack_weight = nullptr;
  decltype(&ts::pack_gated_weight) pack_gated_weight = nullptr;

  decltype(&ops::fill) fill = nullptr;
  decltype(&ops::linear) linear = nullptr;
  decltype(&ops::gated_linear) gated_linear = nullptr;
  decltype(&ops::qkv_projection) qkv_projection = nullptr;
  decltype(&ops::layer_norm) layer_norm = nullptr;
  decltype(&ops::layer_norm_modulate) layer_norm_modulate = nullptr;
  decltype(&ops::rms_norm) rms_norm = nullptr;
  decltype(&ops::attention) attention = nullptr;
  decltype(&ops::divided_attention) divided_attention = nullptr;
  decltype(&ops::add) add = nullptr;
  decltype(&ops::multiply_add) multiply_add = nullptr;
  decltype(&ops::activate) activate = nullptr;
  decltype(&ops::scale_add) scale_add = nullptr;
  decltype(&ops::copy_block) copy_block = nullptr;
  decltype(&ops::gather_rows) gather_rows = nullptr;
  decltype(&ops::embed) embed = nullptr;
  decltype(&ops::mean_rows) mean_rows = nullptr;
  decltype(&ops::max_rows) max_rows = nullptr;
  decltype(&ops::resample_rows) resample_rows = nullptr;
  decltype(&ops::transpose) transpose = nullptr;
  decltype(&ops::snake) snake = nullptr;
  decltype(&ops::snake_conv1d) snake_conv1d = nullptr;
  decltype(&ops::snake_conv_transpose1d) snake_conv_transpose1d = nullptr;
  decltype(&ops::depthwise_conv_norm) depthwise_conv_norm = nullptr;
  decltype(&ops::guide) guide = nullptr;
  decltype(&ops::guided_euler_step) guided_euler_step = nullptr;
  decltype(&ops::resize) resize = nullptr;
  decltype(&ops::normalise) normalise = nullptr;
  decltype(&ops::patchify) patchify = nullptr;
};

// Live as long as the program.
const OperatorTable& plain_table();
// The fastest table of this machine's CPU: oneDNN and Highway where built in, else plain.
const OperatorTable& cpu_table();

}  // namespace ts
