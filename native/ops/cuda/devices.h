// The devices of this machine and the table of each: a table's functions carry no context, so each device has its own set.
#pragma once

#include <cuda_runtime.h>

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
// `num_rows` rows of `row_bytes`, `step` bytes apart on the host, without gaps on the device.
void copy_rows_to_device(int index, void* device, const void* host, int64_t step, int64_t row_bytes, int64_t num_rows);
void copy_to_host(int index, void* host, const void* device, int64_t bytes);
void finish(int index);
// Recordings of a device (recording.cpp).
void begin_recording(int index);
void* end_recording(int index);
void replay(int index, void* recording);
void forget_recording(int index, void* recording);
// Branches of a device, of the calling thread (branches.cpp).
void begin_branches(int index, int32_t count);
void enter_branch(int index, int32_t branch);
void end_branches(int index);
// Where the thread's next work on the device goes: its own stream, or that of the branch it is in.
cudaStream_t current_stream(int index);

}  // namespace ts::cuda
