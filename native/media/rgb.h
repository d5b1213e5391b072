// A decoded frame of any pixel format → RGB, 8 bits a channel, sRGB, as a viewer sees it.
#pragma once

#include <optional>

#include "media/ffmpeg.h"
#include "media/orientation.h"
#include "media/tone_map.h"

namespace ts::media {

// The largest side that is handed out: what thinksound.h takes.
constexpr uint32_t kMaxSide = 16384;

struct Size {
  uint32_t width;
  uint32_t height;
};
// Stored size → size with square pixels (the shorter side of a pixel is stretched), at most max_side long.
Size square_size(Size stored, AVRational sample_aspect, uint32_t max_side);
// How the stream is to be turned; nothing if it does not say.
Orientation orientation_from_stream(const AVStream& stream);
bool is_hdr(AVColorTransferCharacteristic transfer);

class RgbConverter {
 public:
  // name: of the file, for errors. as_shown: turned, square pixels. max_side 0 = kMaxSide.
  RgbConverter(std::string name, const AVStream& stream, const AVFrame& first, bool as_shown, uint32_t max_side);

  uint32_t width() const { return orientation_.swap_axes ? size_.height : size_.width; }  // of the result
  uint32_t height() const { return orientation_.swap_axes ? size_.width : size_.height; }
  uint64_t row_bytes() const { return orientation_.is_identity() ? stored_row_ : shown_row_; }
  // The result is the converter's until the next call. Frames whose size changes mid-stream are scaled to the first's.
  const uint8_t* convert(const AVFrame& frame);

 private:
  void set_up_scaler(const AVFrame& frame);
  void set_up_tone_map(const AVFrame& frame);

  std::string name_;
  Orientation orientation_;
  Size size_{};  // before turning
  uint64_t stored_row_ = 0, shown_row_ = 0;
  std::vector<uint8_t> stored_, shown_;
  std::vector<uint16_t> deep_;
  uint64_t deep_row_ = 0;
  SwsPtr scaler_;
  int scaler_width_ = 0, scaler_height_ = 0, scaler_format_ = -1;
  std::optional<ToneMap> tone_map_;
  AVColorTransferCharacteristic tone_transfer_ = AVCOL_TRC_UNSPECIFIED;
  AVColorPrimaries tone_primaries_ = AVCOL_PRI_UNSPECIFIED;
};

}  // namespace ts::media
