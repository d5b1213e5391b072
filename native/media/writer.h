// A sound file, or a source video with new sound.
//
//   new sound ─gain─►(+)─► encoder ─┐
//   own sound ─gain─►╯              ├─► container ─► sink (temporary name, then the real one)
//   source's other packets ─────────┘
#pragma once

#include "media/audio_encoder.h"
#include "media/audio_source.h"
#include "media/container.h"
#include "media/sink.h"
#include "media/source_copy.h"

namespace ts::media {

// A source's sound at the rate and channels of the new one.
class ResampledSource {
 public:
  ResampledSource(const std::string& path, Cancel cancel, int stream, AudioRange range, const SampleSpec& to);
  // Interleaved; fewer than asked for only at the end.
  int read(float* samples, int max_samples);

 private:
  AudioSource source_;
  SwrPtr resampler_;
  std::vector<float> block_;
  bool drained_ = false;
};

class Writer {
 public:
  // Errors as tsm_writer_create.
  explicit Writer(const tsm_writer_options& options);
  // Errors as tsm_writer_write; the temporary file is gone after one.
  void write(const float* samples, uint64_t num_samples, bool interleaved);
  void finish(tsm_writer_result& result);

 private:
  // A track of the output that is encoded here.
  struct Track {
    std::unique_ptr<AudioEncoder> encoder;
    AVStream* stream = nullptr;
    std::unique_ptr<ResampledSource> own;  // what it carries, unless it is the new sound
    int rate = 0;
    int64_t late = 0;     // samples of the encoder to add to packet times
    double at_s = 0;  // how far it has come
    bool done = false;
  };

  void open(const tsm_writer_options& options);
  Track add_track(const EncoderOptions& options, int rate, const ChannelLayout& layout);
  void add_kept_tracks(const tsm_writer_options& options);
  void place_delays();
  void add_tags(const tsm_writer_options& options);
  void write_header(const tsm_writer_options& options);
  void feed(const float* interleaved, int num_samples);
  bool feed_own();
  void keep_up(double until_s);
  AudioEncoder::PacketTaker taker(const Track& track);
  bool is_matroska() const;
  void mux(AVPacket& packet);
  template <class Work>
  void guarded(Work work);

  std::string name_, source_path_;
  Cancel cancel_;
  const Container* container_ = nullptr;
  tsm_codec codec_ = TSM_CODEC_AUTO;
  uint32_t rate_;
  int num_channels_;
  float gain_, source_gain_;
  std::unique_ptr<Sink> sink_;
  OutputPtr out_;
  std::unique_ptr<SourceCopy> source_;
  Track new_;
  std::vector<Track> kept_;
  std::unique_ptr<ResampledSource> mixed_in_;
  std::vector<float> block_, own_block_;
  double shift_s_ = 0;        // by which everything comes later, to make room for encoder delay
  int64_t fed_ = 0;           // samples given to the encoder, silence before the sound included
  uint64_t num_samples_ = 0;  // of new sound
  bool failed_ = false, finished_ = false;
  std::string warnings_;
};

}  // namespace ts::media
