// The matrix product under every linear layer and convolution of the CUDA backend.
//
//   sum[r, c] = Σ_j Σ_i x[row(r, j), i] · w[c, j·C + i]          j over taps, i over channels
//   row(r, j) = m·stride + j·dilation + first  of item r div rows_per_item,  m = r mod rows_per_item;  zeros beyond [0, len_in)
//
// and what becomes of the sums: Finish. Several kernels compute it; product_plan.h says which, in tiles of which size.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/cuda/divider.h"
#include "ops/cuda/packed_weight.h"
#include "ops/linear.h"
#include "ops/snake.h"

namespace ts::cuda {

// Which rows of x a row of the product reads. All counts fit 31 bits.
struct ProductRows {
  int32_t items = 0, len_in = 0;  // x [items, len_in, in]
  int32_t rows_per_item = 0;
  int32_t taps = 1, stride = 1, dilation = 1, first = 0;
  int32_t count() const { return items * rows_per_item; }
};

// Of e4m3, x stands for x_scale[row(r, j)]·x. That a sum keeps more than what tensor cores keep of sums of 8 bits, it is made of
// those of one step each, which are multiplied by the scale of the row and added in f32.
//
// From sums to outputs. Row r belongs to item r div rows_per_item, m is its place there. Where columns have scales, sums are first
// multiplied by them.
//
//   rows     y[item·y_item + y_first + m·y_stride + c] = residual[there] + gate[c] · act(sum[r, c] + bias[c mod bias_period]),
//            for places y_first + m·y_stride + c within [0, y_item): polyphase convolutions stick out at both ends; y absent =
//            not stored. snaked[there] = snake of it
//   gated    y[r·y_stride + o] = act(sum of W1) · (sum of W3), columns as gated_row says
//   qkv      y[which][((item·heads + head)·rows_per_item + m)·head_dim + d] of column (which·heads + head)·head_dim + d, after
//            bias, RMS norm over the head and rotation
struct Finish {
  enum class Kind : uint8_t { rows, gated, qkv };
  Kind kind = Kind::rows;
  // What the published networks' products are in bf16, with everything about it decided before the kernel starts (finish_form.h).
  enum class Form : uint8_t { general, rows_f32, rows_bf16, snake_bf16, gated_bf16, qkv_bf16 };
  Form form = Form::general;
  DType type = DType::f32; // of y: f32, bf16 or f16
  bool is_vector = false;  // four neighbours may be read and written at once, here and in everything else
  Activation activation = Activation::none;
  int32_t columns = 0;     // of sums; of outputs when gated
  Divider rows_per_item;
  void* y[3] = {};
  int64_t y_item = 0, y_first = 0, y_stride = 0;
  int32_t y_end = 0;       // of every form but general and qkv: row r lies at y_first + r·y_stride, where that is in [0, y_end)
  const float* scale = nullptr;       // of each column of sums: of 8-bit weights, or null
  const float* bias = nullptr;
  Divider bias_period;
  const float* gate = nullptr;        // of item 0, row 0
  int64_t gate_item = 0, gate_row = 0;  // elements from one item, one row to the next
  const int32_t* gate_rows = nullptr;   // which row each row r takes, instead of its own
  const float* residual = nullptr;
  void* snaked = nullptr;
  const float *snake_a = nullptr, *snake_inv_b = nullptr;  // per column mod bias_period
  DType snaked_type = DType::f32;
  int32_t heads = 0;
  Divider head_dim, width;            // width = heads·head_dim
  const float* norm[3] = {};
  float eps = 0;
  const float* rope = nullptr;
};

// What a kernel is given. x and w share one dtype, unless w has integers of 8 bits; rows of x are `x_stride` elements apart, `channels` of them count.
struct Product {
  const void *x = nullptr, *w = nullptr;
  const float* x_scale = nullptr;  // of each row of x: of e4m3 alone
  int64_t x_stride = 0, depth = 0;
  int32_t channels = 0;          // of x; the rest of a tap in w is zeros
  int32_t steps_per_tap = 0;     // padded channels over the kernels' step
  int32_t columns = 0;           // rows of w
  int32_t num_rows = 0;
  ProductRows rows;
  Divider rows_per_item;
  int32_t row_tiles = 0, column_tiles = 0, splits = 1;
  bool rows_first = true;        // which tiles follow each other
  float* partial = nullptr;      // splits > 1, not of wgmma: f32 [splits, num_rows, partial_stride]
  int64_t partial_stride = 0;
  Finish finish;
};

// The product of x [items, len_in, in] f32 or the weight's dtype, after snake where there is one. `finish` says the rest.
// Takes scratch from the arena; does nothing else while planning.
void product(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight, const ProductRows& rows, Finish finish);

}  // namespace ts::cuda
