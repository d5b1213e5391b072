// Writing for the tests: one call that makes a file, and the ffmpeg program's opinion of it.
#pragma once

#include "clicks.h"
#include "media_files.h"

namespace media_test {

struct Written {
  ts_status status = TS_OK;
  std::string error;
  tsm_writer_result result{};
};

// Stereo, planar, in blocks of an awkward size.
inline Written write_sound(const std::string& path, const std::vector<float>& left, const std::vector<float>& right,
                           const std::function<void(tsm_writer_options&)>& change = {}, size_t block = 12345) {
  Written out;
  tsm_writer_options options;
  tsm_writer_options_init(&options);
  options.path = path.c_str();
  options.overwrite = 1;
  if (change) change(options);
  tsm_writer* writer = nullptr;
  out.status = tsm_writer_create(&options, &writer);
  std::vector<float> planar;
  for (size_t at = 0; out.status == TS_OK && at < left.size(); at += block) {
    const size_t count = std::min(block, left.size() - at);
    planar.assign(left.begin() + int64_t(at), left.begin() + int64_t(at + count));
    planar.insert(planar.end(), right.begin() + int64_t(at), right.begin() + int64_t(at + count));
    out.status = tsm_writer_write(writer, planar.data(), count, 0);
  }
  tsm_writer_result_init(&out.result);
  if (out.status == TS_OK) out.status = tsm_writer_finish(writer, &out.result);
  if (out.status != TS_OK) out.error = tsm_last_error();
  tsm_writer_destroy(writer);
  return out;
}

// What the ffmpeg program hears in track `track`: one channel, samples placed by their times.
inline std::vector<float> heard_by_ffmpeg(const std::string& path, int track = 0, int channel = 0) {
  const std::string bytes = output_of("ffmpeg -nostdin -v error -copyts -i '" + path + "' -map 0:a:" + std::to_string(track) +
                                      " -af aresample=async=1:first_pts=0,pan=mono\\|c0=c" + std::to_string(channel) + " -f f32le - ");
  std::vector<float> samples(bytes.size() / 4);
  std::copy_n(reinterpret_cast<const float*>(bytes.data()), samples.size(), samples.begin());
  return samples;
}

// Names in the folder that are not the ones expected: what a writer left behind.
inline int num_files(const std::string& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace media_test
