#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "core/weights.h"
#include "safetensors_bytes.h"
#include "temp_folder.h"

#if defined(__linux__)
#include <sys/stat.h>
#endif

using namespace ts;
using namespace ts::test;

namespace {

struct Refusal {
  ts_status status = TS_OK;
  std::string message = "accepted";
};

Refusal refusal_of_path(const std::string& path) {
  try {
    const SafetensorsFile file(path);
  } catch (const Error& error) {
    return {error.status(), error.what()};
  }
  return {};
}

// Every refusal names the file and says `reason`.
void check_refused(std::string_view bytes, std::string_view reason) {
  const TempFolder folder;
  const Refusal refusal = refusal_of_path(folder.write("damaged.safetensors", bytes));
  CAPTURE(refusal.message);
  CHECK(refusal.status == TS_BAD_WEIGHTS);
  CHECK(refusal.message.find("damaged.safetensors") != std::string::npos);
  CHECK(refusal.message.find(reason) != std::string::npos);
}

constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();

}  // namespace

TEST_CASE("safetensors: reads every supported type, scalars, empty tensors and metadata") {
  const TempFolder folder;
  SafetensorsBuilder builder;
  builder.metadata(R"({"format": "pt", "config": "{\"a\": 1}"})")
      .tensor<double>("f64", "F64", {2}, {1.5, -2.5})
      .tensor<int64_t>("i64", "I64", {1, 2}, {1, -(int64_t(1) << 40)})
      .f32("f32", {2, 1}, {3.5f, -4})
      .tensor<int32_t>("i32", "I32", {1}, {-7})
      .tensor<uint16_t>("f16", "F16", {1}, {0x3C00})
      .tensor<uint16_t>("bf16", "BF16", {1}, {0x3F80})
      .tensor<int16_t>("i16", "I16", {2}, {-1, 1})
      .tensor<uint8_t>("u8", "U8", {3}, {1, 2, 255})
      .tensor<uint8_t>("bool", "BOOL", {1}, {1})
      .raw("empty", "F32", {0, 7}, "");
  const SafetensorsFile file(folder.write("Größe ü.safetensors", builder.bytes()));
  CHECK(file.tensors().size() == 10);
  CHECK(file.unsupported().empty());
  CHECK(file.metadata().at("config") == "{\"a\": 1}");
  CHECK(file.tensors().at("f64").as<double>()[1] == -2.5);
  CHECK(file.tensors().at("i64").as<int64_t>()[1] == -(int64_t(1) << 40));
  CHECK(file.tensors().at("f32").as<float>()[0] == 3.5f);
  CHECK(file.tensors().at("i32").as<int32_t>()[0] == -7);
  CHECK(to_float(file.tensors().at("f16").as<f16>()[0]) == 1.0f);
  CHECK(to_float(file.tensors().at("bf16").as<bf16>()[0]) == 1.0f);
  CHECK(file.tensors().at("i16").as<int16_t>()[0] == -1);
  CHECK(file.tensors().at("u8").as<uint8_t>()[2] == 255);
  CHECK(file.tensors().at("bool").dtype == DType::u8);
  CHECK(file.tensors().at("empty").shape == Shape{0, 7});
}

TEST_CASE("safetensors: a scalar has rank 0 and one element") {
  const TempFolder folder;
  const SafetensorsFile file(folder.write("a", SafetensorsBuilder().f32("x", {}, {2.0f}).bytes()));
  CHECK(file.tensors().at("x").shape.rank() == 0);
  CHECK(file.tensors().at("x").as<float>()[0] == 2.0f);
}

TEST_CASE("safetensors: a file without tensors is a file") {
  const TempFolder folder;
  CHECK(SafetensorsFile(folder.write("a", file_bytes("{}"))).tensors().empty());
}

TEST_CASE("safetensors: tensors at odd addresses are readable as their type") {
  const TempFolder folder;
  SafetensorsBuilder builder;
  builder.tensor<uint8_t>("pad", "U8", {3}, {1, 2, 3}).f32("x", {2}, {1, 2}).tensor<double>("y", "F64", {1}, {3});
  for (size_t shift = 0; shift < 4; ++shift) {
    SafetensorsBuilder shifted = builder;
    shifted.metadata("{\"k\":\"" + std::string(shift, '-') + "\"}");
    const SafetensorsFile file(folder.write("odd" + std::to_string(shift), shifted.bytes(0)));
    for (const auto& [name, tensor] : file.tensors())
      CHECK(reinterpret_cast<uintptr_t>(tensor.data) % size_of(tensor.dtype) == 0);
    CHECK(file.tensors().at("x").as<float>()[1] == 2);
    CHECK(file.tensors().at("y").as<double>()[0] == 3);
    for (const auto& [name, tensor] : file.tensors()) file.release(tensor);
    CHECK(file.tensors().at("y").as<double>()[0] == 3);
  }
}

TEST_CASE("safetensors: released pages read the same afterwards, and so do their neighbours") {
  const TempFolder folder;
  std::vector<float> values(100000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(i);
  SafetensorsBuilder builder;
  builder.f32("a", {100000}, values).f32("b", {3}, {1, 2, 3}).f32("c", {100000}, values);
  const SafetensorsFile file(folder.write("x", builder.bytes()));
  for (const auto& [name, tensor] : file.tensors()) file.release(tensor);
  file.release(Tensor{});
  for (const char* name : {"a", "c"})
    CHECK(std::memcmp(file.tensors().at(name).data, values.data(), values.size() * sizeof(float)) == 0);
  CHECK(file.tensors().at("b").as<float>()[2] == 3);
}

TEST_CASE("safetensors: known types that we cannot read are set aside by name, with their sizes checked") {
  const TempFolder folder;
  SafetensorsBuilder builder;
  builder.f32("x", {1}, {1}).raw("q", "F8_E4M3", {2, 2}, "abcd").raw("p", "F4", {2, 2}, "ab");
  builder.f32("six", {1, 1, 1, 1, 1, 1}, {1});
  const SafetensorsFile file(folder.write("x", builder.bytes()));
  CHECK(file.tensors().size() == 1);
  CHECK(file.unsupported().at("q") == "F8_E4M3 is not supported");
  CHECK(file.unsupported().at("six") == "more than 5 axes are not supported");
  check_refused(SafetensorsBuilder().raw("q", "F8_E4M3", {2, 2}, "abc").bytes(), "4 bytes by its shape is stored in 3");
  check_refused(SafetensorsBuilder().raw("q", "F4", {3}, "ab").bytes(), "\"q\"");
}

TEST_CASE("safetensors: headers that lie about their own length are refused") {
  check_refused("", "only 0 bytes");
  check_refused("1234567", "only 7 bytes");
  check_refused(file_bytes("", "", 1), "does not fit");
  check_refused(file_bytes("{}", "", kHuge), "header of 18446744073709551615 bytes");
  check_refused(file_bytes("{}", "", kHuge - 7), "does not fit");
  check_refused(file_bytes("{}", "", uint64_t(1) << 63), "does not fit");
  check_refused(file_bytes("{}", "", 4'000'000'000u), "does not fit");
  check_refused(file_bytes("{}", "", 0), "header");
  check_refused(file_bytes("{}", "", 1), "header");
  check_refused(file_bytes("not json"), "line 1, column 2");
  check_refused(file_bytes("[]"), "not a JSON object");
  check_refused(file_bytes("{} {}"), "header");
  check_refused(file_bytes(std::string("{}\0\0", 4)), "line 1, column 3: a zero byte");
}

TEST_CASE("safetensors: a header above the format's limit is refused unread") {
  const TempFolder folder;
  const std::string path = folder.write("big.safetensors", file_bytes("", "", 100'000'001));
  std::error_code error;
  std::filesystem::resize_file(path, 100'000'100, error);  // sparse: costs no disk
  REQUIRE_FALSE(error);
  CHECK(refusal_of_path(path).message.find("exceeds the format's 100000000") != std::string::npos);
}

TEST_CASE("safetensors: entries that do not fit the file are refused by name") {
  const auto entry = [](const std::string& body, std::string_view data = "") {
    return file_bytes("{\"evil\":" + body + "}", data);
  };
  const std::string eight(8, 'x');
  check_refused(entry("7"), "not described by an object");
  check_refused(entry("{}"), "\"evil\" has no dtype");
  check_refused(entry(R"({"dtype":"F32","shape":[2]})", eight), "has no data_offsets");
  check_refused(entry(R"({"dtype":"F32","data_offsets":[0,8]})", eight), "has no shape");
  check_refused(entry(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})", eight), "unknown dtype \"F33\"");
  check_refused(entry(R"({"dtype":3,"shape":[2],"data_offsets":[0,8]})", eight), "dtype is not a string");
  check_refused(entry(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", eight), "shape is not a list");
  check_refused(entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", eight), "shape must be a whole number");
  check_refused(entry(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", eight), "shape must be a whole number");
  check_refused(entry(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})", eight), "shape must be a whole number");
  check_refused(entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", eight), "12 bytes by its shape is stored in 8");
  check_refused(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", eight), "bytes 8 to 0");
  check_refused(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})", eight), "not two numbers");
  check_refused(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})", eight), "data_offsets must be a whole");
  check_refused(entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})", eight), "data section of 8");
  check_refused(entry(R"({"dtype":"F32","shape":[1073741824],"data_offsets":[0,4294967296]})", eight), "cut short");
  check_refused(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]})", eight),
                "data section of 8");
  check_refused(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616]})", eight), "\"evil\"");
}

TEST_CASE("safetensors: shapes whose products wrap around are refused") {
  const auto shaped = [](const std::string& shape, const std::string& dtype = "F32") {
    return file_bytes("{\"evil\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[0,0]}}");
  };
  // 2³²·2³²·4 and 2⁶³·2·4 are 0 modulo 2⁶⁴, as the stored length is.
  check_refused(shaped("4294967296,4294967296"), "beyond any file");
  check_refused(shaped("9223372036854775808,2"), "beyond any file");
  check_refused(shaped("18446744073709551615"), "beyond any file");
  check_refused(shaped("4611686018427387904"), "beyond any file");
  // A zero makes a tensor empty, not the other axes possible.
  check_refused(shaped("4294967296,4294967296,0"), "beyond any file");
  check_refused(shaped("0,18446744073709551615"), "beyond any file");
  const TempFolder folder;
  CHECK(refusal_of_path(folder.write("a", shaped("0,4294967296"))).status == TS_OK);
}

TEST_CASE("safetensors: overlaps and holes are refused") {
  const auto two = [](int64_t a, int64_t b, int64_t c, int64_t d, size_t data) {
    return file_bytes(concat("{\"a\":{\"dtype\":\"U8\",\"shape\":[", b - a, "],\"data_offsets\":[", a, ",", b,
                             "]},\"b\":{\"dtype\":\"U8\",\"shape\":[", d - c, "],\"data_offsets\":[", c, ",", d, "]}}"),
                      std::string(data, 'x'));
  };
  const TempFolder folder;
  CHECK(refusal_of_path(folder.write("a", two(0, 4, 4, 8, 8))).status == TS_OK);
  CHECK(refusal_of_path(folder.write("b", two(4, 8, 0, 4, 8))).status == TS_OK);
  CHECK(refusal_of_path(folder.write("c", two(4, 4, 0, 4, 4))).status == TS_OK);
  check_refused(two(0, 5, 4, 8, 8), "\"b\" overlaps another at byte 4");
  check_refused(two(0, 8, 0, 8, 8), "overlaps");
  check_refused(two(0, 8, 2, 4, 8), "\"b\" overlaps");
  check_refused(two(0, 8, 4, 4, 8), "\"b\" overlaps");
  check_refused(two(0, 3, 4, 8, 8), "bytes 3 to 4 of the data belong to no tensor");
  check_refused(two(1, 4, 4, 8, 8), "bytes 0 to 1");
  check_refused(two(0, 4, 4, 8, 9), "bytes 8 to 9");
  check_refused(file_bytes("{}", "x"), "bytes 0 to 1");
}

TEST_CASE("safetensors: duplicate names, bad UTF-8, bad metadata and deep nesting are refused") {
  const std::string entry = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  check_refused(file_bytes("{\"a\":" + entry + ",\"a\":" + entry + "}"), "duplicate key \"a\"");
  check_refused(file_bytes("{\"a\":" + entry + ",\"\\u0061\":" + entry + "}"), "duplicate key \"a\"");
  check_refused(file_bytes(R"({"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}})"), "duplicate key");
  check_refused(file_bytes("{\"\xff\xfe\":" + entry + "}"), "line 1");
  check_refused(file_bytes(R"({"__metadata__":[]})"), "__metadata__ is not an object");
  check_refused(file_bytes(R"({"__metadata__":{"a":1}})"), "__metadata__ \"a\" is not a string");
  check_refused(file_bytes("{\"a\":" + std::string(100000, '[')), "64 levels");
}

TEST_CASE("safetensors: any single flipped header bit and any cut is refused or harmless, never a crash") {
  const TempFolder folder;
  const std::string whole = SafetensorsBuilder().f32("weight", {2, 3}, {1, 2, 3, 4, 5, 6}).f32("b", {1}, {7}).bytes();
  const size_t header = whole.size() - 28;
  for (size_t cut = 0; cut < whole.size(); ++cut)
    CHECK(refusal_of_path(folder.write("cut", std::string_view(whole).substr(0, cut))).status == TS_BAD_WEIGHTS);
  for (size_t bit = 0; bit < header * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = char(flipped[bit / 8] ^ (1 << (bit % 8)));
    const std::string path = folder.write("flipped", flipped);
    const Refusal refusal = refusal_of_path(path);
    if (refusal.status == TS_OK) {
      const SafetensorsFile file(path);  // a changed name, type or axis order: every tensor still lies in the file
      for (const auto& [name, tensor] : file.tensors()) {
        volatile char sum = 0;
        for (int64_t i = 0; i < tensor.bytes(); ++i) sum = sum + static_cast<const char*>(tensor.data)[i];
      }
    } else {
      CHECK(refusal.status == TS_BAD_WEIGHTS);
    }
  }
}

TEST_CASE("safetensors: what is not there or no file is said to be so") {
  const TempFolder folder;
  CHECK(refusal_of_path(folder.file("absent")).status == TS_NOT_FOUND);
  CHECK(refusal_of_path(folder.file("absent/below")).status == TS_NOT_FOUND);
  CHECK(refusal_of_path(folder.file("")).status == TS_IO_ERROR);
  CHECK(refusal_of_path(std::string("a\0b", 3)).status == TS_NOT_FOUND);
  CHECK(refusal_of_path("").status == TS_NOT_FOUND);
#if defined(__linux__)
  const std::string pipe = folder.file("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(refusal_of_path(pipe).status == TS_IO_ERROR);  // and does not wait for a writer
#endif
}
