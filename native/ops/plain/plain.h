// The plain backend: every operator of ops/*.h in clear loops, under the same names and of the same types. The truth that the other backends
// are tested against, and what runs where they are not built.
//
// Accumulation is in f32, in the order of the loops below, and nothing depends on the number of threads.
#pragma once

#include "ops/table.h"

namespace ts::plain {

decltype(ts::pack_weight) pack_weight;
decltype(ts::pack_gated_weight) pack_gated_weight;

decltype(ops::fill) fill;

decltype(ops::linear) linear;
decltype(ops::gated_linear) gated_linear;
decltype(ops::qkv_projection) qkv_projection;

decltype(ops::layer_norm) layer_norm;
decltype(ops::layer_norm_modulate) layer_norm_modulate;
decltype(ops::rms_norm) rms_norm;

decltype(ops::attention) attention;
decltype(ops::divided_attention) divided_attention;

decltype(ops::add) add;
decltype(ops::multiply_add) multiply_add;
decltype(ops::activate) activate;
decltype(ops::scale_add) scale_add;

decltype(ops::copy_block) copy_block;
decltype(ops::gather_rows) gather_rows;
decltype(ops::embed) embed;
decltype(ops::mean_rows) mean_rows;
decltype(ops::max_rows) max_rows;
decltype(ops::resample_rows) resample_rows;
decltype(ops::transpose) transpose;

decltype(ops::snake) snake;
decltype(ops::snake_conv1d) snake_conv1d;
decltype(ops::snake_conv_transpose1d) snake_conv_transpose1d;

decltype(ops::depthwise_conv_norm) depthwise_conv_norm;

decltype(ops::guide) guide;
decltype(ops::guided_euler_step) guided_euler_step;

decltype(ops::resize) resize;
decltype(ops::normalise) normalise;
decltype(ops::patchify) patchify;

}  // namespace ts::plain
