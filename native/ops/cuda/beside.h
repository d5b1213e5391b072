// The second line of work of a device (ops/beside.h).
#pragma once

#include <cuda_runtime.h>

#include "ops/cuda/devices.h"

namespace ts::cuda {

// Where the calling thread's work goes: its own stream, that of the branch it is in, or between begin_beside and end_beside that of a line.
cudaStream_t current_stream(int index);

// Copies through pinned memory to the line that the calling thread is on; the host memory may be reused. False where the
// thread is on none, or there was no memory to pin: then nothing has been copied.
bool copy_through_line(void* device, const HostRows& rows, Parallel& parallel);

}  // namespace ts::cuda
