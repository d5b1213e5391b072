#include <limits>

#include "abi/guard.h"
#include "abi/handles.h"
#include "signal/resample.h"

using namespace ts;
using namespace ts::abi;

namespace {
constexpr uint64_t kMaxSamples = uint64_t(1) << 40;  // half a year at 44.1 kHz; keeps products of sizes in range

void check_audio(const float* audio, uint32_t num_channels, uint64_t num_samples) {
  require(audio != nullptr || num_samples == 0, "audio is NULL");
  require(num_channels >= 1 && num_channels <= 64, num_channels, " channels, expected 1 … 64");
  require(num_samples <= kMaxSamples, num_samples, " samples are more than any sound has");
}
}  // namespace

extern "C" {

ts_status ts_resample(const float* audio, uint32_t num_channels, uint64_t num_samples, uint32_t from_rate, uint32_t to_rate,
                      float* resampled, uint64_t capacity, uint64_t* num_resampled) {
  return guarded([&] {
    require(num_resampled != nullptr, "num_resampled is NULL");
    check_audio(audio, num_channels, num_samples);
    const int64_t length = resampled_length(int64_t(num_samples), from_rate, to_rate);
    *num_resampled = uint64_t(length);
    if (!resampled) return;
    if (capacity < uint64_t(length) * num_channels)
      fail(TS_BUFFER_TOO_SMALL, "resampled: ", uint64_t(length) * num_channels, " floats are needed, there is room for ", capacity);
    for (uint32_t channel = 0; channel < num_channels; ++channel) {
      const std::vector<float> out = resample({audio + channel * num_samples, size_t(num_samples)}, from_rate, to_rate);
      std::copy(out.begin(), out.end(), resampled + channel * uint64_t(length));
    }
  });
}

ts_status ts_measure_loudness(const float* audio, uint32_t num_channels, uint64_t num_samples, uint32_t sample_rate, double* loudness_lufs) {
  return guarded([&] {
    require(loudness_lufs != nullptr, "loudness_lufs is NULL");
    check_audio(audio, num_channels, num_samples);
    *loudness_lufs = integrated_loudness({audio, size_t(num_samples * num_channels)}, int(num_channels), sample_rate);
  });
}

ts_status ts_loudness_meter_create(uint32_t num_channels, uint32_t sample_rate, ts_loudness_meter** meter) {
  return guarded([&] {
    require(meter != nullptr, "meter is NULL");
    *meter = nullptr;
    require(num_channels <= 64, num_channels, " channels, expected 1 … 8");
    *meter = new ts_loudness_meter{LoudnessMeter(int(num_channels), sample_rate), num_channels};
  });
}

void ts_loudness_meter_destroy(ts_loudness_meter* meter) { delete meter; }

ts_status ts_loudness_meter_push(ts_loudness_meter* handle, const float* audio, uint64_t num_samples) {
  return guarded([&] {
    ts_loudness_meter& meter = deref(handle, "meter");
    check_audio(audio, uint32_t(meter.num_channels), num_samples);
    meter.meter.push({audio, size_t(num_samples * meter.num_channels)});
  });
}

ts_status ts_loudness_meter_read(ts_loudness_meter* handle, double* loudness_lufs) {
  return guarded([&] {
    require(loudness_lufs != nullptr, "loudness_lufs is NULL");
    *loudness_lufs = deref(handle, "meter").meter.integrated();
  });
}

}  // extern "C"
