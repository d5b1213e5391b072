// Reads protobuf messages field by field, out of untrusted bytes.
//
//   ProtoReader message(bytes, "spiece.model");
//   while (message.next())
//     if (message.field() == 1) piece = message.bytes();   // refuses a field of another wire type
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"

namespace ts {

class ProtoReader {
 public:
  // `origin` names the file in messages and must outlive the reader.
  ProtoReader(std::string_view data, const std::string& origin) : data_(data), origin_(origin) {}

  // Moves to the next field; false at the end. TS_BAD_BUNDLE for anything that is not protobuf.
  bool next() {
    if (data_.empty()) return false;
    const uint64_t tag = read_varint();
    field_ = tag >> 3;
    wire_type_ = int(tag & 7);
    if (field_ == 0 || field_ >= 1u << 29) bad("field number ", field_);
    switch (wire_type_) {
      case kVarint: value_ = read_varint(); break;
      case kFixed64: bytes_ = take(8); break;
      case kLengthDelimited: bytes_ = take(read_varint()); break;
      case kFixed32: bytes_ = take(4); break;
      default: bad("wire type ", wire_type_, " of field ", field_);
    }
    return true;
  }

  uint64_t field() const { return field_; }
  std::string_view bytes() const { return expect(kLengthDelimited), bytes_; }
  bool boolean() const { return integer() != 0; }
  uint64_t integer() const { return expect(kVarint), value_; }
  float number() const {
    expect(kFixed32);
    uint32_t bits = 0;
    for (int i = 3; i >= 0; --i) bits = bits << 8 | uint8_t(bytes_[size_t(i)]);
    return std::bit_cast<float>(bits);
  }

 private:
  enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

  template <class... Parts>
  [[noreturn]] void bad(const Parts&... what) const {
    fail(TS_BAD_BUNDLE, origin_, ": not a SentencePiece model or damaged: ", what...);
  }
  void expect(WireType type) const {
    if (wire_type_ != type) bad("field ", field_, " has wire type ", wire_type_, ", expected ", int(type));
  }
  uint64_t read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = uint8_t(take(1)[0]);
      value |= uint64_t(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    bad("a number of more than ten bytes");
  }
  std::string_view take(uint64_t count) {
    if (count > data_.size()) bad("field ", field_, " needs ", count, " bytes, ", data_.size(), " are left");
    const std::string_view head = data_.substr(0, size_t(count));
    data_.remove_prefix(size_t(count));
    return head;
  }

  std::string_view data_, bytes_;
  const std::string& origin_;
  uint64_t field_ = 0, value_ = 0;
  int wire_type_ = 0;
};

}  // namespace ts
