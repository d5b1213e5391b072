// The devices of this machine and the table of each: a table's functions carry no context, so each device has its own set.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "ops/table.h"

namespace ts::cuda {

// More GPUs than one machine holds; those beyond are not used.
constexpr int kMaxDevices = 16;

// Of the device `index`, 0 … kMaxDevices − 1.
const OperatorTable& table(int index);
// Which device `table`, one of the above, belongs to.
int device_of(const OperatorTable& table);

// What a table's memory functions do on device `index` (memory.cpp).
void* allocate(int index, int64_t bytes);
void release(int index, void* memory);
void copy_to_device(int index, void* device, const void* host, int64_t bytes);
// Rows of host memory: `row_bytes` each and `row_step` apart within a frame, frames `frame_step` apart.
struct HostRows {
  const std::byte* first = nullptr;
  int64_t row_bytes = 0, num_rows = 0, row_step = 0, num_frames = 1, frame_step = 0;
};
// Without gaps on the device; on a line (beside.cpp) through its pinned memory, elsewhere in one copy, unless neither the rows of a frame nor the frames lie evenly.
void copy_rows_to_device(int index, void* device, HostRows rows, Parallel& parallel);
void copy_to_host(int index, void* host, const void* device, int64_t bytes);
void finish(int index);
// The line of a thread (beside.cpp).
void begin_beside(int index);
void end_beside(int index);
// Recordings of a device (recording.cpp).
void begin_recording(int index);
void* end_recording(int index);
void replay(int index, void* recording);
void forget_recording(int index, void* recording);
// Branches of a device, of the calling thread (branches.cpp).
void begin_branches(int index, int32_t count);
void enter_branch(int index, int32_t branch);
void end_branches(int index);
// The stream of the branch that the thread is in, or its own.
cudaStream_t branch_stream(int index);

}  // namespace ts::cuda
