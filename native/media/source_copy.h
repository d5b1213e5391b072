// Everything of a source video that goes into the new file as it is: its streams, chapters, tags and rotation.
//
//   source times   S (container's start) ── V (first frame shown, time 0) ── V + start ──── V + start + duration
//   output times   0 ───────────────────── lead ───────────────────────────               whole: nothing moves
//                                          negative, hidden by an edit list 0 ─ duration   cut: time 0 at start
//
// Packets are never re-encoded. A cut therefore begins with the packets from the key frame before its start.
#pragma once

#include <functional>

#include "media/container.h"
#include "media/decoder.h"

namespace ts::media {

class SourceCopy {
 public:
  struct Options {
    bool keep_tracks = false;  // its sound as well
    bool cut = false;
    double start_s = 0;
    double duration_s = 0;     // of a cut; 0 = to the end
  };
  using PacketTaker = std::function<void(AVPacket&)>;

  // Errors TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_MEDIA (no video), TS_CANCELLED.
  SourceCopy(const std::string& path, Cancel cancel, const Options& options);

  // Adds the video streams, then everything else, to a file that has no header yet. Errors TS_INVALID_ARGUMENT if the
  // container cannot carry the video; other streams that it cannot carry are dropped with a warning.
  void add_video(AVFormatContext& out, const Container& container);
  void add_others(AVFormatContext& out);
  // Moves everything later, to make room for encoder delay; before add_chapters().
  void move_back(int64_t ms) { zero_us_ -= ms * 1000; }
  void add_chapters(AVFormatContext& out);
  // Streams of sound that should be kept but must be encoded again to fit.
  const std::vector<int>& tracks_to_encode() const { return tracks_to_encode_; }

  // Hands on packets, with the output's times and stream numbers, until their decoding time reaches `until_s`; false
  // when there are no more.
  bool pump(double until_s, AVFormatContext& out, const PacketTaker& take);

  bool has_audio() const { return input_.audio_stream() >= 0; }
  double lead_s() const { return lead_s_; }  // output time of the source's time 0
  uint32_t num_dropped() const { return num_dropped_; }
  const std::string& warnings() const { return warnings_; }

 private:
  AVStream& add_stream(AVFormatContext& out, int index);
  void add_attachment(AVFormatContext& out, int index);
  void drop(int index, const char* why);
  void complete_times(AVPacket& packet, const AVStream& from, int64_t last, AVRational tick) const;
  bool prepare(AVPacket& packet, AVFormatContext& out);

  Input input_;
  Options options_;
  Origin origin_;
  int64_t zero_us_ = 0;        // source time that becomes 0 in the output, microseconds
  double lead_s_ = 0;
  int video_;
  std::vector<int> outputs_;   // by source stream: its number in the output, −1 = not copied
  std::vector<int64_t> last_dts_;  // by source stream, in the output's time base
  bool ended_ = false;         // a cut has all that belongs to it
  std::vector<int> tracks_to_encode_;
  PacketPtr packet_ = new_packet();
  double at_s_ = -1e18;
  uint32_t num_dropped_ = 0;
  std::string warnings_;
};

}  // namespace ts::media
