// Products of rows with packed weights:   y = residual + gate ⊙ act(x·Wᵀ + bias),   and the two fused kin. product.h has
// the kernels.
#include "ops/cuda/cuda.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/packed_weight.h"
#include "ops/cuda/product.h"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

const float* floats(const Tensor& tensor) { return static_cast<const float*>(tensor.data); }

// Rows n + j − (taps − 1) div 2 of an item of x [B, N, in].
ProductRows neighbours(const Tensor& x, const PackedWeight& weight, int64_t len_out) {
  return {.items = int32_t(x.shape[0]), .len_in = int32_t(x.shape[1]), .rows_per_item = int32_t(len_out), .taps = int32_t(weight.taps),
          .first = -int32_t((weight.taps - 1) / 2)};
}

// y [B, N, out], each row where it belongs.
Finish finish_into(const Tensor& y, Finish::Kind kind) {
  Finish finish;
  finish.kind = kind;
  finish.type = y.dtype;
  finish.columns = int32_t(y.shape[2]);
  finish.y[0] = y.data;
  finish.y_item = y.shape[1] * y.shape[2];
  finish.y_stride = y.shape[2];
  finish.bias_period = Divider(uint32_t(y.shape[2]));
  return finish;
}

// The widest head whose norm a tile of 64 columns can finish; its columns then lie in a power of two of lanes.
constexpr int64_t kMaxNormedHead = 64;

bool tiles_can_finish(int64_t head_dim, bool has_norm) {
  return head_dim % 4 == 0 && (!has_norm || (head_dim <= kMaxNormedHead && (head_dim & (head_dim - 1)) == 0));
}

}  // namespace

void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& packed, const Epilogue& epilogue) {
  if (y.numel() == 0) return;
  Finish finish = finish_into(y, Finish::Kind::rows);
  finish.bias = floats(epilogue.bias);
  finish.activation = epilogue.activation;
  finish.residual = floats(epilogue.residual);
  if (const Chunk& gate = epilogue.gate) {
    const int64_t len = gate.table.shape[1], cols = gate.table.shape[2];
    finish.gate = floats(gate.table) + gate.index * gate.width;
    finish.gate_item = len * cols;
    finish.gate_row = len == 1 && !gate.rows ? 0 : cols;
    finish.gate_rows = gate.rows ? gate.rows.as<int32_t>() : nullptr;
  }
  product(ctx, x, {}, cuda_weight(packed), neighbours(x, packed, y.shape[1]), finish);
}

void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& packed, Activation activation) {
  if (y.numel() == 0) return;
  Finish finish = finish_into(y, Finish::Kind::gated);
  finish.activation = activation;
  product(ctx, x, {}, cuda_weight(packed), neighbours(x, packed, y.shape[1]), finish);
}

void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& packed, const QkvOptions& options) {
  if (qkv.q.numel() == 0) return;
  const int64_t heads = qkv.q.shape[1], head_dim = qkv.q.shape[3];
  Finish finish;
  finish.kind = Finish::Kind::qkv;
  finish.type = qkv.q.dtype;
  finish.columns = int32_t(packed.out);
  finish.rows_per_item = Divider(uint32_t(x.shape[1]));
  finish.y[0] = qkv.q.data;
  finish.y[1] = qkv.k.data;
  finish.y[2] = qkv.v.data;
  finish.bias = floats(options.bias);
  finish.bias_period = Divider(uint32_t(packed.out));
  finish.heads = int32_t(heads);
  finish.head_dim = Divider(uint32_t(head_dim));
  finish.width = Divider(uint32_t(heads * head_dim));
  finish.norm[0] = floats(options.q_norm);
  finish.norm[1] = floats(options.k_norm);
  finish.eps = options.eps;
  finish.rope = floats(options.rope);
  if (tiles_can_finish(head_dim, bool(options.q_norm))) return product(ctx, x, {}, cuda_weight(packed), neighbours(x, packed, x.shape[1]), finish);

  const Arena::Scope scope(ctx.arena());
  const Tensor sums = ctx.f32({x.shape[0], x.shape[1], packed.out});
  linear(ctx, sums, x, packed, {.bias = options.bias});
  if (!ctx.planning()) qkv_finish(stream(ctx), floats(sums), packed.out, int32_t(x.rows()), finish);
}

}  // namespace ts::cuda
