#include "media/sink.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include "media/path.h"

namespace ts::media {
namespace {

namespace fs = std::filesystem;

constexpr int kBuffer = 1 << 16;
constexpr int kNameTries = 16;

std::FILE* open_file(const fs::path& path, const char* mode) {
#if defined(_WIN32)
  const std::wstring wide(mode, mode + std::strlen(mode));
  return _wfopen(path.c_str(), wide.c_str());
#else
  return std::fopen(path.c_str(), mode);
#endif
}

int seek_file(std::FILE* file, int64_t offset) {
#if defined(_WIN32)
  return _fseeki64(file, offset, SEEK_SET);
#else
  return fseeko(file, off_t(offset), SEEK_SET);
#endif
}

std::string reason(int error) {
  if (error < 0) return "the receiver of the output refused it";
  std::string text = std::strerror(error);
  if (error == ENOSPC || error == EFBIG || error == EDQUOT) text += "; free some space, or write to another disk";
  if (error == EACCES || error == EPERM || error == EROFS) text += "; choose a folder that you may write to";
  return text;
}

// Unlikely to be taken; if it is, the file is not opened and the next name is tried.
std::string temporary_name() {
  static std::atomic<unsigned> count{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  char text[64];
  std::snprintf(text, sizeof text, ".thinksound-%llx-%x.part", static_cast<unsigned long long>(now), count++);
  return text;
}

}  // namespace

Sink::Sink(const std::string& path, tsm_write_fn write, void* write_data, bool overwrite, bool must_seek)
    : name_(write ? "the output" : path), write_(write), write_data_(write_data), overwrite_(overwrite) {
  try {
    if (!write) open_path(path);
    if (write_ && must_seek && !(file_ = std::tmpfile())) {
      fail(TS_IO_ERROR, name_, ": no temporary file to prepare it in: ", reason(errno));
    }
    open_avio();
  } catch (...) {
    clean_up();
    throw;
  }
}

Sink::~Sink() { clean_up(); }

void Sink::clean_up() {
  if (avio_) av_freep(&avio_->buffer);
  avio_context_free(&avio_);
  if (file_) std::fclose(file_);
  if (device_) std::fclose(device_);
  std::error_code ignored;  // nothing more can be done about it here
  if (!working_.empty()) fs::remove(path_of(working_), ignored);
}

void Sink::open_path(const std::string& path) {
  std::error_code error;
  fs::path target = path_of(path);
  if (fs::is_symlink(target, error)) {
    const fs::path real = fs::weakly_canonical(target, error);
    if (!error) target = real;
  }
  const fs::file_status status = fs::status(target, error);
  if (fs::is_directory(status)) fail(TS_INVALID_ARGUMENT, path, ": is a folder; name a file in it");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    device_ = open_file(target, "wb");
    if (!device_) fail(TS_IO_ERROR, path, ": cannot be written: ", reason(errno));
    std::setvbuf(device_, nullptr, _IONBF, 0);
    write_ = &Sink::write_to_device;
    write_data_ = this;
    return;
  }
  require(!fs::exists(status) || overwrite_, path, ": exists already; choose another name, or allow overwriting");
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, error)) {
    fail(TS_NOT_FOUND, path, ": its folder ", utf8_of(folder), " is not there; create it first");
  }
  for (int i = 0; i < kNameTries && !file_; ++i) {
    const fs::path working = folder / temporary_name();
    file_ = open_file(working, "wbx");
    if (file_) working_ = utf8_of(working);
    else if (errno != EEXIST) break;
  }
  if (!file_) fail(TS_IO_ERROR, path, ": no file can be made in its folder: ", reason(errno));
  std::setvbuf(file_, nullptr, _IONBF, 0);  // FFmpeg buffers, and reads the file back while it is open
  target_ = utf8_of(target);
}

void Sink::open_avio() {
  auto* buffer = static_cast<uint8_t*>(allocated(av_malloc(kBuffer)));
  avio_ = avio_alloc_context(buffer, kBuffer, 1, this, nullptr, &Sink::on_write, is_seekable() ? &Sink::on_seek : nullptr);
  if (!avio_) av_free(buffer);
  allocated(avio_);
  avio_->seekable = is_seekable() ? AVIO_SEEKABLE_NORMAL : 0;
}

bool Sink::pass_on(const uint8_t* data, size_t num_bytes) {
  if (write_(write_data_, data, num_bytes) == 0) return true;
  if (!error_) error_ = -1;
  return false;
}

int32_t Sink::write_to_device(void* self, const uint8_t* data, uint64_t num_bytes) {
  Sink& sink = *static_cast<Sink*>(self);
  errno = 0;
  if (std::fwrite(data, 1, num_bytes, sink.device_) == num_bytes) return 0;
  sink.error_ = errno ? errno : EIO;
  return 1;
}

bool Sink::put(const uint8_t* data, size_t num_bytes) {
  if (!file_) return pass_on(data, num_bytes);
  errno = 0;
  if (std::fwrite(data, 1, num_bytes, file_) == num_bytes) return true;
  error_ = errno ? errno : EIO;
  return false;
}

int Sink::on_write(void* self, WriteBuffer data, int num_bytes) {
  Sink& sink = *static_cast<Sink*>(self);
  if (sink.error_) return AVERROR(EIO);
  if (sink.holding_) {
    sink.held_.insert(sink.held_.end(), data, data + num_bytes);
  } else if (!sink.put(data, size_t(num_bytes))) {
    return sink.error_ > 0 ? AVERROR(sink.error_) : AVERROR(EIO);
  }
  sink.position_ += num_bytes;
  sink.num_bytes_ = std::max(sink.num_bytes_, uint64_t(sink.position_));
  return num_bytes;
}

int64_t Sink::on_seek(void* self, int64_t offset, int whence) {
  Sink& sink = *static_cast<Sink*>(self);
  if (whence == AVSEEK_SIZE) return int64_t(sink.num_bytes_);
  if (whence == SEEK_CUR) offset += sink.position_;
  if (whence == SEEK_END) offset += int64_t(sink.num_bytes_);
  if (offset < 0 || seek_file(sink.file_, offset) != 0) return AVERROR(EINVAL);
  sink.position_ = offset;
  return offset;
}

void Sink::hold_back() { holding_ = true; }

void Sink::release() {
  avio_flush(avio_);
  holding_ = false;
  if (!held_.empty()) put(held_.data(), held_.size());
  held_.clear();
  check();
}

void Sink::check() const {
  if (error_) fail(TS_IO_ERROR, name_, ": writing failed after ", num_bytes_, " bytes: ", reason(error_));
}

void Sink::send_whole() {
  std::vector<uint8_t> block(kBuffer);
  std::rewind(file_);
  for (uint64_t sent = 0; sent < num_bytes_;) {
    const size_t got = std::fread(block.data(), 1, block.size(), file_);
    if (got == 0) fail(TS_IO_ERROR, name_, ": the prepared file cannot be read back");
    if (!pass_on(block.data(), got)) check();
    sent += got;
  }
}

void Sink::rename_to_target() {
  const fs::path working = path_of(working_), target = path_of(target_);
  std::error_code error;
  if (!overwrite_) {
    // A hard link, unlike a rename, refuses to replace what has appeared meanwhile; not every file system has them.
    fs::create_hard_link(working, target, error);
    if (!error) {
      fs::remove(working, error);
      working_.clear();
      return;
    }
    require(!fs::exists(target), name_, ": exists already; choose another name, or allow overwriting");
  }
  fs::rename(working, target, error);
  if (error) fail(TS_IO_ERROR, name_, ": the finished file cannot be given its name: ", error.message());
  working_.clear();
}

void Sink::commit() {
  avio_flush(avio_);
  check();
  if (write_ && file_) send_whole();
  if (file_) {
    errno = 0;
    const int closed = std::fclose(std::exchange(file_, nullptr));
    if (closed != 0) fail(TS_IO_ERROR, name_, ": writing failed: ", reason(errno));
  }
  if (!working_.empty()) rename_to_target();
}

}  // namespace ts::media
