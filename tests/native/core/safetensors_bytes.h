// Safetensors files built in memory, whole or damaged on purpose.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace ts::test {

// A file of any header and data, however wrong. The length field can be made to lie.
inline std::string file_bytes(std::string_view header, std::string_view data, uint64_t claimed_length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += char(claimed_length >> (8 * i));
  return bytes.append(header).append(data);
}
inline std::string file_bytes(std::string_view header, std::string_view data = "") {
  return file_bytes(header, data, header.size());
}

// Collects tensors and writes a well-formed file.
class SafetensorsBuilder {
 public:
  SafetensorsBuilder& raw(const std::string& name, const std::string& dtype, const std::vector<int64_t>& shape,
                          std::string_view bytes) {
    std::string dims;
    for (int64_t dim : shape) dims += (dims.empty() ? "" : ",") + std::to_string(dim);
    entries_ += (entries_.empty() ? "" : ",") + ("\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + dims) +
                "],\"data_offsets\":[" + std::to_string(data_.size()) + "," +
                std::to_string(data_.size() + bytes.size()) + "]}";
    data_.append(bytes);
    return *this;
  }
  template <class T>
  SafetensorsBuilder& tensor(const std::string& name, const std::string& dtype, const std::vector<int64_t>& shape,
                             const std::vector<T>& values) {
    return raw(name, dtype, shape, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
  }
  SafetensorsBuilder& f32(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
    return tensor(name, "F32", shape, values);
  }
  SafetensorsBuilder& metadata(const std::string& json) {
    entries_ += (entries_.empty() ? "" : ",") + ("\"__metadata__\":" + json);
    return *this;
  }
  // `alignment` pads the header with spaces so that the data begins at a multiple of it; 0 leaves it as it falls.
  std::string bytes(size_t alignment = 8) const {
    std::string header = "{" + entries_ + "}";
    while (alignment && (header.size() + 8) % alignment) header += ' ';
    return file_bytes(header, data_);
  }

 private:
  std::string entries_, data_;
};

}  // namespace ts::test
