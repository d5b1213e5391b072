// What to change when memory is not enough: the generation closest to the one asked for whose plan fits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ts {

// How much of a generation is held at once.
struct MemoryNeed {
  double duration_s = 0;
  int64_t decode_chunk = 0;  // latents; 0 = nothing is decoded
  uint64_t bytes = 0;        // of activations
};

// Tries smaller decode chunks first, since they leave the sound as it is, then shorter sounds. `plan` says the bytes of a
// duration and a chunk, `fits` whether so many can be had. Empty when nothing fits.
std::optional<MemoryNeed> find_fitting(const MemoryNeed& asked, const std::function<uint64_t(double duration_s, int64_t decode_chunk)>& plan,
                                       const std::function<bool(uint64_t bytes)>& fits);

// "what would fit: decode_chunk 8 needs 21.4 MB of activations", or that nothing does.
std::string describe_fitting(const MemoryNeed& asked, const std::optional<MemoryNeed>& fitting);

}  // namespace ts
