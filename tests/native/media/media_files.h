// Real media for the tests: the repository's samples, and files made on the spot by the ffmpeg program.
#pragma once

#include <doctest/doctest.h>
#include <strings.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "source_dir.h"
#include "thinksound_media.h"

namespace media_test {

namespace fs = std::filesystem;

inline std::string sample(const std::string& name) { return ts::test::source_dir() + "/samples/" + name; }

// A folder of this process, removed at its end.
inline const std::string& scratch() {
  struct Folder {
    std::string path;
    Folder() {
      std::string pattern = (fs::temp_directory_path() / "ts-media-XXXXXX").string();
      path = mkdtemp(pattern.data());
    }
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

// Standard output of a command; fails the test if it fails.
inline std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  char block[65536];
  while (const size_t got = std::fread(block, 1, sizeof block, pipe)) text.append(block, got);
  const int status = pclose(pipe);
  CAPTURE(command);
  REQUIRE(status == 0);
  return text;
}

inline bool have_ffmpeg() {
  static const bool have = std::system("command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null") == 0;
  return have;
}

// The file `name` in the scratch folder, made by `ffmpeg <arguments> name` when first asked for.
inline std::string made(const std::string& name, const std::string& arguments) {
  const std::string path = scratch() + "/" + name;
  if (!fs::exists(path)) output_of("ffmpeg -nostdin -v error -y " + arguments + " '" + path + "' 2>&1");
  return path;
}

inline std::string written(const std::string& name, const std::string& bytes) {
  const std::string path = scratch() + "/" + name;
  std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
  return path;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Adler-32 from 0, as FFmpeg's framecrc writes it.
inline uint32_t checksum(const uint8_t* data, size_t size, uint32_t seed = 0) {
  uint32_t a = seed & 0xffff, b = seed >> 16;
  for (size_t i = 0; i < size;) {
    const size_t end = std::min(size, i + 5552);
    for (; i < end; ++i) b += a += data[i];
    a %= 65521;
    b %= 65521;
  }
  return b << 16 | a;
}

struct Frame {
  uint32_t checksum = 0;
  double time_s = 0;
};

struct Frames {
  ts_status status = TS_OK;
  std::string error;
  uint32_t width = 0, height = 0;
  std::vector<std::vector<Frame>> rates;
  std::vector<uint8_t> first;  // pixels of the first frame, rows packed
  tsm_video_stats stats{};
};

// Every frame of every rate, in one pass.
inline Frames read_frames(const std::string& path, std::vector<tsm_output_rate> rates, double start_s = 0,
                          const std::function<void(tsm_video_options&)>& change = {}) {
  Frames result;
  tsm_video_options options;
  tsm_video_options_init(&options);
  options.rates = rates.data();
  options.num_rates = uint32_t(rates.size());
  options.start_s = start_s;
  if (change) change(options);
  tsm_video_reader* reader = nullptr;
  result.status = tsm_video_reader_open(path.c_str(), &options, &reader);
  result.rates.resize(rates.size());
  tsm_frame frame;
  tsm_frame_init(&frame);
  std::vector<uint8_t> packed;
  while (result.status == TS_OK && (result.status = tsm_video_reader_next(reader, &frame)) == TS_OK && frame.pixels) {
    result.width = frame.width;
    result.height = frame.height;
    packed.resize(size_t(frame.width) * frame.height * 3);
    for (uint32_t y = 0; y < frame.height; ++y) {
      std::copy_n(frame.pixels + y * frame.row_bytes, frame.width * 3, packed.data() + size_t(y) * frame.width * 3);
    }
    if (result.first.empty()) result.first = packed;
    const Frame seen{checksum(packed.data(), packed.size()), frame.time_s};
    REQUIRE(frame.num_uses > 0);
    for (uint32_t u = 0; u < frame.num_uses; ++u) {
      const tsm_frame_use& use = frame.uses[u];
      auto& list = result.rates[use.rate];
      REQUIRE(use.first == list.size());  // in order, without a gap
      list.insert(list.end(), use.count, seen);
    }
  }
  if (result.status != TS_OK) result.error = tsm_last_error();
  if (reader) {
    tsm_video_stats_init(&result.stats);
    REQUIRE(tsm_video_reader_get_stats(reader, &result.stats) == TS_OK);
  }
  tsm_video_reader_close(reader);
  return result;
}

struct Sound {
  ts_status status = TS_OK;
  std::string error;
  tsm_audio_info info{};
  std::vector<std::vector<float>> channels;
  uint32_t num_warnings = 0;
  size_t size() const { return channels.empty() ? 0 : channels[0].size(); }
};

inline Sound read_sound(const std::string& path, const std::function<void(tsm_audio_options&)>& change = {},
                        uint64_t block = 10007) {
  Sound result;
  tsm_audio_options options;
  tsm_audio_options_init(&options);
  if (change) change(options);
  tsm_audio_reader* reader = nullptr;
  result.status = tsm_audio_reader_open(path.c_str(), &options, &reader);
  if (result.status == TS_OK) {
    tsm_audio_info_init(&result.info);
    REQUIRE(tsm_audio_reader_get_info(reader, &result.info) == TS_OK);
    const size_t channels = result.info.num_channels;
    result.channels.resize(channels);
    std::vector<float> samples(channels * block);
    for (uint64_t got = 1; got > 0;) {
      result.status = tsm_audio_reader_read(reader, samples.data(), block, &got);
      if (result.status != TS_OK) break;
      for (size_t c = 0; c < channels; ++c) {
        for (uint64_t i = 0; i < got; ++i) {
          result.channels[c].push_back(options.interleaved ? samples[i * channels + c] : samples[c * block + i]);
        }
      }
    }
    result.num_warnings = tsm_audio_reader_num_warnings(reader);
  }
  if (result.status != TS_OK) result.error = tsm_last_error();
  tsm_audio_reader_close(reader);
  return result;
}

struct Media {
  ts_status status = TS_OK;
  std::string error;
  tsm_media_info info{};
  std::vector<tsm_stream_info> streams;
  std::vector<std::pair<std::string, std::string>> tags;
  std::string tag(const std::string& key) const {
    for (const auto& [k, v] : tags) {
      if (k.size() == key.size() && strncasecmp(k.c_str(), key.c_str(), key.size()) == 0) return v;
    }
    return "(none)";
  }
  const tsm_stream_info& video() const { return streams.at(size_t(info.video_stream)); }
  const tsm_stream_info& audio() const { return streams.at(size_t(info.audio_stream)); }
};

inline Media probe(const std::string& path) {
  Media result;
  tsm_media* media = nullptr;
  result.status = tsm_media_open(path.c_str(), nullptr, nullptr, &media);
  if (result.status != TS_OK) {
    result.error = tsm_last_error();
    return result;
  }
  tsm_media_info_init(&result.info);
  REQUIRE(tsm_media_get_info(media, &result.info) == TS_OK);
  for (uint32_t i = 0; i < result.info.num_streams; ++i) {
    tsm_stream_info stream;
    tsm_stream_info_init(&stream);
    REQUIRE(tsm_media_get_stream(media, i, &stream) == TS_OK);
    result.streams.push_back(stream);
  }
  for (uint32_t i = 0; i < result.info.num_tags; ++i) {
    const char *key = nullptr, *value = nullptr;
    REQUIRE(tsm_media_get_tag(media, -1, i, &key, &value) == TS_OK);
    result.tags.emplace_back(key, value);
  }
  tsm_media_close(media);
  return result;
}

}  // namespace media_test

#define NEEDS_FFMPEG                                                     \
  if (!media_test::have_ffmpeg()) {                                      \
    MESSAGE("skipped: the ffmpeg program, which makes the files, is missing"); \
    return;                                                              \
  }
