// The VAE's convolutions as products over rows of taps:   y = residual + conv(snake(x)) + bias.
//
// Laying    the input rows of a tile go through the snake once, into the product's type; with the taps copied side by
//           side any kernel, stride and dilation becomes one dense product. A value that is copied k times takes part
//           in 2·out flop each time, so the copies cost little.
// Tasks     where rows are many a task lays a tile of rows in its own cache and multiplies it with the whole weight; x
//           is read once, y written once. Where they are few (the first levels of the decoder, whose weights are the
//           largest) all rows are laid first and the tasks share out columns too.
// A transposed convolution is the same over pairs of rows [x[q − 1] | x[q]]: see packed_weight.h.
#include "ops/cpu/cpu.h"
#include "ops/cpu/taps.h"
#include "ops/cpu/tile_products.h"

namespace ts::cpu {
namespace {

constexpr int64_t kLaidBytes = 512 << 10, kMinTileRows = 64, kMaxTileRows = 256, kWantedTasks = 16;
constexpr int64_t kRowsPerBlock = 32;

struct Convolution {
  const Tensor& x;
  const Snake& snake;
  const CpuWeight& weight;
  TapGeometry geometry;
  int64_t first_row, num_rows;  // rows of the product in every item

  int64_t element() const { return int64_t(size_of(weight.compute())); }
  int64_t laid_row_bytes() const { return weight.depth * element(); }
  // Working memory of lay() for that many rows.
  int64_t snaked_bytes(int64_t rows) const { return (geometry.end(rows - 1) - geometry.first(0)) * weight.in * element(); }

  // Product rows [begin, end) of an item, counted from first_row.
  void lay(int64_t item, int64_t begin, int64_t end, std::byte* snaked, std::byte* laid) const {
    const int64_t in = weight.in, len = x.shape[1], row_bytes = in * element();
    begin += first_row;
    end += first_row;
    const int64_t from = std::clamp<int64_t>(geometry.first(begin), 0, len), to = std::clamp<int64_t>(geometry.end(end - 1), from, len);
    // A kernel of one tap reads the rows as they are.
    const bool direct = to - from == end - begin && geometry.taps == 1 && geometry.stride == 1;
    std::byte* rows = direct ? laid : snaked;
    const float* source = static_cast<const float*>(x.data) + (item * len + from) * in;
    const auto *a = static_cast<const float*>(snake.a.data), *inv_b = static_cast<const float*>(snake.inv_b.data);
    for (int64_t row = 0; row < to - from; ++row)
      convert_snake(source + row * in, a, inv_b, rows + row * row_bytes, weight.compute(), weight.dtype, in);
    if (!direct) lay_taps({rows, from, to, row_bytes}, geometry, begin, end, laid);
  }
};

// All rows of an item first, then all tiles.
template <class Finish>
void convolve_whole(Context& ctx, const Convolution& conv, int64_t item, const Finish& finish) {
  const Arena::Scope scope(ctx.arena());
  const Tensor laid = ctx.arena().allocate(conv.weight.compute(), {conv.num_rows, conv.weight.depth});
  {
    const Arena::Scope laying(ctx.arena());
    ScratchSlots slots(ctx, conv.snaked_bytes(std::min(kRowsPerBlock, conv.num_rows)));
    if (!ctx.planning())
      parallel_blocks(ctx.parallel(), conv.num_rows, kRowsPerBlock, [&](int64_t begin, int64_t end) {
        const ScratchSlots::Lease lease(slots);
        conv.lay(item, begin, end, lease.data(), static_cast<std::byte*>(laid.data) + begin * conv.laid_row_bytes());
      });
  }
  multiply(ctx, laid, conv.num_rows, conv.weight, [&](const Tile& tile, float*) { finish(item, tile); });
}

// A tile of rows at a time, from x to y.
template <class Finish>
void convolve_by_rows(Context& ctx, const Convolution& conv, int64_t max_tile_rows, const Finish& finish) {
  const TileProducts products(conv.weight, conv.num_rows, max_tile_rows);
  struct Slot {
    Slot(std::byte* base, const Convolution& conv, const TileProducts& products) {
      Carver carver(base);
      snaked = carver.take<std::byte>(conv.snaked_bytes(products.tile_rows()));
      laid = carver.take<std::byte>(products.tile_rows() * conv.laid_row_bytes());
      product = products.take(carver);
      bytes = carver.used();
    }
    std::byte *snaked, *laid;
    TileProducts::Slot product;
    int64_t bytes;
  };
  const Arena::Scope scope(ctx.arena());
  ScratchSlots slots(ctx, Slot(nullptr, conv, products).bytes);
  if (ctx.planning()) return;
  ctx.parallel().run(conv.x.shape[0] * products.row_tiles(), [&](int64_t task) {
    const int64_t item = task / products.row_tiles(), row_tile = task % products.row_tiles();
    const ScratchSlots::Lease lease(slots);
    const Slot slot(lease.data(), conv, products);
    conv.lay(item, products.begin(row_tile), products.end(row_tile), slot.snaked, slot.laid);
    for (int64_t t = 0; t < products.column_tiles(); ++t) finish(item, products.run(slot.laid, row_tile, t, slot.product));
  });
}

// finish(item, tile) gets every tile of the product, rows counted from first_row.
template <class Finish>
void convolve(Context& ctx, const Convolution& conv, const Finish& finish) {
  if (conv.x.shape[0] == 0 || conv.num_rows <= 0) return;
  const int64_t max_tile_rows = std::clamp(kLaidBytes / conv.laid_row_bytes(), kMinTileRows, kMaxTileRows);
  if (conv.num_rows >= kWantedTasks * max_tile_rows) return convolve_by_rows(ctx, conv, max_tile_rows, finish);
  for (int64_t item = 0; item < conv.x.shape[0]; ++item) convolve_whole(ctx, conv, item, finish);
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
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual, const SnakedOutput&) {
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
                            const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput&) {
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
