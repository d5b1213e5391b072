// The CUDA backend computes attention in several ways, chosen by card and shape; tests walk through all of them.
#pragma once

#include <cstdlib>
#include <string_view>
#include <vector>

#include "ops/table.h"

namespace ts::test {

// Asks for one way as long as it lives (native/ops/cuda/attention_paths.h); "" leaves the choice to the backend.
class AttentionWay {
 public:
  explicit AttentionWay(const char* way) { setenv(kVariable, way, 1); }
  ~AttentionWay() { unsetenv(kVariable); }
  AttentionWay(const AttentionWay&) = delete;
  AttentionWay& operator=(const AttentionWay&) = delete;

 private:
  static constexpr const char* kVariable = "THINKSOUND_CUDA_ATTENTION";
};

// Where a way does not take a case, the next simpler one does.
inline std::vector<const char*> attention_ways(const OperatorTable& table) {
  if (!std::string_view(table.name).starts_with("cuda")) return {""};
  return {"simt", "mma", "wgmma"};
}

}  // namespace ts::test
