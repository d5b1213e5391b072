// The functions of cuBLASLt that are used, under their own names.
#pragma once

#include <cublasLt.h>

namespace ts::cuda {

struct CublasltLibrary {
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

// Loaded when first asked for; not complete where it is not to be found.
const CublasltLibrary& cublaslt_library();

}  // namespace ts::cuda
