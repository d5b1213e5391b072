// Counter-based normal noise: the same seed gives the same noise on every device and thread count.
//
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), then Box-Muller in
// double precision, rounded once to f32. Element i depends on (seed, stream, i) alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace ts {

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Fills `out` with N(0, 1). `stream` keeps independent draws of one seed apart (batch item, purpose).
void fill_normal(std::span<float> out, uint64_t seed, uint64_t stream);

}  // namespace ts
