// cuBLASLt on the emulated card: the products that the backend asks of it, by their definition.
#include "ops/cuda/cublaslt_library.h"

#include <cstdlib>

#include "core/dtype.h"
#include "emulation/emulation.h"

namespace {

struct Layout {
  cudaDataType type;
  uint64_t rows;
  uint64_t columns;
  int64_t stride;
};
const Layout& layout_of(cublasLtMatrixLayout_t layout) { return *reinterpret_cast<const Layout*>(layout); }

float widen(uint16_t bits, cudaDataType type) { return type == CUDA_R_16F ? ts::to_float(ts::f16{bits}) : ts::to_float(ts::bf16{bits}); }

constexpr uintptr_t kWorkspaceAlignment = 256;

// D [m, n] = Aᵀ · B, columns first, A and B both bf16 or both f16. Refused where THINKSOUND_EMULATED_CUBLASLT_REFUSES is set.
cublasStatus_t multiply(cublasLtHandle_t, cublasLtMatmulDesc_t, const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                        cublasLtMatrixLayout_t b_layout, const void* beta, const void*, cublasLtMatrixLayout_t, void* d, cublasLtMatrixLayout_t d_layout,
                        const cublasLtMatmulAlgo_t*, void* workspace, size_t, cudaStream_t stream) {
  const Layout left = layout_of(a_layout), right = layout_of(b_layout), to = layout_of(d_layout);
  if (reinterpret_cast<uintptr_t>(workspace) % kWorkspaceAlignment || std::getenv("THINKSOUND_EMULATED_CUBLASLT_REFUSES")) return CUBLAS_STATUS_INVALID_VALUE;
  const bool is_narrow = left.type == CUDA_R_16BF || left.type == CUDA_R_16F;
  const bool fits = is_narrow && left.type == right.type && left.rows == right.rows && to.rows == left.columns && to.columns == right.columns;
  if (!fits || *static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0) return CUBLAS_STATUS_NOT_SUPPORTED;
  ts::emulation::launch("cublasLtMatmul", [=] {
    for (uint64_t n = 0; n < to.columns; ++n)
      for (uint64_t m = threadIdx.x; m < to.rows; m += 32) {
        const auto *x = static_cast<const uint16_t*>(a) + int64_t(m) * left.stride, *y = static_cast<const uint16_t*>(b) + int64_t(n) * right.stride;
        double sum = 0;
        for (uint64_t k = 0; k < left.rows; ++k) sum += double(widen(x[k], left.type)) * widen(y[k], left.type);
        const int64_t at = int64_t(n) * to.stride + int64_t(m);
        if (to.type == CUDA_R_32F) static_cast<float*>(d)[at] = float(sum);
        else if (to.type == CUDA_R_16F) static_cast<ts::f16*>(d)[at] = ts::to_f16(float(sum));
        else static_cast<ts::bf16*>(d)[at] = ts::to_bf16(float(sum));
      }
  }, dim3(1), dim3(32), 0, stream);
  return CUBLAS_STATUS_SUCCESS;
}

template <class Handle>
cublasStatus_t make(Handle* handle) {
  static Layout any{};
  *handle = reinterpret_cast<Handle>(&any);
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

namespace ts::cuda {

const CublasltLibrary& cublaslt_library() {
  static const CublasltLibrary stand_in{
      .create = [](cublasLtHandle_t* handle) { return make(handle); },
      .create_product = [](cublasLtMatmulDesc_t* product, cublasComputeType_t, cudaDataType_t) { return make(product); },
      .set_product = [](cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t, const void*, size_t) { return CUBLAS_STATUS_SUCCESS; },
      .create_layout = [](cublasLtMatrixLayout_t* layout, cudaDataType type, uint64_t rows, uint64_t columns, int64_t stride) {
        *layout = reinterpret_cast<cublasLtMatrixLayout_t>(new Layout{type, rows, columns, stride});  // kept as long as the plan: for ever
        return CUBLAS_STATUS_SUCCESS;
      },
      .create_preference = [](cublasLtMatmulPreference_t* preference) { return make(preference); },
      .set_preference = [](cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t, const void*, size_t) { return CUBLAS_STATUS_SUCCESS; },
      .destroy_preference = [](cublasLtMatmulPreference_t) { return CUBLAS_STATUS_SUCCESS; },
      .find = [](cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                 cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t*, int* found) {
        *found = 1;
        return CUBLAS_STATUS_SUCCESS;
      },
      .multiply = multiply,
      .complete = true};
  return stand_in;
}

}  // namespace ts::cuda
