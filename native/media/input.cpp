#include "media/input.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <tuple>

#include "media/path.h"

namespace ts::media {
namespace {

namespace fs = std::filesystem;

// Reads that fail one after the other before a file counts as ended.
constexpr int kPatience = 64;

void check_file(const std::string& path) {
  require(!path.empty(), "the path of the media file is empty");
  std::error_code error;
  const fs::path file = path_of(path);
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) fail(TS_NOT_FOUND, path, ": no such file; check the path");
  if (error) fail(TS_IO_ERROR, path, ": ", error.message());
  if (fs::is_directory(status)) fail(TS_INVALID_ARGUMENT, path, ": is a folder; name a video or sound file");
  if (!fs::is_regular_file(status)) {
    fail(TS_INVALID_ARGUMENT, path, ": is a pipe or device, which cannot be read twice; save it to a file first");
  }
  const uintmax_t num_bytes = fs::file_size(file, error);
  if (error) fail(TS_IO_ERROR, path, ": ", error.message());
  if (num_bytes == 0) fail(TS_BAD_MEDIA, path, ": is empty (0 bytes); copy or download it again");
}

// Whether a file reads as text, to explain why it is no video.
bool looks_like_text(const std::string& path) {
  std::ifstream file(path_of(path), std::ios::binary);
  char head[4096];
  file.read(head, sizeof head);
  const std::string_view bytes(head, size_t(file.gcount()));
  return !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) {
    return c >= 0x20 || c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
}

[[noreturn]] void fail_to_open(const std::string& path, int code) {
  if (code == AVERROR(ENOMEM)) fail(TS_OUT_OF_MEMORY, path, ": not enough memory to open it");
  if (code == AVERROR(EACCES) || code == AVERROR(EPERM) || code == AVERROR(EIO)) fail(TS_IO_ERROR, path, ": ", why(code));
  if (looks_like_text(path)) fail(TS_BAD_MEDIA, path, ": is a text file, not a video or sound, whatever its name says");
  fail(TS_BAD_MEDIA, path, ": is no video or sound that FFmpeg knows, or it is damaged or cut off: ", why(code),
       "; copy it again, or convert it");
}

const char* name_of(AVMediaType type) { return type == AVMEDIA_TYPE_VIDEO ? "video" : "sound"; }

}  // namespace

Input::Input(const std::string& path, Cancel cancel) : path_(path), cancel_(cancel) {
  check_file(path);
  cancel_.check(path);
  forget_log_line();
  AVFormatContext* context = allocated(avformat_alloc_context());
  context->interrupt_callback = {&Input::on_interrupt, this};
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  const int opened = avformat_open_input(&context, ("file:" + path).c_str(), nullptr, &options);  // frees it on failure
  av_dict_free(&options);
  if (opened >= 0) context_.reset(context);
  check_interrupt();
  if (opened < 0) fail_to_open(path, opened);
  for (const std::string_view playlist : {"hls", "dash", "concat", "tty"}) {
    if (playlist == context_->iformat->name) {
      fail(TS_BAD_MEDIA, path, ": is a playlist or text (", context_->iformat->long_name, "); name the media file itself");
    }
  }
  // So faint a likeness is believed only where the name agrees; noise resembles something too.
  const AVInputFormat& format = *context_->iformat;
  const bool named_so = format.extensions && av_match_ext(path.c_str(), format.extensions);
  if (context_->probe_score <= AVPROBE_SCORE_RETRY && !named_so) fail_to_open(path, AVERROR_INVALIDDATA);
  const int looked = avformat_find_stream_info(context_.get(), nullptr);
  check_interrupt();
  if (looked < 0) fail_to_open(path, looked);
}

int Input::on_interrupt(void* self) {
  Input& input = *static_cast<Input*>(self);
  input.interrupted_ = input.interrupted_ || input.cancel_.asked();
  return input.interrupted_ ? 1 : 0;
}

void Input::check_interrupt() const {
  if (interrupted_) fail(TS_CANCELLED, path_, ": cancelled");
}

int Input::best(AVMediaType type) const {
  // As av_find_best_stream, but cover art never counts.
  int best = -1;
  std::tuple<int, int, int64_t, int64_t> best_rank{-1, 0, 0, 0};
  for (int i = 0; i < int(context_->nb_streams); ++i) {
    const AVStream& s = stream(i);
    const AVCodecParameters& p = *s.codecpar;
    if (p.codec_type != type || is_picture(s)) continue;
    if (type == AVMEDIA_TYPE_AUDIO && (p.ch_layout.nb_channels <= 0 || p.sample_rate <= 0)) continue;
    const int decodable = avcodec_find_decoder(p.codec_id) ? 1 : 0;
    const int impaired = AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_VISUAL_IMPAIRED;
    const int fitting = (s.disposition & AV_DISPOSITION_DEFAULT ? 1 : 0) + (s.disposition & impaired ? 0 : 1);
    const int64_t size = type == AVMEDIA_TYPE_VIDEO ? int64_t(p.width) * p.height : p.ch_layout.nb_channels;
    const std::tuple rank{decodable, fitting, size, p.bit_rate};
    if (rank > best_rank) {
      best_rank = rank;
      best = i;
    }
  }
  return best;
}

std::string Input::inventory() const {
  if (context_->nb_streams == 0) return "nothing";
  std::string text;
  for (int i = 0; i < int(context_->nb_streams); ++i) {
    const AVCodecParameters& p = *stream(i).codecpar;
    const char* kind = av_get_media_type_string(p.codec_type);
    const char* shown = is_picture(stream(i)) ? "cover picture" : kind ? kind : "data";
    text += concat(text.empty() ? "" : ", ", shown, " ", avcodec_get_name(p.codec_id));
  }
  return text;
}

int Input::require_stream(AVMediaType type, int wanted) const {
  if (wanted >= 0) {
    require(wanted < int(context_->nb_streams), path_, ": stream ", wanted, " is not there (it has ", context_->nb_streams, ")");
    require(stream(wanted).codecpar->codec_type == type, path_, ": stream ", wanted, " is not ", name_of(type));
    return wanted;
  }
  const int found = best(type);
  if (found >= 0) return found;
  if (looks_like_text(path_)) fail(TS_BAD_MEDIA, path_, ": is a text file, not a video or sound, whatever its name says");
  const char* fix = type == AVMEDIA_TYPE_VIDEO ? "; give a file with video, or use it as sound" : "; give a file with sound";
  fail(TS_BAD_MEDIA, path_, ": has no ", name_of(type), ", only ", inventory(), fix);
}

int Input::require_video(int wanted) const { return require_stream(AVMEDIA_TYPE_VIDEO, wanted); }
int Input::require_audio(int wanted) const { return require_stream(AVMEDIA_TYPE_AUDIO, wanted); }

void Input::only(int index) {
  for (int i = 0; i < int(context_->nb_streams); ++i) {
    context_->streams[i]->discard = i == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

bool Input::read(AVPacket& packet) {
  for (int failures = 0; failures < kPatience;) {
    cancel_.check(path_);
    const int code = av_read_frame(context_.get(), &packet);
    if (code >= 0) {
      if (packet.flags & AV_PKT_FLAG_CORRUPT) ++num_damaged_;
      return true;
    }
    check_interrupt();
    const int io_error = context_->pb ? context_->pb->error : 0;
    if (io_error < 0 && io_error != AVERROR_EOF) fail(TS_IO_ERROR, path_, ": reading failed: ", why(io_error));
    if (code == AVERROR_EOF) return false;
    if (code != AVERROR(EAGAIN)) ++num_damaged_;
    ++failures;
  }
  return false;
}

bool Input::seek(int index, int64_t pts) { return av_seek_frame(context_.get(), index, pts, AVSEEK_FLAG_BACKWARD) >= 0; }

bool is_picture(const AVStream& stream) {
  return (stream.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0;
}

AVRational sample_aspect(const AVStream& stream) {
  for (const AVRational aspect : {stream.sample_aspect_ratio, stream.codecpar->sample_aspect_ratio}) {
    if (aspect.num > 0 && aspect.den > 0) return aspect;
  }
  return {1, 1};
}

}  // namespace ts::media
