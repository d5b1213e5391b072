#include "ops/cuda/cublaslt.h"

#include <cublasLt.h>
#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <map>
#include <mutex>

#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

// The functions that are used, under their own names.
struct Library {
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtMatmulDescCreate) create_product;
  decltype(&::cublasLtMatmulDescSetAttribute) set_product;
  decltype(&::cublasLtMatrixLayoutCreate) create_layout;
  decltype(&::cublasLtMatmulPreferenceCreate) create_preference;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) set_preference;
  decltype(&::cublasLtMatmulPreferenceDestroy) destroy_preference;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) find;
  decltype(&::cublasLtMatmul) multiply;
  bool complete = false;
};

void* open_library() {
  const char* named = std::getenv("THINKSOUND_CUBLASLT");
  if (named && *named) return dlopen(named, RTLD_NOW | RTLD_LOCAL);
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12", "/usr/local/cuda/lib64/libcublasLt.so"})
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  return nullptr;
}

const Library& library() {
  static const Library loaded = [] {
    Library found{};
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

void check_library(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(TS_DEVICE_ERROR, "cuBLASLt: ", what, " failed with status ", int(status));
}

// How one shape is computed. Lives as long as the process, as the library does.
struct Plan {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
};

// The library counts columns first: yᵀ [columns, rows] = w · xᵀ.
Plan make_plan(cublasLtHandle_t handle, const Product& p, bool is_bf16) {
  const Library& lt = library();
  Plan plan;
  plan.handle = handle;
  check_library(lt.create_product(&plan.product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product");
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check_library(lt.set_product(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed), "describing a product");
  check_library(lt.create_layout(&plan.w, CUDA_R_16BF, uint64_t(p.channels), uint64_t(p.columns), p.depth), "describing weights");
  check_library(lt.create_layout(&plan.x, CUDA_R_16BF, uint64_t(p.channels), uint64_t(p.num_rows), p.x_stride), "describing rows");
  check_library(lt.create_layout(&plan.y, is_bf16 ? CUDA_R_16BF : CUDA_R_32F, uint64_t(p.columns), uint64_t(p.num_rows), p.columns), "describing sums");
  cublasLtMatmulPreference_t preference = nullptr;
  check_library(lt.create_preference(&preference), "stating a preference");
  const uint64_t workspace = uint64_t(kCublasltWorkspaceBytes);
  check_library(lt.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace), "stating a preference");
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  const cublasStatus_t status = lt.find(handle, plan.product, plan.w, plan.x, plan.y, plan.y, preference, 1, &result, &found);
  lt.destroy_preference(preference);
  check_library(status, "finding an algorithm");
  if (found == 0) fail(TS_DEVICE_ERROR, "cuBLASLt: no algorithm for ", p.num_rows, " rows, ", p.columns, " columns, ", p.channels, " channels");
  plan.algorithm = result.algo;
  return plan;
}

// Of the current device.
Plan find_plan(const Product& p, bool is_bf16) {
  static std::mutex mutex;
  static std::map<int, cublasLtHandle_t> handles;
  static std::map<std::array<int64_t, 7>, Plan> plans;
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  const std::lock_guard lock(mutex);
  const std::array<int64_t, 7> key{device, p.num_rows, p.columns, p.channels, p.x_stride, p.depth, is_bf16};
  if (const auto known = plans.find(key); known != plans.end()) return known->second;
  cublasLtHandle_t& handle = handles[device];
  if (!handle) check_library(library().create(&handle), "starting");
  return plans[key] = make_plan(handle, p, is_bf16);
}

}  // namespace

bool has_cublaslt() { return library().complete; }

void product_cublaslt(cudaStream_t stream, const Product& p, void* y, bool is_bf16, void* workspace) {
  require(has_cublaslt(), "libcublasLt.so.13 or .12 is not on this machine, or lacks a function; THINKSOUND_CUBLASLT may name its file");
  const Plan plan = find_plan(p, is_bf16);
  const float one = 1, zero = 0;
  check_library(library().multiply(plan.handle, plan.product, &one, p.w, plan.w, p.x, plan.x, &zero, y, plan.y, y, plan.y, &plan.algorithm,
                                   workspace, size_t(kCublasltWorkspaceBytes), stream),
                "a product");
}

}  // namespace ts::cuda
