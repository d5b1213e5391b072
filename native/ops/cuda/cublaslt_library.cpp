#include "ops/cuda/cublaslt_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <type_traits>

namespace ts::cuda {
namespace {

void* open_library() {
  const char* named = std::getenv("THINKSOUND_CUBLASLT");
  if (named && *named) return dlopen(named, RTLD_NOW | RTLD_LOCAL);
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12", "/usr/local/cuda/lib64/libcublasLt.so"})
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

}  // namespace

const CublasltLibrary& cublaslt_library() {
  static const CublasltLibrary loaded = [] {
    CublasltLibrary found{};
    void* file = open_library();
    if (!file) return found;
    const auto take = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(file, name));
      return function != nullptr;
    };
    found.complete = take(found.create, "cublasLtCreate") && take(found.create_product, "cublasLtMatmulDescCreate") &&
                     take(found.set_product, "cublasLtMatmulDescSetAttribute") && take(found.create_layout, "cublasLtMatrixLayoutCreate") &&
                     take(found.create_preference, "cublasLtMatmulPreferenceCreate") &&
                     take(found.set_preference, "cublasLtMatmulPreferenceSetAttribute") &&
                     take(found.destroy_preference, "cublasLtMatmulPreferenceDestroy") && take(found.find, "cublasLtMatmulAlgoGetHeuristic") &&
                     take(found.multiply, "cublasLtMatmul");
    return found;
  }();
  return loaded;
}

}  // namespace ts::cuda
