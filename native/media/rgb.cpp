#include "media/rgb.h"

#include <algorithm>
#include <cmath>

namespace ts::media {
namespace {

constexpr uint64_t kAlign = 64;          // swscale's fast paths may write up to a vector past the end of a row
constexpr double kDefaultPeakNits = 1000; // of PQ content that does not say

uint64_t aligned(uint64_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// What the mastering metadata calls the brightest pixel, in cd/m².
double peak_nits(const AVFrame& frame) {
  if (const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL)) {
    const auto& level = *reinterpret_cast<const AVContentLightMetadata*>(side->data);
    if (level.MaxCLL > 0) return level.MaxCLL;
  }
  if (const AVFrameSideData* side = av_frame_get_side_data(&frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA)) {
    const auto& display = *reinterpret_cast<const AVMasteringDisplayMetadata*>(side->data);
    if (display.has_luminance && display.max_luminance.num > 0) return av_q2d(display.max_luminance);
  }
  return kDefaultPeakNits;
}

// The matrix a frame names; BT.601 where it names none, as FFmpeg's scale filter has it.
const int* yuv_matrix(AVColorSpace space) {
  const bool known = space >= 1 && space <= 10 && space != AVCOL_SPC_YCGCO;
  return sws_getCoefficients(known ? space : AVCOL_SPC_BT470BG);
}

}  // namespace

Size square_size(Size stored, AVRational aspect, uint32_t max_side) {
  double width = stored.width, height = stored.height;
  if (aspect.num > aspect.den) width *= av_q2d(aspect);
  if (aspect.num < aspect.den) height *= double(aspect.den) / aspect.num;
  const double limit = max_side == 0 ? kMaxSide : std::min(max_side, kMaxSide);
  const double scale = std::min(1.0, limit / std::max(width, height));
  const auto side = [&](double v) { return uint32_t(std::clamp(std::round(v * scale), 1.0, limit)); };
  return {side(width), side(height)};
}

Orientation orientation_from_stream(const AVStream& stream) { return orientation_from_matrix(display_matrix(stream)); }

bool is_hdr(AVColorTransferCharacteristic transfer) {
  return transfer == AVCOL_TRC_SMPTE2084 || transfer == AVCOL_TRC_ARIB_STD_B67;
}

RgbConverter::RgbConverter(std::string name, const AVStream& stream, const AVFrame& first, bool as_shown,
                           uint32_t max_side)
    : name_(std::move(name)) {
  AVRational aspect{1, 1};
  if (as_shown) {
    for (const AVRational told : {stream.sample_aspect_ratio, first.sample_aspect_ratio}) {
      if (told.num <= 0 || told.den <= 0) continue;
      aspect = told;
      break;
    }
    const AVFrameSideData* side = av_frame_get_side_data(&first, AV_FRAME_DATA_DISPLAYMATRIX);
    const int32_t* matrix = display_matrix(stream);
    if (!matrix && side && side->size >= 9 * sizeof(int32_t)) matrix = reinterpret_cast<const int32_t*>(side->data);
    orientation_ = orientation_from_matrix(matrix);
  }
  size_ = square_size({uint32_t(first.width), uint32_t(first.height)}, aspect, max_side);
  stored_row_ = aligned(uint64_t(size_.width) * 3);
  stored_.resize(stored_row_ * size_.height + kAlign);
  if (!orientation_.is_identity()) {
    shown_row_ = uint64_t(width()) * 3;
    shown_.resize(shown_row_ * height());
  }
}

void RgbConverter::set_up_tone_map(const AVFrame& frame) {
  if (frame.color_trc == tone_transfer_ && frame.color_primaries == tone_primaries_) return;
  tone_transfer_ = frame.color_trc;
  tone_primaries_ = frame.color_primaries;
  tone_map_.reset();
  if (frame.color_trc == AVCOL_TRC_SMPTE2084) tone_map_.emplace(Transfer::kPq, peak_nits(frame));
  else if (frame.color_trc == AVCOL_TRC_ARIB_STD_B67) tone_map_.emplace(Transfer::kHlg, 0);
  else if (frame.color_primaries == AVCOL_PRI_BT2020) tone_map_.emplace(Transfer::kGamma, 0);
  if (tone_map_) {
    deep_row_ = aligned(uint64_t(size_.width) * 6);
    deep_.resize((deep_row_ * size_.height + kAlign) / sizeof(uint16_t));
  }
  scaler_.reset();
}

void RgbConverter::set_up_scaler(const AVFrame& frame) {
  if (!scaler_ || scaler_width_ != frame.width || scaler_height_ != frame.height || scaler_format_ != frame.format) {
    scaler_width_ = frame.width;
    scaler_height_ = frame.height;
    scaler_format_ = frame.format;
    scaler_.reset(allocated(sws_alloc_context()));
    SwsContext* s = scaler_.get();
    const int flags = tone_map_ ? SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT : SWS_BICUBIC;
    av_opt_set_int(s, "srcw", frame.width, 0);
    av_opt_set_int(s, "srch", frame.height, 0);
    av_opt_set_int(s, "src_format", frame.format, 0);
    av_opt_set_int(s, "dstw", size_.width, 0);
    av_opt_set_int(s, "dsth", size_.height, 0);
    av_opt_set_int(s, "dst_format", tone_map_ ? AV_PIX_FMT_RGB48 : AV_PIX_FMT_RGB24, 0);
    av_opt_set_int(s, "sws_flags", flags, 0);
    // Where the scale filter, and with it the reference, puts the chroma rows of 4:2:0.
    if (frame.format == AV_PIX_FMT_YUV420P) av_opt_set_int(s, "src_v_chr_pos", 128, 0);
    const int code = sws_init_context(s, nullptr, nullptr);
    if (code < 0) {
      const char* format = av_get_pix_fmt_name(AVPixelFormat(frame.format));
      fail(TS_UNSUPPORTED, name_, ": pixels of the format ", format ? format : "unknown", " at ", frame.width, "×", frame.height,
           " cannot be converted to RGB: ", why(code));
    }
  }
  // Matrix and range travel with each frame.
  int *inverse = nullptr, *forward = nullptr;
  int full = 0, to_full = 0, brightness = 0, contrast = 0, saturation = 0;
  if (sws_getColorspaceDetails(scaler_.get(), &inverse, &full, &forward, &to_full, &brightness, &contrast, &saturation) < 0) {
    return;  // neither side is YUV
  }
  if (frame.color_range != AVCOL_RANGE_UNSPECIFIED) full = frame.color_range == AVCOL_RANGE_JPEG;
  const int* matrix = yuv_matrix(frame.colorspace);
  sws_setColorspaceDetails(scaler_.get(), matrix, full, matrix, to_full, brightness, contrast, saturation);
}

const uint8_t* RgbConverter::convert(const AVFrame& frame) {
  set_up_tone_map(frame);
  set_up_scaler(frame);
  uint8_t* rows[4] = {tone_map_ ? reinterpret_cast<uint8_t*>(deep_.data()) : stored_.data()};
  const int strides[4] = {int(tone_map_ ? deep_row_ : stored_row_)};
  const int scaled = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rows, strides);
  if (scaled < 0) fail(TS_BAD_MEDIA, name_, ": a frame could not be converted to RGB: ", why(scaled));
  if (tone_map_) {
    for (uint32_t y = 0; y < size_.height; ++y) {
      tone_map_->convert(deep_.data() + y * (deep_row_ / sizeof(uint16_t)), stored_.data() + y * stored_row_, size_.width);
    }
  }
  if (orientation_.is_identity()) return stored_.data();
  orient_rgb(orientation_, stored_.data(), size_.width, size_.height, stored_row_, shown_.data(), shown_row_);
  return shown_.data();
}

}  // namespace ts::media
