// Any bytes as a weight file: it opens, or is refused with a status and a sentence. What opens is read to its last byte.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "core/weights.h"

namespace {

void read_all(const std::string& path) {
  const auto file = std::make_shared<ts::SafetensorsFile>(path);
  for (const auto& [name, tensor] : file->tensors()) {
    // A source of its own: after a fault nothing is widened from 8 bits any more.
    const auto source = ts::open_weights({{file, "w."}, {file, ""}});
    static volatile unsigned sink;
    for (int64_t i = 0; i < tensor.bytes(); ++i) sink = sink + static_cast<const uint8_t*>(tensor.data)[i];
    const ts::Tensor taken = source->take(name, tensor.shape);
    try {
      if (taken) ts::to_f32(taken, name);
    } catch (const ts::Error& error) {
      if (error.status() != TS_BAD_WEIGHTS) std::abort();
    }
    source->release(name);
  }
  const auto source = ts::open_weights({{file, "w."}, {file, ""}});
  source->take("absent", {1});
  source->finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, data, size) != ssize_t(size)) std::abort();
  try {
    read_all("/proc/self/fd/" + std::to_string(file));
  } catch (const ts::Error& error) {
    if (error.status() != TS_BAD_WEIGHTS || *error.what() == '\0') std::abort();
  }
  close(file);
  return 0;
}
