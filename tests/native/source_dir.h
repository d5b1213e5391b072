// Where the tree with the tests' files is: that of the build, unless THINKSOUND_SOURCE names another, as on a machine to
// which the tests were carried.
#pragma once

#include <cstdlib>
#include <string>

namespace ts::test {

inline std::string source_dir() {
  const char* set = std::getenv("THINKSOUND_SOURCE");
  return set && *set ? set : TS_TEST_SOURCE_DIR;
}

}  // namespace ts::test
