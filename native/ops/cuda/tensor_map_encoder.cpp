#include <dlfcn.h>

#include "ops/cuda/tensor_map.h"

namespace ts::cuda {

// The driver is a library of the machine's own: asked for when needed, never linked.
decltype(&cuTensorMapEncodeTiled) tensor_map_encoder() {
  static const auto found = [] {
    void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    return driver ? reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(dlsym(driver, "cuTensorMapEncodeTiled")) : nullptr;
  }();
  return found;
}

}  // namespace ts::cuda
