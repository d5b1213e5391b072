// A test that cannot run here says so and is counted: a missing file is a visible skip, never a silent pass.
#pragma once

#include <iostream>
#include <string_view>

// Leaves the test case with a line that scripts/test.sh lists and counts; `reason` is anything that can be streamed.
//   if (!golden) TS_SKIP("no golden file " << path);
#define TS_SKIP(reason)                                                                        \
  do {                                                                                         \
    std::string_view ts_skip_file = __FILE__;                                                  \
    ts_skip_file.remove_prefix(ts_skip_file.rfind('/') + 1);                                   \
    std::cout << "SKIPPED: " << ts_skip_file << ':' << __LINE__ << ": " << reason << std::endl; \
    return;                                                                                    \
  } while (false)
