// The matrix product under every linear layer and convolution of the plain backend.
//
//   out[i, :] = Σ_j  W_j · rows(i, j)          j over some taps of the kernel, rows(i, j) f32 [in] or null = zeros
//
// Weights lie in panels of kPanel outputs, [panel][tap][in][kPanel], so that one output's sum runs over (tap, input)
// in order while the compiler vectorises across the panel. kRows rows share each load of the weight.
// Cost     2·rows·taps·in·out flop; a block of kRowsPerTask rows reads the weight once.
#pragma once

#include <algorithm>
#include <vector>

#include "core/parallel.h"
#include "ops/context.h"
#include "ops/packed_weight.h"

namespace ts::plain {

constexpr int64_t kPanel = 8, kRows = 4, kRowsPerTask = 32, kPanelsPerTask = 16;

// In a gated pair every panel of w1 is followed by w3's panel of the same outputs.
struct PlainWeight final : PackedWeight {
  std::vector<float> wide;    // dtype f32
  std::vector<bf16> narrow;   // dtype bf16
  std::vector<f16> half;      // dtype f16
  std::vector<int8_t> bytes8;  // format int8, whatever the dtype,
  std::vector<float> scales;   // with [panel][kPanel] of each matrix, as the panels follow each other
  std::vector<float> zeros;   // one input row, for what lies beyond the ends
  int64_t bytes() const override {
    return int64_t((wide.size() + scales.size()) * sizeof(float) + narrow.size() * sizeof(bf16) + half.size() * sizeof(f16) + bytes8.size());
  }
};

inline const PlainWeight& plain_weight(const PackedWeight& weight) { return static_cast<const PlainWeight&>(weight); }

// x as the product reads it: f32 storage holding values of the weight's dtype. Takes scratch only when it must convert.
Tensor product_input(Context& ctx, const Tensor& x, const PackedWeight& weight);

// Sums of kRows rows and one panel.
struct Tile {
  float sum[kRows][kPanel];
};

// Written so that gcc -O2 keeps the sums in vector registers: own copies, which no pointer can alias, and one short loop
// of fixed length per row.
template <class W>
void accumulate(Tile& tile, const W* weight, const float* const (&rows)[kRows], int64_t in) {
  static_assert(kRows == 4);
  const float *x0 = rows[0], *x1 = rows[1], *x2 = rows[2], *x3 = rows[3];
  Tile local = tile;
  for (int64_t k = 0; k < in; ++k, weight += kPanel) {
    float w[kPanel];
    for (int64_t o = 0; o < kPanel; ++o) w[o] = to_float(weight[o]);
    for (int64_t o = 0; o < kPanel; ++o) local.sum[0][o] += x0[k] * w[o];
    for (int64_t o = 0; o < kPanel; ++o) local.sum[1][o] += x1[k] * w[o];
    for (int64_t o = 0; o < kPanel; ++o) local.sum[2][o] += x2[k] * w[o];
    for (int64_t o = 0; o < kPanel; ++o) local.sum[3][o] += x3[k] * w[o];
  }
  tile = local;
}

// store(i, first, sums, gated_sums) is called once for each of `num_rows` rows and each panel: the sums of the outputs
// first … first + kPanel, some of which may lie beyond the last; gated_sums are W3's, zeros for a single matrix.
template <class RowOf, class Store>
void product(Parallel& parallel, int64_t num_rows, const PlainWeight& weight, const std::vector<int64_t>& taps,
             const RowOf& row_of, const Store& store) {
  const int64_t num_panels = (weight.out + kPanel - 1) / kPanel, matrices = weight.gated ? 2 : 1;
  const int64_t row_blocks = (num_rows + kRowsPerTask - 1) / kRowsPerTask;
  const int64_t panel_blocks = (num_panels + kPanelsPerTask - 1) / kPanelsPerTask;
  parallel.run(row_blocks * panel_blocks, [&](int64_t task) {
    const int64_t row_begin = task / panel_blocks * kRowsPerTask, row_end = std::min(num_rows, row_begin + kRowsPerTask);
    const int64_t panel_begin = task % panel_blocks * kPanelsPerTask, panel_end = std::min(num_panels, panel_begin + kPanelsPerTask);
    for (int64_t panel = panel_begin; panel < panel_end; ++panel)
      for (int64_t i = row_begin; i < row_end; i += kRows) {
        Tile tiles[2] = {};
        for (int64_t tap : taps) {
          const float* rows[kRows];
          for (int64_t r = 0; r < kRows; ++r) {
            const float* row = i + r < row_end ? row_of(i + r, tap) : nullptr;
            rows[r] = row ? row : weight.zeros.data();
          }
          for (int64_t matrix = 0; matrix < matrices; ++matrix) {
            const int64_t offset = ((panel * matrices + matrix) * weight.taps + tap) * weight.in * kPanel;
            if (weight.format == WeightFormat::int8) accumulate(tiles[matrix], weight.bytes8.data() + offset, rows, weight.in);
            else if (weight.dtype == DType::bf16) accumulate(tiles[matrix], weight.narrow.data() + offset, rows, weight.in);
            else if (weight.dtype == DType::f16) accumulate(tiles[matrix], weight.half.data() + offset, rows, weight.in);
            else accumulate(tiles[matrix], weight.wide.data() + offset, rows, weight.in);
          }
        }
        if (weight.format == WeightFormat::int8)
          for (int64_t matrix = 0; matrix < matrices; ++matrix)
            for (auto& sums : tiles[matrix].sum)
              for (int64_t o = 0; o < kPanel; ++o) sums[o] *= weight.scales[size_t((panel * matrices + matrix) * kPanel + o)];
        for (int64_t r = 0; r < kRows && i + r < row_end; ++r) store(i + r, panel * kPanel, tiles[0].sum[r], tiles[1].sum[r]);
      }
  });
}

}  // namespace ts::plain
