#include "ops/cuda/cublaslt.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "ops/cuda/cublaslt_library.h"
#include "ops/cuda/guarded.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

void check_library(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(TS_DEVICE_ERROR, "cuBLASLt: ", what, " failed with status ", int(status));
}

// What a status says of this product, not of the device.
bool is_refusal(cublasStatus_t status) {
  return status == CUBLAS_STATUS_INVALID_VALUE || status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_ARCH_MISMATCH;
}

// What the library takes for granted of an address unless told otherwise, and of its workspace always. The arena gives less: 64.
constexpr uintptr_t kAlignment = 256, kWorkspaceAlignment = 256;
uint32_t alignment_of(const void* pointer) {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  return uint32_t(std::min(address & (~address + 1), kAlignment));
}

// How one shape is computed. Lives as long as the process, as the library does.
struct Plan {
  bool is_refused = false;
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t w = nullptr, x = nullptr, y = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
};

void say_refused(const Product& p, const char* what, cublasStatus_t status) {
  host->log(TS_LOG_WARNING, concat("cuBLASLt ", what, " (status ", int(status), "): ", p.num_rows, " rows, ", p.columns, " columns, ", p.channels,
                                   " channels; ours is taken instead").c_str());
}

cudaDataType_t type_of(DType dtype) { return dtype == DType::f32 ? CUDA_R_32F : dtype == DType::f16 ? CUDA_R_16F : CUDA_R_16BF; }

// The library counts columns first: yᵀ [columns, rows] = w · xᵀ.
Plan make_plan(cublasLtHandle_t handle, const Product& p, DType in, const void* y, DType out) {
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
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    check_library(lt.set_preference(preference, attribute, &value, sizeof value), "stating a preference");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t(kCublasltWorkspaceBytes - kWorkspaceAlignment));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.w));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.x));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(y));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(y));
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  const cublasStatus_t status = lt.find(handle, plan.product, plan.w, plan.x, plan.y, plan.y, preference, 1, &result, &found);
  lt.destroy_preference(preference);
  if (!is_refusal(status)) check_library(status, "finding an algorithm");
  plan.is_refused = status != CUBLAS_STATUS_SUCCESS || found == 0;
  if (plan.is_refused) say_refused(p, "finds no algorithm", status);
  plan.algorithm = result.algo;
  return plan;
}

// Of the current device, and changed under the lock alone.
class Plans {
 public:
  Plan find(const Product& p, DType in, const void* y, DType out) {
    int device = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    const std::lock_guard lock(mutex_);
    const Key key = key_of(device, p, in, y, out);
    if (const auto known = plans_.find(key); known != plans_.end()) return known->second;
    cublasLtHandle_t& handle = handles_[device];
    if (!handle) check_library(cublaslt_library().create(&handle), "starting");
    return plans_[key] = make_plan(handle, p, in, y, out);
  }

  // From now on it is not asked for again.
  void refuse(const Product& p, DType in, const void* y, DType out, cublasStatus_t status) {
    int device = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    const std::lock_guard lock(mutex_);
    bool& is_refused = plans_[key_of(device, p, in, y, out)].is_refused;
    if (!is_refused) say_refused(p, "refuses a product", status);
    is_refused = true;
  }

 private:
  using Key = std::array<int64_t, 11>;
  static Key key_of(int device, const Product& p, DType in, const void* y, DType out) {
    return {device, p.num_rows, p.columns, p.channels, p.x_stride, p.depth, int64_t(in), int64_t(out), alignment_of(p.w), alignment_of(p.x), alignment_of(y)};
  }

  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;
  std::map<Key, Plan> plans_;
};
Plans& plans() {
  static Plans& all = *new Plans;
  return all;
}

}  // namespace

bool has_cublaslt() { return cublaslt_library().complete; }

bool product_cublaslt(cudaStream_t stream, const Product& p, DType in, void* y, DType out, void* workspace) {
  require(has_cublaslt(), "libcublasLt.so.13 or .12 is not on this machine, or lacks a function; THINKSOUND_CUBLASLT may name its file");
  const Plan plan = plans().find(p, in, y, out);
  if (plan.is_refused) return false;
  const uintptr_t first = (reinterpret_cast<uintptr_t>(workspace) + kWorkspaceAlignment - 1) / kWorkspaceAlignment * kWorkspaceAlignment;
  const float one = 1, zero = 0;
  const cublasStatus_t status =
      cublaslt_library().multiply(plan.handle, plan.product, &one, p.w, plan.w, p.x, plan.x, &zero, y, plan.y, y, plan.y, &plan.algorithm,
                                  reinterpret_cast<void*>(first), size_t(kCublasltWorkspaceBytes - int64_t(kWorkspaceAlignment)), stream);
  if (!is_refusal(status)) return check_library(status, "a product"), true;
  plans().refuse(p, in, y, out, status);
  return false;
}

}  // namespace ts::cuda
