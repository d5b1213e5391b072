// The operators that this backend has of its own, under the names and of the types of the contracts in ops/*.h.
#pragma once

#include "ops/table.h"

namespace ts::cpu {

decltype(ops::linear) linear;
decltype(ops::gated_linear) gated_linear;
decltype(ops::qkv_projection) qkv_projection;

decltype(ops::attention) attention;
decltype(ops::divided_attention) divided_attention;

decltype(ops::layer_norm) layer_norm;
decltype(ops::layer_norm_modulate) layer_norm_modulate;
decltype(ops::rms_norm) rms_norm;

decltype(ops::add) add;
decltype(ops::multiply_add) multiply_add;
decltype(ops::activate) activate;

decltype(ops::copy_block) copy_block;
decltype(ops::gather_rows) gather_rows;
decltype(ops::embed) embed;

decltype(ops::snake) snake;
decltype(ops::snake_conv1d) snake_conv1d;
decltype(ops::snake_conv_transpose1d) snake_conv_transpose1d;

decltype(ops::depthwise_conv_norm) depthwise_conv_norm;

decltype(ops::resize) resize;

}  // namespace ts::cpu
