// Matrix products of one tile on one thread, by oneDNN. Operators cut their work into tiles that do not depend on the
// number of threads and never split the summed axis, so results are the same for any number.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/dtype.h"

namespace ts::cpu {

// Whether this CPU multiplies bf16 faster than f32. If not, bf16 stays a storage type and products run on widened f32.
bool has_bf16_products();
inline DType compute_dtype(DType storage) { return storage == DType::bf16 && !has_bf16_products() ? DType::f32 : storage; }

// How the right operand b [k, n] lies in memory.
//   plain    row-major
//   panels   [⌈n/64⌉][⌈k/16v⌉·16][64][v], v = 1 (f32) or 2 (bf16: pairs of neighbours in k), zeros where k and n end
// Panels are what oneDNN's fast kernels read without copying; plain where it has none (before AVX-512).
enum class BLayout : uint8_t { plain, panels };
inline constexpr int64_t kPanelColumns = 64;

BLayout b_layout(DType compute);
constexpr int64_t panel_group(DType dtype) { return 4 / int64_t(size_of(dtype)); }  // v
int64_t panel_rows(DType dtype, int64_t k);  // k with its padding
// Elements of b in its layout, padding included.
int64_t b_numel(DType compute, int64_t k, int64_t n);

// c [m, n] f32 = a [m, k] · b, all dense. Shared by any number of threads.
class Product {
 public:
  Product(int64_t m, int64_t n, int64_t k, DType dtype);
  ~Product();
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  // Working memory of one call.
  int64_t scratch_bytes() const { return scratch_bytes_; }
  void run(const void* a, const void* b, float* c, void* scratch) const;

 private:
  struct Primitive;
  struct Call;
  std::unique_ptr<Primitive> primitive_;
  int64_t scratch_bytes_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Call>> idle_;  // argument handles, one set per thread that was ever inside
};

// From a cache of the most recent: building one generates machine code. A session needs some tens; a server that sees
// many durations would gather thousands.
inline constexpr int64_t kMaxCachedProducts = 512;
std::shared_ptr<const Product> product_for(int64_t m, int64_t n, int64_t k, DType dtype);
int64_t num_cached_products();

}  // namespace ts::cpu
