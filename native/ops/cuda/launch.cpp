#include "ops/cuda/launch.h"

#include <cstdlib>
#include <string_view>

#include "ops/cuda/beside.h"

namespace ts::cuda {

// One stream per thread, branch (branches.cpp) and line (beside.cpp): work of two sessions may overlap, and a capture by one of them
// sees nothing of the other.
cudaStream_t stream(Context& ctx) {
  const int index = device_of(ctx.table());
  check(cudaSetDevice(index), "cudaSetDevice");
  return current_stream(index);
}

bool is_switched_off(const char* variable) {
  const char* set = std::getenv(variable);
  return set && std::string_view(set) == "0";
}

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  int device = -1;
  cudaGetDevice(&device);
  cudaGetLastError();  // so that the next launch does not report this error again
  fail(error == cudaErrorMemoryAllocation ? TS_OUT_OF_MEMORY : TS_DEVICE_ERROR, what, " on cuda:", device, ": ", cudaGetErrorString(error),
       " (", cudaGetErrorName(error), ")");
}

}  // namespace ts::cuda
