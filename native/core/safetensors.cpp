#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/json.h"
#include "core/log.h"
#include "core/weights.h"

#if defined(__unix__) || defined(__APPLE__)
#define TS_HAVE_MMAP 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <filesystem>
#include <fstream>
#endif

namespace ts {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

// Element types of the format, ours and those that published files may hold beside them.
struct StoredType {
  std::string_view name;
  uint32_t bits;
  std::optional<DType> dtype;
};
constexpr StoredType kStoredTypes[] = {
    {"F32", 32, DType::f32},         {"F64", 64, DType::f64}, {"F16", 16, DType::f16},
    {"BF16", 16, DType::bf16},       {"I64", 64, DType::i64}, {"I32", 32, DType::i32},
    {"I16", 16, DType::i16},         {"U8", 8, DType::u8},    {"BOOL", 8, DType::u8},
    {"I8", 8, DType::i8},            {"U16", 16, std::nullopt}, {"U32", 32, std::nullopt},
    {"U64", 64, std::nullopt},       {"C64", 64, std::nullopt}, {"F8_E4M3", 8, std::nullopt},
    {"F8_E5M2", 8, std::nullopt},    {"F8_E8M0", 8, std::nullopt}, {"F8_E4M3FNUZ", 8, std::nullopt},
    {"F8_E5M2FNUZ", 8, std::nullopt}, {"F6_E2M3", 6, std::nullopt}, {"F6_E3M2", 6, std::nullopt},
    {"F4", 4, std::nullopt},
};

template <class... Parts>
[[noreturn]] void bad(const std::string& path, const Parts&... parts) {
  fail(TS_BAD_WEIGHTS, path, ": ", parts...);
}

uint64_t little_endian_u64(const std::byte* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

// One header entry, believed only as far as it has been checked against the data section.
struct Entry {
  std::string name;
  const StoredType* type;
  std::vector<uint64_t> dims;
  uint64_t begin, end;  // bytes from the start of the data section
};

uint64_t unsigned_field(const nlohmann::json& value, const std::string& path, const std::string& what) {
  if (!value.is_number_unsigned()) bad(path, what, " must be a whole number of 0 or more");
  return value.get<uint64_t>();
}

Entry read_entry(const std::string& path, const std::string& name, const nlohmann::json& json, uint64_t data_bytes) {
  const std::string tensor = "tensor " + in_quotes(name);
  if (!json.is_object()) bad(path, tensor, " is not described by an object");
  for (const char* key : {"dtype", "shape", "data_offsets"})
    if (!json.contains(key)) bad(path, tensor, " has no ", key);
  Entry entry{name, nullptr, {}, 0, 0};

  const auto& dtype = json["dtype"];
  if (!dtype.is_string()) bad(path, tensor, ": dtype is not a string");
  for (const StoredType& type : kStoredTypes)
    if (dtype.get_ref<const std::string&>() == type.name) entry.type = &type;
  if (!entry.type) bad(path, tensor, " has the unknown dtype ", in_quotes(dtype.get_ref<const std::string&>()));

  const auto& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2) bad(path, tensor, ": data_offsets are not two numbers");
  entry.begin = unsigned_field(offsets[0], path, tensor + ": data_offsets");
  entry.end = unsigned_field(offsets[1], path, tensor + ": data_offsets");
  if (entry.begin > entry.end || entry.end > data_bytes)
    bad(path, tensor, " lies at bytes ", entry.begin, " to ", entry.end, " of a data section of ", data_bytes,
        "; the file is damaged or cut short");

  const auto& shape = json["shape"];
  if (!shape.is_array()) bad(path, tensor, ": shape is not a list");
  // A zero axis makes the tensor empty; the others must still be possible, because their product is taken later.
  uint64_t bits = entry.type->bits;
  bool empty = false, overflow = false;
  for (const auto& axis : shape) {
    const uint64_t dim = unsigned_field(axis, path, tensor + ": shape");
    if (dim > uint64_t(std::numeric_limits<int64_t>::max())) overflow = true;
    if (dim == 0) empty = true;
    else if (bits > std::numeric_limits<uint64_t>::max() / dim) overflow = true;
    else bits *= dim;
    entry.dims.push_back(dim);
  }
  if (overflow) bad(path, tensor, " has a shape beyond any file");
  if (empty) bits = 0;
  if (bits % 8 != 0 || bits / 8 != entry.end - entry.begin)
    bad(path, tensor, " of ", bits / 8, " bytes by its shape is stored in ", entry.end - entry.begin);
  return entry;
}

// The format demands that tensors cover the data section exactly, which also rules out any overlap.
void check_tiling(const std::string& path, std::vector<Entry>& entries, uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < covered)
      bad(path, "tensor ", in_quotes(entry.name), " overlaps another at byte ", entry.begin, " of the data");
    if (entry.begin > covered)
      bad(path, "bytes ", covered, " to ", entry.begin, " of the data belong to no tensor");
    covered = entry.end;
  }
  if (covered != data_bytes)
    bad(path, "bytes ", covered, " to ", data_bytes, " of the data belong to no tensor");
}

}  // namespace

#if TS_HAVE_MMAP
struct SafetensorsFile::Mapping {
  const std::byte* data = nullptr;
  uint64_t size = 0;

  explicit Mapping(const std::string& path) {
    // O_NONBLOCK: opening a pipe must not wait for its writer. It has no effect on files.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
      fail(errno == ENOENT || errno == ENOTDIR ? TS_NOT_FOUND : TS_IO_ERROR, path, ": ", std::strerror(errno));
    struct stat info {};
    void* address = MAP_FAILED;
    const bool is_file = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    if (is_file && info.st_size > 0) address = ::mmap(nullptr, size_t(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    const int error = errno;
    ::close(fd);
    if (!is_file) fail(TS_IO_ERROR, path, ": not a file");
    if (info.st_size == 0) return;
    if (address == MAP_FAILED) fail(TS_IO_ERROR, path, ": cannot be mapped: ", std::strerror(error));
    data = static_cast<const std::byte*>(address);
    size = uint64_t(info.st_size);
  }
  ~Mapping() {
    if (data) ::munmap(const_cast<std::byte*>(data), size_t(size));
  }
  void release(uintptr_t begin, uintptr_t end) const {
    const uintptr_t page = uintptr_t(::sysconf(_SC_PAGESIZE));
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
};
#else
// Systems without mmap read the whole file.
struct SafetensorsFile::Mapping {
  std::vector<std::byte> bytes;
  const std::byte* data = nullptr;
  uint64_t size = 0;

  explicit Mapping(const std::string& path) {
    const std::filesystem::path file(std::u8string(path.begin(), path.end()));
    std::error_code error;
    if (!std::filesystem::exists(file, error)) fail(TS_NOT_FOUND, path, ": no such file");
    if (!std::filesystem::is_regular_file(file, error)) fail(TS_IO_ERROR, path, ": not a file");
    size = std::filesystem::file_size(file, error);
    if (error) fail(TS_IO_ERROR, path, ": ", error.message());
    bytes.resize(size_t(size));
    std::ifstream stream(file, std::ios::binary);
    if (!stream.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(size)))
      fail(TS_IO_ERROR, path, ": cannot be read");
    data = bytes.data();
  }
  void release(uintptr_t, uintptr_t) const {}
};
#endif

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path) {
  if (path.find('\0') != std::string::npos) fail(TS_NOT_FOUND, "weights: a path contains a zero byte");
  mapping_ = std::make_unique<Mapping>(path);
  const std::byte* bytes = mapping_->data;
  const uint64_t size = mapping_->size;
  if (size < kLengthBytes) bad(path, "only ", size, " bytes long, not a safetensors file");
  const uint64_t header_bytes = little_endian_u64(bytes);
  if (header_bytes > size - kLengthBytes)
    bad(path, "a header of ", header_bytes, " bytes does not fit into ", size,
        "; the file is cut short or no safetensors file");
  if (header_bytes > kMaxHeaderBytes)
    bad(path, "a header of ", header_bytes, " bytes exceeds the format's ", kMaxHeaderBytes);

  const std::string_view header(reinterpret_cast<const char*>(bytes + kLengthBytes), size_t(header_bytes));
  const nlohmann::json json = parse_json(header, path + ": header", TS_BAD_WEIGHTS);
  if (!json.is_object()) bad(path, "the header is not a JSON object");
  const std::byte* data = bytes + kLengthBytes + header_bytes;
  const uint64_t data_bytes = size - kLengthBytes - header_bytes;

  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) bad(path, "__metadata__ is not an object");
      for (const auto& [key, text] : value.items()) {
        if (!text.is_string()) bad(path, "__metadata__ ", in_quotes(key), " is not a string");
        metadata_.emplace(key, text.get<std::string>());
      }
    } else {
      entries.push_back(read_entry(path, name, value, data_bytes));
    }
  }
  check_tiling(path, entries, data_bytes);

  // From here on every number has been checked against the length of the file.
  uint64_t copied = 0;
  for (const Entry& entry : entries) {
    if (!entry.type->dtype) {
      unsupported_.emplace(entry.name, concat(entry.type->name, " is not supported"));
      continue;
    }
    if (entry.dims.size() > size_t(Shape::kMaxRank)) {
      unsupported_.emplace(entry.name, concat("more than ", Shape::kMaxRank, " axes are not supported"));
      continue;
    }
    Shape shape;
    for (uint64_t dim : entry.dims) shape.push_back(int64_t(dim));
    const std::byte* address = data + entry.begin;
    if (reinterpret_cast<uintptr_t>(address) % size_of(*entry.type->dtype) != 0) {
      // The format does not promise alignment, C++ demands it. Writers since 2023 pad their headers.
      copied += entry.end - entry.begin;
      aligned_copies_.emplace_back(address, data + entry.end);
      address = aligned_copies_.back().data();
    }
    tensors_.emplace(entry.name, Tensor(const_cast<std::byte*>(address), *entry.type->dtype, shape));
  }
  if (copied > (1 << 20))
    log(TS_LOG_WARNING, path, ": ", copied >> 20, " MB are stored at odd addresses and were copied to memory; ",
        "writing the file anew with a current safetensors library avoids this");
}

SafetensorsFile::~SafetensorsFile() = default;

void SafetensorsFile::release(const Tensor& tensor) const {
  const auto begin = reinterpret_cast<uintptr_t>(tensor.data), end = begin + uintptr_t(tensor.bytes());
  const auto mapped = reinterpret_cast<uintptr_t>(mapping_->data);
  if (begin >= mapped && end <= mapped + mapping_->size) mapping_->release(begin, end);
}

}  // namespace ts
