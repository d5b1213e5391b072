#include "ops/cpu/packed_weight.h"

#include <algorithm>
#include <vector>

#include "ops/table.h"

namespace ts::cpu {
namespace {

template <class T> T store_as(float value);
template <> float store_as<float>(float value) { return value; }
template <> bf16 store_as<bf16>(float value) { return to_bf16(value); }

// Writes one column of a tile, its `depth` values in order.
template <class T>
void put_column(T* tile, BLayout layout, DType compute, int64_t depth, int64_t tile_columns, int64_t column, const T* values) {
  if (layout == BLayout::plain) {
    for (int64_t k = 0; k < depth; ++k) tile[k * tile_columns + column] = values[k];
    return;
  }
  const int64_t v = panel_group(compute);
  T* panel = tile + column / kPanelColumns * panel_rows(compute, depth) * kPanelColumns + column % kPanelColumns * v;
  int64_t k = 0;
  for (; k + v <= depth; k += v, panel += kPanelColumns * v)
    for (int64_t i = 0; i < v; ++i) panel[i] = values[k + i];
  for (int64_t i = 0; k + i < depth; ++i) panel[i] = values[k + i];
}

// source(column, values) fills in the `depth` values of a column.
template <class T, class Source>
void fill_tiles(CpuWeight& weight, const Source& source) {
  const BLayout layout = b_layout(weight.compute());
  std::vector<float> wide(size_t(weight.depth));
  std::vector<T> values(size_t(weight.depth));
  for (int64_t t = 0; t < weight.num_tiles(); ++t) {
    T* tile = reinterpret_cast<T*>(const_cast<std::byte*>(weight.tile(t)));
    std::fill_n(tile, weight.tile_numel(t), T{});
    for (int64_t n = 0; n < weight.tile_columns(t); ++n) {
      source(t, n, wide.data());
      std::transform(wide.begin(), wide.end(), values.begin(), store_as<T>);
      put_column(tile, layout, weight.compute(), weight.depth, weight.tile_columns(t), n, values.data());
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
