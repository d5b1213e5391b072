#include "ops/table.h"

#if defined(TS_CPU_BACKEND) && __has_include("ops/cpu/table.h")
#include "ops/cpu/table.h"
#endif

namespace ts {

const OperatorTable& cpu_table() {
#if defined(TS_CPU_BACKEND) && __has_include("ops/cpu/table.h")
  return cpu::table();
#else
  return plain_table();
#endif
}

}  // namespace ts
