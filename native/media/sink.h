// Where a finished file goes, so that nobody ever sees half of one.
//
//   path that is new or a file   a temporary file beside it, renamed by commit(), removed if that never comes
//   write callback               called with the bytes in order; a format that must seek is first made whole in an
//                                anonymous temporary file
//   path of a device or pipe     likewise
#pragma once

#include <cstdio>

#include "media/ffmpeg.h"

namespace ts::media {

class Sink {
 public:
  // Exactly one of `path` and `write` is given. `must_seek`: the format patches what it has written.
  // Errors TS_INVALID_ARGUMENT (exists, folder), TS_NOT_FOUND (its folder), TS_IO_ERROR.
  Sink(const std::string& path, tsm_write_fn write, void* write_data, bool overwrite, bool must_seek);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  AVIOContext* avio() const { return avio_; }
  const std::string& name() const { return name_; }            // for messages
  const std::string& working_path() const { return working_; }  // "" unless a temporary file
  bool is_seekable() const { return file_ != nullptr; }

  // Bytes are kept back until release(), which may change them: for headers that ought to know the length.
  void hold_back();
  std::vector<uint8_t>& held_back() { return held_; }
  void release();

  // Throws TS_IO_ERROR, with the system's reason, if a write has failed.
  void check() const;
  // Everything is written: flushes, passes on, renames. Errors TS_IO_ERROR, TS_INVALID_ARGUMENT (target has appeared).
  void commit();
  uint64_t num_bytes() const { return num_bytes_; }

 private:
  static int on_write(void* self, WriteBuffer data, int num_bytes);
  static int64_t on_seek(void* self, int64_t offset, int whence);
  bool put(const uint8_t* data, size_t num_bytes);
  bool pass_on(const uint8_t* data, size_t num_bytes);
  void open_path(const std::string& path);
  static int32_t write_to_device(void* self, const uint8_t* data, uint64_t num_bytes);
  void open_avio();
  void clean_up();
  void send_whole();
  void rename_to_target();

  std::string name_, target_, working_;
  tsm_write_fn write_;
  void* write_data_;
  bool overwrite_;
  bool holding_ = false;
  std::FILE* file_ = nullptr;    // the temporary file, named or not
  std::FILE* device_ = nullptr;
  AVIOContext* avio_ = nullptr;
  std::vector<uint8_t> held_;
  int64_t position_ = 0;
  uint64_t num_bytes_ = 0;  // the furthest that was written
  int error_ = 0;           // errno of the first failed write, −1 = the callback refused
};

}  // namespace ts::media
