// The kinds without weights: image preprocessing and the output stage.
#include <cstring>

#include "ops/image.h"
#include "runtime/network.h"
#include "signal/pcm.h"

namespace ts {
namespace {

class SignalNetwork final : public Network {
 public:
  void run(const std::string& function, const JsonObject&, const Inputs& inputs, bool, const Outputs& outputs) override {
    if (function != "to_int16") unknown_function("signal", function, "to_int16");
    const Shape shape = inputs.get("audio", 3).shape;
    const std::vector<float> audio = inputs.floats("audio", 3);
    // The reference normalises by the peak of the whole batch (spec 03 §6).
    std::vector<int16_t> samples(audio.size());
    to_int16(audio, peak_of(audio), samples);
    outputs("audio_int16", tensor_of(samples.data(), shape), true);
  }
};

class PreprocessNetwork final : public Network {
 public:
  explicit PreprocessNetwork(const NetworkDevice& device) : device_(device) {}

  void run(const std::string& function, const JsonObject& settings, const Inputs& inputs, bool probe_all, const Outputs& outputs) override {
    if (function != "frames") unknown_function("preprocess", function, "frames");
    const uint8_t* planes = inputs.bytes("frames_u8", 4);
    const Shape shape = inputs.get("frames_u8", 4).shape;  // [F, 3, h, w]
    require(shape[1] == 3, "input frames_u8 is ", shape.str(), ", expected [F, 3, h, w]");
    const int64_t count = shape[0], height = shape[2], width = shape[3], size = settings.get_int("size", 1, 4096, 224);
    std::vector<uint8_t> pixels(size_t(shape.numel()));
    for (int64_t f = 0; f < count; ++f)
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t i = 0; i < height * width; ++i) pixels[size_t((f * height * width + i) * 3 + c)] = planes[(f * 3 + c) * height * width + i];

    const auto branch = [&](const char* bytes_name, const char* floats_name, const ops::ResizeGeometry& geometry, ops::ResizeKind kind,
                            ops::Normalisation normalisation) {
      const Shape square{count, size, size, 3}, planar{count, 3, size, size};
      std::vector<uint8_t> resized(size_t(square.numel())), by_plane(resized.size());
      std::vector<float> normalised(resized.size());
      NetworkWorkspace workspace(device_, probe_all, outputs);
      workspace.run([&](Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        const Tensor u8 = ctx.arena().allocate<uint8_t>(square), f32 = ctx.f32(planar);
        ops::resize(ctx, u8, ops::Frames::rgb24(pixels.data(), count, height, width), geometry, kind);
        ops::normalise(ctx, f32, u8, normalisation);
        ops::download(ctx, tensor_of(resized.data(), square), u8);
        ops::download(ctx, tensor_of(normalised.data(), planar), f32);
      });
      for (int64_t f = 0; f < count; ++f)
        for (int64_t i = 0; i < size * size; ++i)
          for (int64_t c = 0; c < 3; ++c) by_plane[size_t((f * 3 + c) * size * size + i)] = resized[size_t((f * size * size + i) * 3 + c)];
      outputs(bytes_name, tensor_of(by_plane.data(), planar), true);
      outputs(floats_name, tensor_of(normalised.data(), planar), true);
    };
    const ops::ResizeGeometry clip = ops::clip_geometry(height, width, size), sync = ops::sync_geometry(height, width, size);
    branch("clip_slow_resized_u8", "clip_slow", clip, ops::ResizeKind::pil, ops::Normalisation::clip_slow);
    branch("clip_fast_resized_u8", "clip_fast", clip, ops::ResizeKind::torchvision, ops::Normalisation::clip_fast);
    branch("sync_cropped_u8", "sync", sync, ops::ResizeKind::torchvision, ops::Normalisation::sync);
  }

 private:
  const NetworkDevice device_;
};

}  // namespace

std::unique_ptr<Network> create_signal_network() { return std::make_unique<SignalNetwork>(); }
std::unique_ptr<Network> create_preprocess_network(const NetworkDevice& device) { return std::make_unique<PreprocessNetwork>(device); }

}  // namespace ts
