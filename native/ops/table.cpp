#include "ops/table.h"

#ifdef TS_CPU_BACKEND
#include "ops/cpu/table.h"
#endif

namespace ts {

const OperatorTable& cpu_table() {
#ifdef TS_CPU_BACKEND
  return cpu::table();
#else
  return plain_table();
#endif
}

}  // namespace ts
