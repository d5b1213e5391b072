#pragma once

#include "ops/table.h"

namespace ts::cpu {

// The plain table with everything replaced that oneDNN and SIMD do better.
const OperatorTable& table();

}  // namespace ts::cpu
