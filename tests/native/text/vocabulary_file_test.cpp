#include "text/vocabulary_file.h"

#include <doctest/doctest.h>

#include "core/temp_folder.h"
#include "skip.h"
#include "text/text_files.h"
#include "text/tokenizer.h"

using ts::test::contains;
using ts::test::refusal;

TEST_CASE("vocabulary_file: plain bytes come as they are, whatever is missing is named") {
  const ts::test::TempFolder folder;
  const std::string path = folder.write("a.txt", "one two");
  CHECK(ts::read_vocabulary_file(path) == "one two");
  const std::string missing = folder.file("missing.model");
  CHECK(contains(refusal(TS_NOT_FOUND, [&] { ts::read_vocabulary_file(missing); }), missing));
  CHECK(contains(refusal(TS_NOT_FOUND, [&] { ts::read_vocabulary_file(folder.file("")); }), "is a folder"));
  const std::string empty = folder.write("empty.txt", "");
  CHECK(contains(refusal(TS_BAD_BUNDLE, [&] { ts::read_vocabulary_file(empty); }), "empty"));
}

TEST_CASE("vocabulary_file: a folder stands for the first known file in it") {
  const ts::test::TempFolder folder;
  CHECK(contains(refusal(TS_NOT_FOUND, [&] { ts::load_t5_tokenizer(folder.file("")); }), "spiece.model"));
  CHECK(contains(refusal(TS_NOT_FOUND, [&] { ts::load_clip_tokenizer(folder.file("")); }), "merges.txt"));
  folder.write("b", "x");
  CHECK(contains(ts::find_vocabulary_file(folder.file(""), {"a", "b"}), "/b"));
  CHECK(ts::find_vocabulary_file("not/a/folder", {"a"}) == "not/a/folder");
}

TEST_CASE("vocabulary_file: gzip is unpacked; cut short or damaged it is refused") {
  const std::string path = ts::test::committed("tokenizers/clip/bpe_simple_vocab_16e6.txt.gz");
  const std::string packed = ts::test::read_bytes(path).value();
  std::string text;
  try {
    text = ts::gunzip(packed, "x.gz");
  } catch (const ts::Error& error) {
    REQUIRE(error.status() == TS_UNSUPPORTED);
    CHECK(contains(error.what(), "gunzip"));
    TS_SKIP("this build has no zlib");
  }
  CHECK(text.size() > 3 * packed.size() / 2);
  CHECK(text.starts_with("\"bpe_simple_vocab_16e6.txt#version: 0.2\ni n\n"));
  for (size_t size : {size_t(2), size_t(10), packed.size() / 2, packed.size() - 8, packed.size() - 1})
    CHECK(contains(refusal(TS_BAD_BUNDLE, [&] { ts::gunzip(packed.substr(0, size), "x.gz"); }), "x.gz: damaged gzip"));
  for (size_t at = 3; at < packed.size(); at += packed.size() / 37) {
    std::string damaged = packed;
    damaged[at] ^= 0x10;
    try {
      const bool same = ts::gunzip(damaged, "x.gz") == text;
      CHECK(same);  // a time stamp or a name is no part of the data
    } catch (const ts::Error& error) {
      CHECK(error.status() == TS_BAD_BUNDLE);
    }
  }
}
