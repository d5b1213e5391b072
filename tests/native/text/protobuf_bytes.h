// Writes SentencePiece models by hand, sound ones and others.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace ts::test {

inline void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += char(value | 0x80);
  out += char(value);
}
inline void put_number(std::string& out, uint64_t field, uint64_t value) {
  put_varint(out, field << 3);
  put_varint(out, value);
}
inline void put_bytes(std::string& out, uint64_t field, std::string_view bytes) {
  put_varint(out, field << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}
inline void put_float(std::string& out, uint64_t field, float value) {
  put_varint(out, field << 3 | 5);
  const auto bits = std::bit_cast<uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) out += char(bits >> shift & 0xFF);
}

// Starts with <pad>, </s>, <unk> as ids 0, 1, 2; further pieces follow from 3 on.
class ModelBytes {
 public:
  ModelBytes() { piece("<pad>", 0, 3).piece("</s>", 0, 3).piece("<unk>", 0, 2); }

  ModelBytes& piece(std::string_view text, float score, uint64_t type = 1) {
    std::string message;
    put_bytes(message, 1, text);
    put_float(message, 2, score);
    put_number(message, 3, type);
    put_bytes(bytes_, 1, message);
    return *this;
  }
  ModelBytes& model_type(uint64_t type) { return trainer(3, type); }
  ModelBytes& byte_fallback() { return trainer(35, 1); }
  ModelBytes& dummy_prefix(bool on) {
    std::string message;
    put_number(message, 3, on);
    put_bytes(bytes_, 3, message);
    return *this;
  }
  ModelBytes& charsmap(std::string_view blob) {
    std::string message;
    put_bytes(message, 2, blob);
    put_bytes(bytes_, 3, message);
    return *this;
  }
  ModelBytes& eos(std::string_view name) {
    std::string message;
    put_bytes(message, 47, name);
    put_bytes(bytes_, 2, message);
    return *this;
  }
  operator std::string_view() const { return bytes_; }

 private:
  ModelBytes& trainer(uint64_t field, uint64_t value) {
    std::string message;
    put_number(message, field, value);
    put_bytes(bytes_, 2, message);
    return *this;
  }
  std::string bytes_;
};

}  // namespace ts::test
