#include "text/vocabulary_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#ifdef TS_HAVE_ZLIB
#include <zlib.h>
#endif

#include "core/error.h"

namespace ts {
namespace {

namespace fs = std::filesystem;

fs::path native_path(const std::string& utf8) { return fs::path(std::u8string(utf8.begin(), utf8.end())); }

}  // namespace

std::string read_vocabulary_file(const std::string& path) {
  std::error_code error;
  const fs::path file = native_path(path);
  if (!fs::exists(file, error)) fail(TS_NOT_FOUND, path, ": no such tokenizer file");
  if (fs::is_directory(file, error)) fail(TS_NOT_FOUND, path, ": is a folder, a tokenizer file is needed");
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(TS_IO_ERROR, path, ": cannot be opened: ", std::strerror(errno));

  // Read until the end, not to the size the system gives: that of a pipe is 0, and a file may grow meanwhile.
  std::string data;
  char block[1 << 16];
  while (in.read(block, sizeof block), in.gcount() > 0) {
    data.append(block, size_t(in.gcount()));
    if (data.size() > kMaxVocabularyBytes)
      fail(TS_BAD_BUNDLE, path, ": more than ", kMaxVocabularyBytes >> 20, " MiB, not a tokenizer file");
  }
  if (in.bad()) fail(TS_IO_ERROR, path, ": cannot be read: ", std::strerror(errno));
  if (data.empty()) fail(TS_BAD_BUNDLE, path, ": the file is empty");
  return gunzip(std::move(data), path);
}

std::string gunzip(std::string data, const std::string& origin) {
  if (data.size() < 2 || data[0] != '\x1f' || data[1] != '\x8b') return data;
#ifdef TS_HAVE_ZLIB
  constexpr int kGzipHeader = 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipHeader + MAX_WBITS) != Z_OK) fail(TS_OUT_OF_MEMORY, origin, ": zlib has no memory");
  struct Closer {
    z_stream* stream;
    ~Closer() { inflateEnd(stream); }
  } closer{&stream};
  stream.next_in = reinterpret_cast<Bytef*>(data.data());
  stream.avail_in = uInt(data.size());

  std::string out;
  char block[1 << 16];
  for (int status = Z_OK; status != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END)
      fail(TS_BAD_BUNDLE, origin, ": damaged gzip data (", stream.msg ? stream.msg : "it ends too early", ")");
    out.append(block, sizeof block - stream.avail_out);
    if (out.size() > kMaxVocabularyBytes)
      fail(TS_BAD_BUNDLE, origin, ": unpacks to more than ", kMaxVocabularyBytes >> 20, " MiB, not a tokenizer file");
  }
  return out;
#else
  fail(TS_UNSUPPORTED, origin, ": is packed with gzip and this build has no zlib; unpack it with `gunzip` first");
#endif
}

std::string find_vocabulary_file(const std::string& path, std::initializer_list<std::string_view> names) {
  std::error_code error;
  const fs::path folder = native_path(path);
  if (!fs::is_directory(folder, error)) return path;
  std::string tried;
  for (std::string_view name : names) {
    if (fs::exists(folder / name, error)) return path + "/" + std::string(name);
    tried += (tried.empty() ? "" : ", ") + std::string(name);
  }
  fail(TS_NOT_FOUND, path, ": no tokenizer in this folder; looked for ", tried);
}

}  // namespace ts
