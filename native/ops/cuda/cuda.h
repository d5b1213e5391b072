// The CUDA operators, under the names of the contracts in ops/*.h. One file each, as in plain/ and cpu/.
#pragma once

#include "ops/table.h"

namespace ts::cuda {

Weight pack_weight(const OperatorTable& table, const Tensor& weight, const PackOptions& options);
Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options);
void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue);
void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, Activation activation);
void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& weight, const QkvOptions& options);

void attention(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options);
void divided_attention(Context& ctx, const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale);

void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps);
void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps);
void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps);

void fill(Context& ctx, const Tensor& y, float value);
void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b);
void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b);
void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation);
void scale_add(Context& ctx, const Tensor& y, float alpha, const Tensor& x, float beta, const Tensor& z);

void copy_block(Context& ctx, const Tensor& y, int64_t row, int64_t col, const Tensor& x);
void gather_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& index);
void embed(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& ids);
void mean_rows(Context& ctx, const Tensor& y, const Tensor& x);
void max_rows(Context& ctx, const Tensor& y, const Tensor& x);
void resample_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& matrix);
void transpose(Context& ctx, const Tensor& y, const Tensor& x);

void snake(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake);
void snake_conv1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual, const SnakedOutput& snaked);
void snake_conv_transpose1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                            const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput& snaked);
void depthwise_conv_norm(Context& ctx, const Tensor& y, const Tensor& x, const DepthwiseNorm& layer, int64_t offset);

void guide(Context& ctx, const Tensor& v, const Tensor& cond, const Tensor& uncond, float cfg_scale, float scale_phi);
void guided_euler_step(Context& ctx, const Tensor& x, const Tensor& cond, const Tensor& uncond, float cfg_scale, float dt);

void resize(Context& ctx, const Tensor& y, const ops::Frames& frames, const ops::ResizeGeometry& geometry, ops::ResizeKind kind);
void normalise(Context& ctx, const Tensor& y, const Tensor& x, ops::Normalisation normalisation);
void patchify(Context& ctx, const Tensor& y, const Tensor& x, int64_t frames_per_patch, int64_t patch);

}  // namespace ts::cuda
