#include <algorithm>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"

namespace ts::plain {
namespace {

template <class To, class From>
void copy_row(To* to, const From* from, int64_t cols) {
  for (int64_t d = 0; d < cols; ++d) store(to[d], to_float(from[d]));
}

// body(i, elements of y, elements of x) for i in [0, count), one row of `cols` each.
template <class Body>
void for_each_row(Context& ctx, int64_t count, int64_t cols, const Tensor& y, const Tensor& x, const Body& body) {
  visit(y, [&](auto* to) {
    visit(x, [&](const auto* from) {
      parallel_blocks(ctx.parallel(), count, rows_per_task(cols), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) body(i, to, from);
      });
    });
  });
}

}  // namespace

void copy_block(Context& ctx, const Tensor& y, int64_t row, int64_t col, const Tensor& x) {
  if (ctx.planning()) return;
  const int64_t len = x.shape[1], cols = x.shape[2];
  for_each_row(ctx, y.shape[0] * len, cols, y, x, [&](int64_t i, auto* to, const auto* from) {
    const int64_t item = i / len, n = i % len, source = x.shape[0] == 1 ? n : i;
    copy_row(to + (item * y.shape[1] + row + n) * y.shape[2] + col, from + source * cols, cols);
  });
}

void gather_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& index) {
  if (ctx.planning()) return;
  const int64_t len = y.shape[1], cols = y.shape[2];
  const int32_t* indices = index.as<int32_t>();
  for_each_row(ctx, y.rows(), cols, y, x, [&](int64_t i, auto* to, const auto* from) {
    copy_row(to + i * cols, from + (i / len * x.shape[1] + indices[i % len]) * cols, cols);
  });
}

void embed(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& ids) {
  if (ctx.planning()) return;
  const int64_t cols = y.shape[2];
  const int32_t* rows = ids.as<int32_t>();
  for_each_row(ctx, y.rows(), cols, y, table,
               [&](int64_t i, auto* to, const auto* from) { copy_row(to + i * cols, from + rows[i] * cols, cols); });
}

void mean_rows(Context& ctx, const Tensor& y, const Tensor& x) {
  if (ctx.planning()) return;
  const int64_t len = x.shape[1], cols = x.shape[2];
  for_each_row(ctx, y.numel(), len, y, x, [&](int64_t i, auto* to, const auto* from) {
    const auto* column = from + i / cols * len * cols + i % cols;
    float sum = 0;
    for (int64_t n = 0; n < len; ++n) sum += to_float(column[n * cols]);
    store(to[i], sum / float(len));
  });
}

void max_rows(Context& ctx, const Tensor& y, const Tensor& x) {
  if (ctx.planning()) return;
  const int64_t len = x.shape[1], cols = x.shape[2];
  for_each_row(ctx, y.numel(), len, y, x, [&](int64_t i, auto* to, const auto* from) {
    const auto* column = from + i / cols * len * cols + i % cols;
    float largest = to_float(column[0]);
    for (int64_t n = 1; n < len; ++n) largest = std::max(largest, to_float(column[n * cols]));
    store(to[i], largest);
  });
}

void resample_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& matrix) {
  if (ctx.planning()) return;
  const int64_t len_in = x.shape[1], len_out = y.shape[1], cols = x.shape[2];
  for_each_row(ctx, y.numel(), len_in, y, x, [&](int64_t i, auto* to, const auto* from) {
    const int64_t row = i / cols, item = row / len_out;
    const float* weights = matrix.as<float>() + row % len_out * len_in;
    float sum = 0;
    for (int64_t m = 0; m < len_in; ++m) sum += weights[m] * to_float(from[(item * len_in + m) * cols + i % cols]);
    store(to[i], sum);
  });
}

void transpose(Context& ctx, const Tensor& y, const Tensor& x) {
  if (ctx.planning()) return;
  const int64_t rows = y.shape[1], cols = y.shape[2];  // x is [B, cols, rows]
  for_each_row(ctx, y.rows(), cols, y, x, [&](int64_t i, auto* to, const auto* from) {
    for (int64_t n = 0; n < cols; ++n) store(to[i * cols + n], to_float(from[(i / rows * cols + n) * rows + i % rows]));
  });
}

}  // namespace ts::plain
