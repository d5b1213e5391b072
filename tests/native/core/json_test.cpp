#include "core/json.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ts;

namespace {

std::string refusal(std::string_view text) {
  try {
    parse_json(text, "folder/bundle.json", TS_BAD_BUNDLE);
  } catch (const Error& error) {
    CHECK(error.status() == TS_BAD_BUNDLE);
    return error.what();
  }
  return "accepted";
}

template <class Read>
std::string fault(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("json: reads what JSON is") {
  const auto json = parse_json(R"( {"a": [1, -2, 2.5, true, null, "é\u00e9"], "b": {"c": {}}, "": []} )", "x", TS_IO_ERROR);
  CHECK(json["a"].size() == 6);
  CHECK(json["a"][0].is_number_unsigned());
  CHECK(json["a"][1] == -2);
  CHECK(json["a"][5] == "éé");
  CHECK(json["b"]["c"].empty());
  CHECK(parse_json("18446744073709551615", "x", TS_IO_ERROR).get<uint64_t>() == ~uint64_t(0));
  CHECK(parse_json("[[],[[]],{}]", "x", TS_IO_ERROR).dump() == "[[],[[]],{}]");
}

TEST_CASE("json: refuses with origin and position what is not JSON") {
  CHECK(contains(refusal("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}"), "folder/bundle.json: line 3, column 5: duplicate key \"a\""));
  CHECK(contains(refusal("{\"a\": {\"b\": 1, \"c\": {\"x\":0,\"x\":0}}}"), "duplicate key \"x\""));
  CHECK(contains(refusal("{\"a\": 1} x"), "line 1, column 10"));
  CHECK(contains(refusal("{\"a\": 1}{}"), "folder/bundle.json"));
  for (const char* text : {"", " ", "{", "[1,]", "{\"a\"}", "nul", "1e999", "-", "\"", "\"\\u12\"", "\"\\ud800\"",
                           "// comment\n1", "{'a':1}", "[1 2]", "01", "NaN", "\x00"})
    CHECK_MESSAGE(refusal(text) != "accepted", text);
  CHECK(contains(refusal(std::string_view("1\0", 2)), "line 1, column 2: a zero byte"));
  CHECK(contains(refusal(std::string_view("[\0]", 3)), "a zero byte"));
}

TEST_CASE("json: refuses bytes that are not UTF-8, in keys and values, without repeating them") {
  for (std::string bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\x80"}) {
    for (const std::string& text : {"[\"" + bad + "\"]", "{\"" + bad + "\": 1}"}) {
      const std::string message = refusal(text);
      CHECK(message != "accepted");
      for (char c : message) CHECK(static_cast<unsigned char>(c) < 0x80);
    }
  }
}

TEST_CASE("json: 64 levels are read, 65 refused, a million cost nothing") {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(refusal(nested(64)) == "accepted");
  CHECK(contains(refusal(nested(65)), "64 levels"));
  CHECK(contains(refusal(std::string(1000000, '[')), "64 levels"));
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  CHECK(contains(refusal(objects), "64 levels"));
}

TEST_CASE("json: names are quoted in messages without control characters and within reason") {
  CHECK(in_quotes("a\nb\x7f") == "\"a?b?\"");
  const std::string cut = in_quotes(std::string(99, 'x') + "éé");
  CHECK(cut == "\"" + std::string(99, 'x') + "…\"");
  CHECK(in_quotes(std::string(100, 'x')).size() == 102);
}

TEST_CASE("json: fields are read within their limits, and messages begin with their place") {
  const auto json = parse_json(
      R"({"n": 16, "f": 16.0, "h": 0.5, "big": 18446744073709551615, "s": "euler", "b": true, "none": null,
          "list": [1, 2, 70], "names": ["a", "b"], "inner": {"x": "y"}, "parts": [{"k": 1}, {}]})",
      "config.json", TS_BAD_BUNDLE);
  const JsonObject config(json, "mmdit config");
  CHECK(config.get_int("n", 1, 16) == 16);
  CHECK(config.get_int("f", 1, 16) == 16);
  CHECK(config.get_int("absent", 1, 16, 3) == 3);
  CHECK(config.get_int("none", 1, 16, 3) == 3);
  CHECK(config.get_number("h", 0, 1) == 0.5);
  CHECK(config.get_number("n", 0, 100, 1) == 16);
  CHECK(config.get_bool("b", false));
  CHECK_FALSE(config.get_bool("absent", false));
  CHECK(config.get_string("s") == "euler");
  CHECK(config.get_choice("s", {"euler", "rk4"}, "rk4") == "euler");
  CHECK(config.get_choice("absent", {"euler", "rk4"}, "rk4") == "rk4");
  CHECK(config.get_ints("list", 0, 100, 1, 3) == std::vector<int64_t>{1, 2, 70});
  CHECK(config.get_strings("names") == std::vector<std::string>{"a", "b"});
  CHECK(config.get_strings("absent").empty());
  CHECK(config.get_objects("parts").size() == 2);

  CHECK(fault([&] { config.get_int("absent", 1, 2); }) == "mmdit config: absent is missing");
  CHECK(fault([&] { config.get_int("n", 1, 15); }) == "mmdit config: n is 16, allowed 1 to 15");
  CHECK(contains(fault([&] { config.get_int("big", 0, 15); }), "18446744073709551615"));
  CHECK(contains(fault([&] { config.get_int("h", 0, 15); }), "whole number"));
  CHECK(contains(fault([&] { config.get_int("s", 0, 15); }), "is string"));
  CHECK(contains(fault([&] { config.get_number("n", 0, 1); }), "allowed 0 to 1"));
  CHECK(contains(fault([&] { config.get_bool("n"); }), "true or false"));
  CHECK(contains(fault([&] { config.get_string("n"); }), "string"));
  CHECK(fault([&] { config.get_choice("s", {"rk4", "midpoint"}, "rk4"); }) ==
        "mmdit config: s is \"euler\", allowed: rk4, midpoint");
  CHECK(fault([&] { config.get_ints("list", 0, 10, 1, 3); }) == "mmdit config: list[2] is 70, allowed 0 to 10");
  CHECK(contains(fault([&] { config.get_ints("list", 0, 100, 1, 2); }), "3 entries, allowed 1 to 2"));
  CHECK(contains(fault([&] { config.get_strings("list"); }), "list[0] must be a string"));
  CHECK(fault([&] { config.get_object("inner").get_int("x", 0, 1); }) ==
        "mmdit config.inner: x must be a whole number, is string");
  CHECK(fault([&] { config.get_objects("parts")[1].get_int("k", 0, 1); }) == "mmdit config.parts[1]: k is missing");
  CHECK(contains(fault([&] { config.get_object("n"); }), "must be a JSON object, is number"));
  CHECK(fault([&] { config.check(false, "num_heads must divide hidden_dim"); }) ==
        "mmdit config: num_heads must divide hidden_dim");
}
