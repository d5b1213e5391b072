#include "models/published_names.h"

#include <fstream>
#include <iterator>

#include "json_text.h"
#include "source_dir.h"

namespace ts::test {

PublishedNames::PublishedNames(const std::string& list) {
  std::ifstream file(source_dir() + "/tests/golden/published/" + list + ".json");
  REQUIRE_MESSAGE(file.good(), "no list " << list);
  const nlohmann::json entries = parsed(std::string(std::istreambuf_iterator<char>(file), {}));
  for (const auto& [name, dims] : entries.items()) tensors_[name] = {nullptr, DType::f32, Shape(dims.get<std::vector<int64_t>>())};
}

}  // namespace ts::test
