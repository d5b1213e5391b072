#include "json_text.h"

namespace ts::test {

nlohmann::json parsed(std::string_view text) { return nlohmann::json::parse(text); }

}  // namespace ts::test
