// JSON that a test writes down, parsed in one place: whoever instantiates the parser pays seconds for it.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

namespace ts::test {

nlohmann::json parsed(std::string_view text);

}  // namespace ts::test
