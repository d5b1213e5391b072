// The VAE's convolutions as products over rows of taps:   y = residual + conv(snake(x)) + bias.
//
// Task      a tile of output rows. Its input rows go through the snake once, into the product's type; laying the taps
//           side by side then makes one dense product out of any kernel, stride and dilation, and copying k values costs
//           little beside the out · 2 flop that each of them takes part in.
// Memory    per thread the snaked rows, the laid-out rows (half a megabyte, or 64 rows) and a tile of sums; x is read
//           once, y written once.
// A transposed convolution is the same over pairs of rows [x[q − 1] | x[q]]: see packed_weight.h.
#include <algorithm>

#include "ops/cpu/cpu.h"
#include "ops/cpu/epilogue.h"
#include "ops/cpu/packed_weight.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/taps.h"

namespace ts::cpu {
namespace {

constexpr int64_t kLaidBytes = 512 << 10, kMinTileRows = 64, kMaxTileRows = 256, kWantedTasks = 16;

// Rows of one product, from how much memory a row takes and how many rows there are to share.
int64_t tile_rows(int64_t num_rows, int64_t row_bytes) {
  const int64_t fitting = std::clamp(kLaidBytes / row_bytes, kMinTileRows, kMaxTileRows);
  const int64_t sharing = std::max<int64_t>(32, (num_rows + kWantedTasks - 1) / kWantedTasks);
  return std::min({fitting, sharing, num_rows});
}

struct Convolution {
  Tensor x;
  Snake snake;
  const CpuWeight& weight;
  TapGeometry geometry;
  int64_t first_row, num_rows;  // rows of the product in every item
};

struct Slot {
  Slot(std::byte* base, const Convolution& conv, int64_t rows, int64_t scratch_bytes) {
    const CpuWeight& weight = conv.weight;
    const int64_t element = int64_t(size_of(weight.compute()));
    Carver carver(base);
    const int64_t reach = conv.geometry.end(rows - 1) - conv.geometry.first(0);
    snaked = carver.take<std::byte>(reach * weight.in * element);
    laid = carver.take<std::byte>(rows * weight.depth * element);
    c = carver.take<float>(rows * CpuWeight::kTileColumns);
    scratch = carver.take<std::byte>(scratch_bytes);
    widened = carver.take<float>(weight.widens() ? weight.tile_numel(0) : 0);
    bytes = carver.used();
  }
  std::byte *snaked, *laid, *scratch;
  float *c, *widened;
  int64_t bytes;
};

// Product rows [begin, end) of item `item`.
void lay_rows(const Convolution& conv, int64_t item, int64_t begin, int64_t end, const Slot& slot) {
  const DType type = conv.weight.compute();
  const int64_t in = conv.weight.in, len = conv.x.shape[1], row_bytes = in * int64_t(size_of(type));
  const int64_t from = std::clamp<int64_t>(conv.geometry.first(begin), 0, len);
  const int64_t to = std::clamp<int64_t>(conv.geometry.end(end - 1), from, len);
  const float* x = static_cast<const float*>(conv.x.data) + (item * len + from) * in;
  const auto *a = static_cast<const float*>(conv.snake.a.data), *inv_b = static_cast<const float*>(conv.snake.inv_b.data);
  // A kernel of one tap reads the rows as they are.
  const bool direct = to - from == end - begin && conv.geometry.taps == 1 && conv.geometry.stride == 1;
  std::byte* rows = direct ? slot.laid : slot.snaked;
  for (int64_t row = 0; row < to - from; ++row) convert_snake(x + row * in, a, inv_b, rows + row * row_bytes, type, conv.weight.dtype, in);
  if (!direct) lay_taps({rows, from, to, row_bytes}, conv.geometry, begin, end, slot.laid);
}

// finish(item, tile) gets every tile of the product, rows counted from 0 in the item.
template <class Finish>
void convolve(Context& ctx, const Convolution& conv, const Finish& finish) {
  const CpuWeight& weight = conv.weight;
  const DType type = weight.compute();
  const int64_t items = conv.x.shape[0];
  if (items == 0 || conv.num_rows <= 0) return;
  const int64_t rows = tile_rows(conv.num_rows, weight.depth * int64_t(size_of(type)));
  const int64_t row_tiles = (conv.num_rows + rows - 1) / rows, last_rows = conv.num_rows - (row_tiles - 1) * rows;
  const int64_t column_tiles = weight.num_tiles();
  // Where rows are few, columns are shared out too; every task then lays its rows for itself.
  const int64_t wanted_groups = (kWantedTasks + items * row_tiles - 1) / (items * row_tiles);
  const int64_t group = (column_tiles + wanted_groups - 1) / wanted_groups, groups = (column_tiles + group - 1) / group;

  const auto product = [&](int64_t m, int64_t tile) { return product_for(m, weight.tile_columns(tile), weight.depth, type); };
  const std::shared_ptr<const Product> products[2][2] = {{product(rows, 0), product(rows, column_tiles - 1)},
                                                         {product(last_rows, 0), product(last_rows, column_tiles - 1)}};
  int64_t scratch_bytes = 0;
  for (const auto& of_rows : products)
    for (const auto& one : of_rows) scratch_bytes = std::max(scratch_bytes, one->scratch_bytes());
  const Arena::Scope scope(ctx.arena());
  ScratchSlots slots(ctx, Slot(nullptr, conv, rows, scratch_bytes).bytes);
  if (ctx.planning()) return;

  ctx.parallel().run(items * row_tiles * groups, [&](int64_t task) {
    const int64_t item = task / groups / row_tiles, row_tile = task / groups % row_tiles;
    const int64_t begin = row_tile * rows, end = std::min(conv.num_rows, begin + rows);
    const ScratchSlots::Lease lease(slots);
    const Slot slot(lease.data(), conv, rows, scratch_bytes);
    lay_rows(conv, item, conv.first_row + begin, conv.first_row + end, slot);
    for (int64_t t = task % groups * group; t < std::min(column_tiles, (task % groups + 1) * group); ++t) {
      const void* b = weight.tile(t);
      if (weight.widens()) {
        convert(b, weight.dtype, slot.widened, type, type, weight.tile_numel(t));
        b = slot.widened;
      }
      products[row_tile == row_tiles - 1][t == column_tiles - 1]->run(slot.laid, b, slot.c, slot.scratch);
      const int64_t columns = weight.tile_columns(t);
      finish(item, Tile{.c = slot.c, .c_stride = columns, .row = begin, .rows = end - begin,
                        .column = t * CpuWeight::kTileColumns, .columns = columns});
    }
  });
}

}  // namespace

void snake(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake) {
  if (ctx.planning()) return;
  const int64_t cols = x.cols();
  const auto *a = static_cast<const float*>(snake.a.data), *inv_b = static_cast<const float*>(snake.inv_b.data);
  parallel_blocks(ctx.parallel(), x.rows(), 32, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      convert_snake(x.as<float>() + row * cols, a, inv_b, y.as<float>() + row * cols, DType::f32, DType::f32, cols);
  });
}

void snake_conv1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& packed,
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual) {
  const CpuWeight& weight = cpu_weight(packed);
  const int64_t len = y.shape[1], out = weight.out;
  const TapGeometry taps{.taps = weight.taps, .stride = geometry.stride, .dilation = geometry.dilation, .offset = geometry.offset};
  convolve(ctx, {x, snake, weight, taps, 0, len}, [&](int64_t item, const Tile& tile) {
    RowFinish finish{.y = static_cast<float*>(y.data) + item * len * out, .y_stride = out, .bias = static_cast<const float*>(bias.data)};
    if (residual) finish.residual = static_cast<const float*>(residual.data) + item * len * out;
    finish_rows(tile, finish);
  });
}

void snake_conv_transpose1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& packed,
                            const ConvGeometry& geometry, const Tensor& bias) {
  const CpuWeight& weight = cpu_weight(packed);
  const int64_t len = y.shape[1], out = weight.out, stride = geometry.stride, width = stride * out;
  if (len == 0) return;
  const auto floor_div = [](int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); };
  const int64_t first = floor_div(geometry.offset, stride), end = floor_div(len - 1 + geometry.offset, stride) + 1;

  const Arena::Scope scope(ctx.arena());
  const Tensor biases = ctx.f32({width});  // one per column of the product
  if (!ctx.planning())
    for (int64_t p = 0; p < stride; ++p)
      for (int64_t o = 0; o < out; ++o) biases.as<float>()[p * out + o] = bias ? bias.as<float>()[o] : 0.0f;

  // Row q, all phases, is `width` neighbours in y that begin q·width − offset·out into the item; the first and the
  // last row may stick out.
  convolve(ctx, {x, snake, weight, {.taps = 2, .offset = 1}, first, end - first}, [&](int64_t item, const Tile& tile) {
    const int64_t shift = (first * stride - geometry.offset) * out;  // of row 0, column 0
    const RowFinish finish{.y = static_cast<float*>(y.data) + item * len * out + shift, .y_stride = width, .bias = biases.as<float>()};
    const auto columns_inside = [&](int64_t row) {
      const int64_t start = shift + row * width + tile.column;
      return std::pair(std::clamp<int64_t>(-start, 0, tile.columns), std::clamp<int64_t>(len * out - start, 0, tile.columns));
    };
    const auto finish_part = [&](int64_t row, int64_t count, int64_t from, int64_t to) {
      if (from >= to) return;
      finish_rows(Tile{.c = tile.c + (row - tile.row) * tile.c_stride + from, .c_stride = tile.c_stride, .row = row, .rows = count,
                       .column = tile.column + from, .columns = to - from},
                  finish);
    };
    int64_t begin = tile.row, end = tile.row + tile.rows;  // rows that lie wholly inside
    for (; begin < end && columns_inside(begin).first > 0; ++begin) {
      const auto [from, to] = columns_inside(begin);
      finish_part(begin, 1, from, to);
    }
    for (; end > begin && columns_inside(end - 1).second < tile.columns; --end) {
      const auto [from, to] = columns_inside(end - 1);
      finish_part(end - 1, 1, from, to);
    }
    finish_part(begin, end - begin, 0, tile.columns);
  });
}

}  // namespace ts::cpu
