#include "ops/cuda/product_timing.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <mutex>

#include "ops/cuda/launch.h"
#include "ops/cuda/product_measurements.h"

namespace ts::cuda {
namespace {

// Device memory for the while of a measurement.
class Scratch {
 public:
  explicit Scratch(int64_t bytes) { check(cudaMalloc(&memory_, size_t(bytes)), "memory for a measurement (THINKSOUND_CUDA_PRODUCT)"); }
  ~Scratch() { cudaFree(memory_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::byte* at(int64_t offset) const { return static_cast<std::byte*>(memory_) + offset; }

 private:
  void* memory_ = nullptr;
};

// A product whose outputs go elsewhere, as those in place would add up.
class Rehearsal {
 public:
  explicit Rehearsal(const Product& p) : product_(p), memory_(4 * part_of(p)) {
    Finish& finish = product_.finish;
    for (int i = 0; i < 3; ++i)
      if (finish.y[i]) finish.y[i] = memory_.at(i * part_of(p));
    if (finish.snaked) finish.snaked = memory_.at(3 * part_of(p));
  }
  const Product& product() const { return product_; }

 private:
  // Bytes of one of the outputs, at most.
  static int64_t part_of(const Product& p) {
    constexpr int64_t kAlignment = 256;
    const Finish& f = p.finish;
    const int64_t outputs = f.kind == Finish::Kind::qkv ? p.num_rows * int64_t(f.width.divisor) : p.rows.items * f.y_item;
    return tiles_of(outputs * int64_t(sizeof(float)), kAlignment) * kAlignment;
  }

  Product product_;
  Scratch memory_;
};

// Leaves `x` in the L2 cache, as far as it fits, and nothing else of use.
class CacheRefill {
 public:
  CacheRefill() : cache_bytes_(cache_bytes()), memory_(2 * cache_bytes_) {}

  void operator()(cudaStream_t stream, const Tensor& x) const {
    const auto copy = [&](const void* from, int64_t count) {
      check(cudaMemcpyAsync(memory_.at(cache_bytes_), from, size_t(count), cudaMemcpyDeviceToDevice, stream), "a measurement");
    };
    copy(memory_.at(0), cache_bytes_);
    copy(x.data, std::min(x.bytes(), cache_bytes_));
  }

 private:
  static int64_t cache_bytes() {
    int device = 0, bytes = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device), "the size of the L2 cache");
    return bytes;
  }

  int64_t cache_bytes_;
  Scratch memory_;
};

// Microseconds of what happens on a stream between two calls.
class Stopwatch {
 public:
  explicit Stopwatch(cudaStream_t stream) : stream_(stream) {
    for (cudaEvent_t& event : events_) check(cudaEventCreateWithFlags(&event, cudaEventDefault), "an event");
  }
  ~Stopwatch() {
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  void start() { check(cudaEventRecord(events_[0], stream_), "an event"); }
  double stop() {
    check(cudaEventRecord(events_[1], stream_), "an event");
    check(cudaEventSynchronize(events_[1]), "a measurement");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, events_[0], events_[1]), "a measurement");
    return double(ms) * 1000;
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t events_[2] = {};
};

ProductMeasurements& measurements_in(const std::string& file) {
  static std::mutex mutex;
  static std::map<std::string, ProductMeasurements> of_files;
  const std::lock_guard lock(mutex);
  return of_files.try_emplace(file, file).first->second;
}

// Of the current device.
std::string device_name() {
  static std::mutex mutex;
  static std::map<int, std::string> names;
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  const std::lock_guard lock(mutex);
  std::string& name = names[device];
  if (name.empty()) {
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
    name = properties.name;
  }
  return name;
}

// What decides on the time of a product, in words.
std::string describe(const Product& p, DType input, DType stored) {
  const Finish& f = p.finish;
  return concat(device_name(), ", ", p.rows.items, " x ", p.rows.rows_per_item, " rows, ", p.rows.taps, " x ", p.channels, " to ", p.columns, " in ", name_of(input),
                " by ", name_of(stored), ", stride ", p.x_stride, ", form ", int(f.form), ", kind ", int(f.kind), ", ", name_of(f.type), ", activation ",
                int(f.activation), f.bias ? ", bias" : "", f.gate ? ", gate" : "", f.residual ? ", residual" : "", f.snaked ? ", snake" : "");
}

}  // namespace

std::optional<ProductWay> fastest_way(Context& ctx, const std::string& file, const Product& product, const Tensor& input, DType stored,
                                      const std::vector<ProductWay>& ways, const ComputeWay& compute) {
  ProductMeasurements& measurements = measurements_in(file);
  const cudaStream_t on = stream(ctx);
  const std::string what = describe(product, input.dtype, stored);
  if (const auto known = measurements.find(what, ways)) return known;
  if (ctx.planning()) return std::nullopt;
  cudaStreamCaptureStatus capturing;
  check(cudaStreamIsCapturing(on, &capturing), "cudaStreamIsCapturing");
  if (capturing != cudaStreamCaptureStatusNone) return ways.front();

  const Rehearsal rehearsal(product);
  const CacheRefill refill;
  Stopwatch watch(on);
  return measurements.measure(what, ways, [&](const ProductWay& way) {
    refill(on, input);
    watch.start();
    const bool is_computed = compute(way, rehearsal.product());
    const double us = watch.stop();
    return is_computed ? us : std::numeric_limits<double>::infinity();
  });
}

}  // namespace ts::cuda
