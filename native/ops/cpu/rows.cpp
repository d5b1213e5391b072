// Whole rows through the converter; what mixes rows or columns stays plain, it is small in every network.
#include "ops/cpu/cpu.h"
#include "ops/cpu/taps.h"

namespace ts::cpu {
namespace {

constexpr int64_t kElementsPerTask = 1 << 14;

// Row `from(i)` of x, `cols` elements, to element `to(i)` of y for i in [0, count).
template <class To, class From>
void copy_rows(Context& ctx, int64_t count, int64_t cols, const Tensor& y, const Tensor& x, const To& to, const From& from) {
  if (ctx.planning() || cols == 0) return;
  const auto at = [](const Tensor& tensor, int64_t element) {
    return static_cast<std::byte*>(tensor.data) + element * int64_t(size_of(tensor.dtype));
  };
  parallel_blocks(ctx.parallel(), count, std::max<int64_t>(1, kElementsPerTask / cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) convert(at(x, from(i) * cols), x.dtype, at(y, to(i)), y.dtype, y.dtype, cols);
  });
}

}  // namespace

void copy_block(Context& ctx, const Tensor& y, int64_t row, int64_t col, const Tensor& x) {
  const int64_t len = x.shape[1], cols = x.shape[2];
  copy_rows(ctx, y.shape[0] * len, cols, y, x,
            [&](int64_t i) { return (i / len * y.shape[1] + row + i % len) * y.shape[2] + col; },
            [&](int64_t i) { return x.shape[0] == 1 ? i % len : i; });
}

void gather_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& index) {
  const int64_t len = y.shape[1], cols = y.shape[2];
  const int32_t* indices = index.as<int32_t>();
  copy_rows(ctx, y.rows(), cols, y, x, [&](int64_t i) { return i * cols; },
            [&](int64_t i) { return i / len * x.shape[1] + indices[i % len]; });
}

void embed(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& ids) {
  const int64_t cols = y.shape[2];
  const int32_t* rows = ids.as<int32_t>();
  copy_rows(ctx, y.rows(), cols, y, table, [&](int64_t i) { return i * cols; }, [&](int64_t i) { return int64_t(rows[i]); });
}

}  // namespace ts::cpu
