#include "ops/cuda/cublaslt.h"

#include <array>
#include <map>
#include <mutex>

#include "ops/cuda/cublaslt_library.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

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

cudaDataType_t type_of(DType dtype) { return dtype == DType::f32 ? CUDA_R_32F : dtype == DType::f16 ? CUDA_R_16F : CUDA_R_16BF; }

// The library counts columns first: yᵀ [columns, rows] = w · xᵀ.
Plan make_plan(cublasLtHandle_t handle, const Product& p, DType in, DType out) {
  const CublasltLibrary& lt = cublaslt_library();
  Plan plan;
  plan.handle = handle;
  check_library(lt.create_product(&plan.product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a product");
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check_library(lt.set_product(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed), "describing a product");
  check_library(lt.create_layout(&plan.w, type_of(in), uint64_t(p.channels), uint64_t(p.columns), p.depth), "describing weights");
  check_library(lt.create_layout(&plan.x, type_of(in), uint64_t(p.channels), uint64_t(p.num_rows), p.x_stride), "describing rows");
  check_library(lt.create_layout(&plan.y, type_of(out), uint64_t(p.columns), uint64_t(p.num_rows), p.columns), "describing sums");
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
Plan find_plan(const Product& p, DType in, DType out) {
  static std::mutex mutex;
  static std::map<int, cublasLtHandle_t> handles;
  static std::map<std::array<int64_t, 8>, Plan> plans;
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  const std::lock_guard lock(mutex);
  const std::array<int64_t, 8> key{device, p.num_rows, p.columns, p.channels, p.x_stride, p.depth, int64_t(in), int64_t(out)};
  if (const auto known = plans.find(key); known != plans.end()) return known->second;
  cublasLtHandle_t& handle = handles[device];
  if (!handle) check_library(cublaslt_library().create(&handle), "starting");
  return plans[key] = make_plan(handle, p, in, out);
}

}  // namespace

bool has_cublaslt() { return cublaslt_library().complete; }

void product_cublaslt(cudaStream_t stream, const Product& p, DType in, void* y, DType out, void* workspace) {
  require(has_cublaslt(), "libcublasLt.so.13 or .12 is not on this machine, or lacks a function; THINKSOUND_CUBLASLT may name its file");
  const Plan plan = find_plan(p, in, out);
  const float one = 1, zero = 0;
  check_library(cublaslt_library().multiply(plan.handle, plan.product, &one, p.w, plan.w, p.x, plan.x, &zero, y, plan.y, y, plan.y, &plan.algorithm,
                                   workspace, size_t(kCublasltWorkspaceBytes), stream),
                "a product");
}

}  // namespace ts::cuda
