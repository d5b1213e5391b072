// How a stored picture is turned and flipped to be shown: the container's display matrix, to the nearest quarter turn.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace ts::media {

// Shown pixel (x, y) comes from the stored one after, in this order, exchanging the axes and flipping them.
struct Orientation {
  bool swap_axes = false;  // stored columns become shown rows
  bool flip_x = false;     // in the shown picture, left to right
  bool flip_y = false;

  bool is_identity() const { return !swap_axes && !flip_x && !flip_y; }
  // Whether it cannot be reached by turning alone.
  bool is_mirrored() const { return swap_axes ^ flip_x ^ flip_y; }
  // Clockwise, after a left-to-right flip if it is mirrored.
  int rotation_deg() const {
    if (!swap_axes) return flip_y ? 180 : 0;
    return flip_x ? 90 : 270;
  }
};

// From the 3×3 matrix [a b u; c d v; x y w] of the MP4 track header (16.16), by which a stored point (p, q) is shown at
// (a·p + c·q, b·p + d·q). Null or degenerate matrices turn nothing.
inline Orientation orientation_from_matrix(const int32_t* m) {
  if (!m) return {};
  const int64_t a = m[0], b = m[1], c = m[3], d = m[4];
  if (std::llabs(a) + std::llabs(d) >= std::llabs(b) + std::llabs(c)) return {false, a < 0, d < 0};
  return {true, c < 0, b < 0};
}

// Copies `stored` (RGB, width × height, rows `stored_row` bytes apart) as it is shown; the result is height × width if
// the axes are exchanged.
inline void orient_rgb(const Orientation& o, const uint8_t* stored, uint32_t width, uint32_t height, uint64_t stored_row,
                       uint8_t* shown, uint64_t shown_row) {
  const int64_t row_x = o.swap_axes ? int64_t(shown_row) : 3;  // a step along a stored row, seen in the shown picture
  const int64_t row_y = o.swap_axes ? 3 : int64_t(shown_row);
  const bool back_x = o.swap_axes ? o.flip_y : o.flip_x;
  const bool back_y = o.swap_axes ? o.flip_x : o.flip_y;
  // Small tiles, because one of the two sides is walked across its rows.
  constexpr uint32_t kTile = 32;
  for (uint32_t ty = 0; ty < height; ty += kTile) {
    for (uint32_t tx = 0; tx < width; tx += kTile) {
      for (uint32_t y = ty; y < height && y < ty + kTile; ++y) {
        const int64_t at_y = (back_y ? height - 1 - y : y) * row_y;
        const uint8_t* from = stored + y * stored_row + uint64_t(tx) * 3;
        for (uint32_t x = tx; x < width && x < tx + kTile; ++x, from += 3) {
          uint8_t* to = shown + at_y + int64_t(back_x ? width - 1 - x : x) * row_x;
          to[0] = from[0];
          to[1] = from[1];
          to[2] = from[2];
        }
      }
    }
  }
}

}  // namespace ts::media
