// ops/cuda/start.cuh on the emulated card, where every kernel waits for the one before.
#pragma once

#include "emulation/emulation.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {

template <class... Parameters, class... Arguments>
void start(const char* name, void (*kernel)(Parameters...), const LaunchSize& size, cudaStream_t stream, const Arguments&... arguments) {
  emulation::launch(name, [=] { kernel(Parameters(arguments)...); }, size.blocks, size.threads, size.shared_bytes, stream, int(size.cluster));
  check_launch(name);
}

}  // namespace ts::cuda
