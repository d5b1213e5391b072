// Starts kernels that begin with ptx::await_work_before(): where the card can (compute capability 9.0), their blocks are placed
// while the kernel before them in the stream still runs, and get ready for its end.
#pragma once

#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {

inline cudaLaunchAttribute in_clusters_of(unsigned blocks) {
  cudaLaunchAttribute together{};
  together.id = cudaLaunchAttributeClusterDimension;
  together.val.clusterDim.x = blocks;
  together.val.clusterDim.y = together.val.clusterDim.z = 1;
  return together;
}

inline cudaLaunchConfig_t configure(const LaunchSize& size, cudaLaunchAttribute* attributes, unsigned count, cudaStream_t stream = nullptr) {
  cudaLaunchConfig_t config{};
  config.gridDim = size.blocks;
  config.blockDim = size.threads;
  config.dynamicSmemBytes = size.shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = count;
  return config;
}

template <class... Parameters, class... Arguments>
void start(const char* name, void (*kernel)(Parameters...), const LaunchSize& size, cudaStream_t stream, const Arguments&... arguments) {
  cudaLaunchAttribute attributes[2]{};
  unsigned count = 0;
  if (starts_early()) {
    cudaLaunchAttribute& early = attributes[count++];
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
  }
  if (size.cluster > 1) attributes[count++] = in_clusters_of(size.cluster);
  const cudaLaunchConfig_t config = configure(size, attributes, count, stream);
  check(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...), name);
}

// Clusters of size.cluster such blocks that the current device runs at the same time, its dynamic shared memory allowed before.
template <class... Parameters>
int clusters_at_once(const char* name, void (*kernel)(Parameters...), const LaunchSize& size) {
  cudaLaunchAttribute together = in_clusters_of(size.cluster);
  const cudaLaunchConfig_t config = configure(size, &together, 1);
  int clusters = 0;
  check(cudaOccupancyMaxActiveClusters(&clusters, kernel, &config), name);
  return clusters;
}

}  // namespace ts::cuda
