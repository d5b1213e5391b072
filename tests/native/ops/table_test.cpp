#include "ops/table.h"

#include "ops/harness.h"

namespace ts {
namespace {

TEST_CASE("table: every backend fills every entry") {
  TS_FOR_EACH_BACKEND(table) {
    // Behind the name, the id and the flag an OperatorTable is nothing but function pointers.
    const auto* begin = reinterpret_cast<const unsigned char*>(&table.allocate);
    const auto* end = reinterpret_cast<const unsigned char*>(&table + 1);
    REQUIRE((end - begin) % ptrdiff_t(sizeof(void*)) == 0);
    for (const auto* entry = begin; entry < end; entry += sizeof(void*)) {
      void* function = nullptr;
      std::memcpy(&function, entry, sizeof function);
      CHECK_MESSAGE(function != nullptr, "entry " << (entry - begin) / ptrdiff_t(sizeof(void*)) << " is empty");
    }
    CHECK(std::strlen(table.name) > 0);
    CHECK(table.build_id == plain_table().build_id);
  }
}

}  // namespace
}  // namespace ts
