// One opened file for reading, and the choice of its streams.
#pragma once

#include "media/ffmpeg.h"

namespace ts::media {

// The caller's wish to stop.
struct Cancel {
  tsm_cancel_fn fn = nullptr;
  void* user_data = nullptr;
  bool asked() const { return fn && fn(user_data) != 0; }
  void check(const std::string& path) const {
    if (asked()) fail(TS_CANCELLED, path, ": cancelled");
  }
};

class Input {
 public:
  // Opens a local file and looks at its streams. Paths are never taken for URLs, and what the file refers to is not
  // fetched. Errors TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_MEDIA, TS_CANCELLED, all naming the file.
  Input(const std::string& path, Cancel cancel);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::string& path() const { return path_; }
  AVFormatContext* operator->() const { return context_.get(); }
  AVFormatContext* get() const { return context_.get(); }
  const AVStream& stream(int index) const { return *context_->streams[index]; }
  const Cancel& cancel() const { return cancel_; }

  // The stream that is the file's video or sound, −1 if it has none. Cover art is not video.
  int video_stream() const { return best(AVMEDIA_TYPE_VIDEO); }
  int audio_stream() const { return best(AVMEDIA_TYPE_AUDIO); }
  // As above, or the one asked for; TS_BAD_MEDIA says what the file has instead.
  int require_video(int wanted) const;
  int require_audio(int wanted) const;
  // Leaves the packets of every other stream unread where the container allows it.
  void only(int stream);

  // The next packet of any stream, or false at the end. Damaged stretches are skipped and counted.
  bool read(AVPacket& packet);
  // Goes to the last key frame at or before `pts` (in the stream's time base). False if this file cannot seek.
  bool seek(int stream, int64_t pts);
  uint32_t num_damaged() const { return num_damaged_; }

 private:
  static int on_interrupt(void* self);
  void check_interrupt() const;
  int best(AVMediaType type) const;
  int require_stream(AVMediaType type, int wanted) const;
  std::string inventory() const;

  std::string path_;
  Cancel cancel_;
  InputPtr context_;
  bool interrupted_ = false;  // FFmpeg gave up because we said so, whatever it returns
  uint32_t num_damaged_ = 0;
};

bool is_picture(const AVStream& stream);
// 1:1 where nothing sensible is said.
AVRational sample_aspect(const AVStream& stream);

}  // namespace ts::media
