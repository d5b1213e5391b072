#include "ops/cpu/packed_weight.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/cpu/panels.h"
#include "ops/cpu/taps.h"
#include "ops/table.h"

namespace ts::cpu {
namespace {

// Fills the tiles panel by panel. source(tile, column, values) gives the `depth` values of a column, f32.
template <class T, class Source>
void fill_tiles(CpuWeight& weight, const Source& source) {
  const DType compute = weight.compute();
  const int64_t depth = weight.depth, group = panel_group(compute), padded = panel_rows(compute, depth);
  const int64_t step = padded + 64 / int64_t(sizeof(T));  // a line more, or all columns would meet in one set of the cache
  std::vector<float> values(static_cast<size_t>(depth));
  std::vector<T> block(static_cast<size_t>(step * kPanelColumns));  // the columns of one panel, one after the other
  for (int64_t t = 0; t < weight.num_tiles(); ++t) {
    T* tile = reinterpret_cast<T*>(const_cast<std::byte*>(weight.tile(t)));
    std::memset(static_cast<void*>(tile), 0, size_t(weight.tile_bytes(t)));
    const int64_t columns = weight.tile_columns(t);
    for (int64_t first = 0; first < columns; first += kPanelColumns) {
      const int64_t count = std::min(kPanelColumns, columns - first);
      for (int64_t n = 0; n < count; ++n) {
        source(t, first + n, values.data());
        convert(values.data(), DType::f32, block.data() + n * step, weight.dtype, weight.dtype, depth);
      }
      if (b_layout(compute) == BLayout::plain) {
        for (int64_t k = 0; k < depth; ++k)
          for (int64_t n = 0; n < count; ++n) tile[k * columns + first + n] = block[size_t(n * step + k)];
      } else if (group * int64_t(sizeof(T)) == 4) {
        transpose_into_panel(reinterpret_cast<const int32_t*>(block.data()), step / group, count, padded / group,
                             reinterpret_cast<int32_t*>(tile + first * padded));
      } else {  // bf16 in the order of f32, to be widened before the product
        for (int64_t k = 0; k < depth; ++k)
          for (int64_t n = 0; n < count; ++n) tile[first * padded + k * kPanelColumns + n] = block[size_t(n * step + k)];
      }
    }
  }
}

template <class Source>
Weight pack(const OperatorTable& table, std::shared_ptr<CpuWeight> weight, const Source& source) {
  int64_t numel = 0;
  for (int64_t t = 0; t < weight->num_tiles(); ++t) numel += weight->tile_numel(t);
  weight->memory = allocate_buffer(table, weight->dtype, {numel});
  if (weight->dtype == DType::bf16) fill_tiles<bf16>(*weight, source);
  else fill_tiles<float>(*weight, source);
  return weight;
}

// Row o of [out, in, taps] with the taps outside: taps·in values.
void taps_outside(const float* w, int64_t o, int64_t in, int64_t taps, float* values) {
  const float* row = w + o * in * taps;
  for (int64_t j = 0; j < taps; ++j)
    for (int64_t i = 0; i < in; ++i) values[j * in + i] = row[i * taps + j];
}

std::shared_ptr<CpuWeight> describe(const Tensor& w, const PackOptions& options) {
  auto weight = std::make_shared<CpuWeight>();
  const bool transposed = options.use == WeightUse::conv_transpose;
  weight->out = w.shape[transposed ? 1 : 0];
  weight->in = w.shape[transposed ? 0 : 1];
  weight->taps = w.shape.rank() == 3 ? w.shape[2] : 1;
  weight->dtype = options.dtype;
  weight->stride = transposed ? options.stride : 1;
  weight->depth = (transposed ? 2 : weight->taps) * weight->in;
  weight->columns = weight->stride * weight->out;
  return weight;
}

}  // namespace

const CpuWeight& cpu_weight(const PackedWeight& weight) {
  const auto* mine = dynamic_cast<const CpuWeight*>(&weight);
  require(mine, "a weight packed by another backend was given to the CPU's");
  return *mine;
}

Weight pack_weight(const OperatorTable& table, const Tensor& source, const PackOptions& options) {
  const auto weight = describe(source, options);
  const float* w = source.as<const float>();
  const int64_t in = weight->in, out = weight->out, taps = weight->taps, stride = weight->stride;
  if (options.use == WeightUse::conv_transpose) {
    return pack(table, weight, [=](int64_t tile, int64_t n, float* values) {
      const int64_t column = tile * CpuWeight::kTileColumns + n, p = column / out, o = column % out;
      for (int64_t i = 0; i < in; ++i) {
        const float* kernel = w + (i * out + o) * taps;
        values[i] = kernel[p + stride];
        values[in + i] = kernel[p];
      }
    });
  }
  return pack(table, weight, [=](int64_t tile, int64_t n, float* values) {
    taps_outside(w, tile * CpuWeight::kTileColumns + n, in, taps, values);
  });
}

Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options) {
  const auto weight = describe(w1, options);
  weight->gated = true;
  weight->columns = 2 * weight->out;
  const float *a = w1.as<const float>(), *b = w3.as<const float>();
  const int64_t in = weight->in, out = weight->out, taps = weight->taps;
  return pack(table, weight, [=](int64_t tile, int64_t n, float* values) {
    constexpr int64_t kHalf = CpuWeight::kTileColumns / 2;
    const int64_t first = tile * kHalf, half = std::min(kHalf, out - first);
    taps_outside(n < half ? a : b, first + n % half, in, taps, values);
  });
}

}  // namespace ts::cpu
