#include "text/synthetic_tokenizer.h"

#include <doctest/doctest.h>

namespace ts {

TEST_CASE("synthetic tokenizer: one id a word, inside the vocabulary, closed and padded") {
  const SyntheticTokenizer tokenizer(100, {.begin = 98, .end = 99, .pad = 99});
  const Tokens tokens = tokenizer.encode("  rain  on a tin roof ", 10);
  REQUIRE(tokens.ids.size() == 10);
  CHECK(tokens.num_tokens == 7);
  CHECK(tokens.kept_bytes == 22);
  CHECK(tokens.ids[0] == 98);
  CHECK(tokens.ids[6] == 99);
  for (int32_t id : tokens.ids) {
    CHECK(id >= 0);
    CHECK(id < 100);
  }
  CHECK(tokens.ids == tokenizer.encode("rain on a tin roof", 10).ids);
}

TEST_CASE("synthetic tokenizer: a long text is cut between words, and says where") {
  const SyntheticTokenizer tokenizer(1000, {.begin = -1, .end = 1, .pad = 0});
  const Tokens tokens = tokenizer.encode("one two three four", 3);
  CHECK(tokens.num_tokens == 5);
  CHECK(tokens.kept_bytes == 7);
  CHECK(tokens.ids.back() == 1);
  CHECK(tokenizer.encode("", 3).ids == std::vector<int32_t>{1, 0, 0});
  CHECK(SyntheticTokenizer(1, {-1, 0, 0}).encode("word", 4).ids == std::vector<int32_t>(4, 0));
}

}  // namespace ts
