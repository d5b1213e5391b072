// Columns into panels: the transposition at the bottom of packed weights and packed keys.
#pragma once

#include <cstdint>

namespace ts::cpu {

// Columns of one panel (product.h), `count` ≤ 64, given as rows of `words` 32-bit words (a float, or a pair of bf16),
// `step` words apart: word i of every row goes to row i of the panel. Columns beyond `count` stay as they are.
void transpose_into_panel(const int32_t* columns, int64_t step, int64_t count, int64_t words, int32_t* panel);

}  // namespace ts::cpu
