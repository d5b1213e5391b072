// The products of the published networks on a GPU: every kernel of the plug-in that covers a shape, checked, timed, and
// compared with cuBLASLt and with the rate of an 8192³ product in the same run.
//
//   cuda_product_bench [libthinksound_cuda.so] [--only TEXT] [--tiles]      --tiles: every tile of wgmma, not only the planned
//
// Timing   a CUDA graph of some tens of calls whose weights rotate through more memory than the L2 cache holds, replayed; the
//          median of the replays over the number of calls.
// Check    sampled outputs against sums in f64 of the same bf16 values.
// Output   a table; with OUT in the environment also $OUT/cuda_product_bench.json. Ends with 1 when a check fails.
#include <cuda_runtime.h>
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ops/plugin.h"
#include "ops/table.h"

namespace ts {
namespace {

enum class What : uint8_t { linear, gated, qkv, conv, transposed };

struct Case {
  std::string name;
  What what;
  int64_t items, len, in, out, taps = 1;
  bool has_bias = false, has_residual = false;
  Activation activation = Activation::none;
  int64_t dilation = 1, stride = 1;   // of convolutions
  bool is_ceiling = false;

  int64_t out_len() const { return what == What::transposed ? len * stride : len; }
  double flop() const {
    const double rows = double(items * len);
    if (what == What::transposed) return 2.0 * rows * double(in) * double(out) * double(2 * stride);
    return 2.0 * rows * double(in) * double(out) * double(taps) * (what == What::gated ? 2 : 1);
  }
};

// Published sizes: a guided 9 s latent is 194 rows, twice per request.
std::vector<Case> cases() {
  const auto linear = What::linear;
  std::vector<Case> all{{.name = "ceiling 8192^3", .what = linear, .items = 1, .len = 8192, .in = 8192, .out = 8192, .is_ceiling = true}};
  for (int64_t batch : {1, 16}) {
    const std::string at = " b" + std::to_string(batch);
    const int64_t items = 2 * batch;
    all.push_back({.name = "dit modulation" + at, .what = linear, .items = items, .len = 194, .in = 1024, .out = 6144, .has_bias = true});
    all.push_back({.name = "dit qkv" + at, .what = What::qkv, .items = items, .len = 194, .in = 1024, .out = 3072, .has_bias = true});
    all.push_back({.name = "dit qkv clip" + at, .what = What::qkv, .items = items, .len = 72, .in = 1024, .out = 3072, .has_bias = true});
    all.push_back({.name = "dit linear1 k3" + at, .what = linear, .items = items, .len = 194, .in = 1024, .out = 1024, .taps = 3, .has_bias = true, .has_residual = true});
    all.push_back({.name = "dit ffn in k3" + at, .what = What::gated, .items = items, .len = 194, .in = 1024, .out = 2816, .taps = 3, .activation = Activation::silu});
    all.push_back({.name = "dit ffn out k3" + at, .what = linear, .items = items, .len = 194, .in = 2816, .out = 1024, .taps = 3, .has_residual = true});
    all.push_back({.name = "dit text ffn in" + at, .what = What::gated, .items = items, .len = 77, .in = 1024, .out = 2816, .activation = Activation::silu});
    all.push_back({.name = "dit text linear1" + at, .what = linear, .items = items, .len = 77, .in = 1024, .out = 1024, .has_bias = true, .has_residual = true});
  }
  all.push_back({.name = "clip qkv", .what = What::qkv, .items = 72, .len = 257, .in = 1280, .out = 3840, .has_bias = true});
  all.push_back({.name = "clip fc1", .what = linear, .items = 72, .len = 257, .in = 1280, .out = 5120, .has_bias = true, .activation = Activation::quick_gelu});
  all.push_back({.name = "clip fc2", .what = linear, .items = 72, .len = 257, .in = 5120, .out = 1280, .has_bias = true, .has_residual = true});
  all.push_back({.name = "sync fc1", .what = linear, .items = 27, .len = 1569, .in = 768, .out = 3072, .has_bias = true, .activation = Activation::gelu_erf});
  all.push_back({.name = "sync fc2", .what = linear, .items = 27, .len = 1569, .in = 3072, .out = 768, .has_bias = true, .has_residual = true});
  all.push_back({.name = "vae unit 1024 d3", .what = What::conv, .items = 1, .len = 1552, .in = 1024, .out = 1024, .taps = 7, .has_bias = true, .dilation = 3});
  all.push_back({.name = "vae unit 128 d9", .what = What::conv, .items = 1, .len = 198656, .in = 128, .out = 128, .taps = 7, .has_bias = true, .dilation = 9});
  all.push_back({.name = "vae unit 128 k1", .what = What::conv, .items = 1, .len = 198656, .in = 128, .out = 128, .has_bias = true, .has_residual = true});
  all.push_back({.name = "vae up 512 s4", .what = What::transposed, .items = 1, .len = 12416, .in = 512, .out = 256, .has_bias = true, .stride = 4});
  return all;
}

void check_cuda(cudaError_t error, const char* what) {
  if (error != cudaSuccess) fail(TS_DEVICE_ERROR, what, ": ", cudaGetErrorString(error));
}

struct Random {
  uint64_t state = 20251;
  float next() {  // about N(0, 1): four uniform numbers
    float sum = 0;
    for (int i = 0; i < 4; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += float(uint32_t(state >> 33)) * (1.0f / 2147483648.0f) - 0.5f;
    }
    return sum * 1.7320508f;
  }
  std::vector<float> values(int64_t count, float scale) {
    std::vector<float> all(static_cast<size_t>(count));
    for (float& value : all) value = to_float(to_bf16(next() * scale));
    return all;
  }
};

// The operands of a case on the device, and on the host for the check.
class Problem {
 public:
  Problem(const OperatorTable& table, const Case& c, Random& random) : table_(table), c_(c) {
    taps_ = c.what == What::transposed ? 2 * c.stride : c.taps;
    x_ = random.values(c.items * c.len * c.in, 1);
    const float scale = 1 / std::sqrt(float(c.in * taps_));
    w_ = random.values(c.in * c.out * taps_, scale);
    w3_ = c.what == What::gated ? random.values(c.in * c.out * taps_, 1) : std::vector<float>();
    bias_ = random.values(c.out, 1);
    const bool is_conv = c.what == What::conv || c.what == What::transposed;
    x_device_ = make_buffer(table, tensor_of(x_.data(), {c.items, c.len, c.in}), is_conv ? DType::f32 : DType::bf16);
    bias_device_ = make_buffer(table, tensor_of(bias_.data(), {c.out}), DType::f32);
    const bool is_f32 = is_conv || c.has_residual;
    y_type_ = is_f32 ? DType::f32 : DType::bf16;
    y_ = allocate_buffer(table, y_type_, {c.items, c.out_len(), c.out});
    if (c.has_residual) {
      residual_ = random.values(c.items * c.out_len() * c.out, 1);
      residual_device_ = make_buffer(table, tensor_of(residual_.data(), {c.items, c.out_len(), c.out}), DType::f32);
    }
    if (is_conv) {
      a_ = std::vector<float>(size_t(c.in), 1.25f);
      inv_b_ = std::vector<float>(size_t(c.in), 0.5f);
      snake_ = {make_buffer(table, tensor_of(a_.data(), {c.in}), DType::f32), make_buffer(table, tensor_of(inv_b_.data(), {c.in}), DType::f32)};
    }
    const int64_t bytes = 2 * c.in * c.out * taps_ * (c.what == What::gated ? 2 : 1), beyond_cache = 96 << 20;
    const int64_t copies = c.is_ceiling || is_conv ? 1 : std::clamp<int64_t>(beyond_cache / bytes, 1, 12);
    for (int64_t i = 0; i < copies; ++i) weights_.push_back(pack());
  }

  int64_t copies() const { return int64_t(weights_.size()); }

  void run(Context& ctx, int64_t copy) const {
    const PackedWeight& weight = *weights_[size_t(copy)];
    const Tensor bias = c_.has_bias ? bias_device_.tensor() : Tensor(), residual = c_.has_residual ? residual_device_.tensor() : Tensor();
    const Snake snake{snake_.first.tensor(), snake_.second.tensor()};
    switch (c_.what) {
      case What::linear: return table_.linear(ctx, y_, x_device_, weight, {.bias = bias, .activation = c_.activation, .residual = residual});
      case What::gated: return table_.gated_linear(ctx, y_, x_device_, weight, c_.activation);
      case What::conv: return table_.snake_conv1d(ctx, y_, x_device_, snake, weight, geometry(), bias, residual, {});
      case What::transposed: return table_.snake_conv_transpose1d(ctx, y_, x_device_, snake, weight, geometry(), bias, {});
      case What::qkv: {
        const int64_t dim = head_dim(), heads = c_.out / 3 / dim, part = c_.items * c_.len * heads * dim * 2;
        auto* to = static_cast<std::byte*>(y_.tensor().data);
        const Shape shape{c_.items, heads, c_.len, dim};
        return table_.qkv_projection(ctx, {{to, DType::bf16, shape}, {to + part, DType::bf16, shape}, {to + 2 * part, DType::bf16, shape}}, x_device_, weight, {.bias = bias});
      }
    }
  }

  void poison() const {
    const std::vector<uint8_t> bytes(size_t(y_.tensor().bytes()), 0xFF);  // NaN
    table_.copy_to_device(y_.tensor().data, bytes.data(), y_.tensor().bytes());
  }

  // Largest error of 200 sampled outputs, in units of the largest among them; infinite if anything is not a number.
  double error(Random& random) const {
    std::vector<float> y(size_t(y_.tensor().numel()));
    if (y_type_ == DType::f32) {
      table_.copy_to_host(y.data(), y_.tensor().data, y_.tensor().bytes());
    } else {
      std::vector<bf16> narrow(y.size());
      table_.copy_to_host(narrow.data(), y_.tensor().data, y_.tensor().bytes());
      std::transform(narrow.begin(), narrow.end(), y.begin(), [](bf16 value) { return to_float(value); });
    }
    for (float value : y)
      if (!std::isfinite(value)) return INFINITY;
    double largest = 0, error = 0;
    for (int i = 0; i < 200; ++i) {
      const int64_t at = i < 4 ? (i % 2 ? int64_t(y.size()) - 1 - i / 2 : i / 2) : int64_t(std::abs(random.next()) * 1e6f * 7919) % int64_t(y.size());
      const double exact = expected(at);
      largest = std::max(largest, std::abs(exact));
      error = std::max(error, std::abs(exact - double(y[size_t(at)])));
    }
    return error / largest;
  }

 private:
  ConvGeometry geometry() const {
    if (c_.what == What::transposed) return {c_.stride, 1, c_.stride / 2};
    return {1, c_.dilation, c_.dilation * (c_.taps - 1) / 2};
  }
  int64_t head_dim() const { return c_.in == 1280 ? 80 : 64; }

  Weight pack() const {
    const Shape shape = c_.what == What::transposed ? Shape{c_.in, c_.out, taps_} : taps_ > 1 ? Shape{c_.out, c_.in, taps_} : Shape{c_.out, c_.in};
    const WeightUse use = c_.what == What::transposed ? WeightUse::conv_transpose : c_.what == What::conv ? WeightUse::conv : WeightUse::linear;
    const PackOptions options{.use = use, .dtype = DType::bf16, .stride = c_.what == What::transposed ? c_.stride : 1, .dilation = c_.dilation};
    if (c_.what == What::gated) return table_.pack_gated_weight(table_, tensor_of(w_.data(), shape), tensor_of(w3_.data(), shape), options);
    const Shape conv_shape{c_.out, c_.in, taps_};
    return table_.pack_weight(table_, tensor_of(w_.data(), c_.what == What::conv ? conv_shape : shape), options);
  }

  double input(int64_t item, int64_t n, int64_t i) const {
    const float value = x_[size_t((item * c_.len + n) * c_.in + i)];
    if (a_.empty()) return value;
    const float sine = std::sin(a_[size_t(i)] * value);
    return to_float(to_bf16(value + sine * sine * inv_b_[size_t(i)]));
  }
  double sum(const std::vector<float>& w, int64_t item, int64_t m, int64_t o) const {
    const ConvGeometry g = geometry();
    double total = 0;
    for (int64_t j = 0; j < taps_; ++j) {
      int64_t n = m + j * g.dilation - g.offset;
      if (c_.what == What::transposed) {
        if ((m + g.offset - j) % g.stride != 0) continue;
        n = (m + g.offset - j) / g.stride;
      }
      if (n < 0 || n >= c_.len) continue;
      for (int64_t i = 0; i < c_.in; ++i)
        total += double(w[size_t(c_.what == What::transposed ? (i * c_.out + o) * taps_ + j : (o * c_.in + i) * taps_ + j)]) * input(item, n, i);
    }
    return total;
  }
  double expected(int64_t at) const {
    int64_t o = at % c_.out, row = at / c_.out;
    if (c_.what == What::qkv) {  // [3, items, heads, len, dim]
      const int64_t dim = head_dim(), heads = c_.out / 3 / dim, m = at / dim % c_.len, head = at / dim / c_.len % heads;
      const int64_t item = at / dim / c_.len / heads % c_.items, which = at / dim / c_.len / heads / c_.items;
      o = (which * heads + head) * dim + at % dim;
      row = item * c_.len + m;
    }
    const int64_t item = row / c_.out_len(), m = row % c_.out_len();
    double value = sum(w_, item, m, o);
    if (c_.what == What::gated) return value / (1 + std::exp(-value)) * sum(w3_, item, m, o);
    if (c_.has_bias) value += double(bias_[size_t(o)]);
    if (c_.activation == Activation::quick_gelu) value /= 1 + std::exp(-1.702 * value);
    if (c_.activation == Activation::gelu_erf) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
    if (c_.has_residual) value += double(residual_[size_t(at)]);
    return value;
  }

  const OperatorTable& table_;
  const Case& c_;
  int64_t taps_;
  std::vector<float> x_, w_, w3_, bias_, residual_, a_, inv_b_;
  Buffer x_device_, bias_device_, residual_device_, y_;
  std::pair<Buffer, Buffer> snake_;
  DType y_type_;
  std::vector<Weight> weights_;
};

// Median seconds of one call, by replays of a graph of several.
double seconds_per_call(const Problem& problem, const OperatorTable& table, double flop) {
  Serial serial;
  Arena plan = Arena::planning();
  Context planning(table, plan, serial, DType::bf16);
  problem.run(planning, 0);
  const Buffer memory = allocate_buffer(table, DType::u8, {std::max<int64_t>(plan.high_water(), Arena::kAlignment)});
  Arena arena(memory.tensor().data, memory.tensor().bytes());
  Context ctx(table, arena, serial, DType::bf16);
  const int64_t calls = std::max<int64_t>(problem.copies(), flop > 1e11 ? 2 : 24);
  problem.run(ctx, 0);  // loads the kernel, and whatever else happens once
  check_cuda(cudaStreamSynchronize(cudaStreamPerThread), "the first call");

  cudaGraph_t graph;
  cudaGraphExec_t replay;
  check_cuda(cudaStreamBeginCapture(cudaStreamPerThread, cudaStreamCaptureModeThreadLocal), "begin of capture");
  for (int64_t i = 0; i < calls; ++i) problem.run(ctx, i % problem.copies());
  check_cuda(cudaStreamEndCapture(cudaStreamPerThread, &graph), "end of capture");
  check_cuda(cudaGraphInstantiate(&replay, graph, 0), "instantiation");
  cudaEvent_t begin, end;
  check_cuda(cudaEventCreate(&begin), "event");
  check_cuda(cudaEventCreate(&end), "event");
  std::vector<float> times;
  float total = 0;
  for (int i = 0; i < 50 && (i < 7 || total < 60); ++i) {  // milliseconds
    check_cuda(cudaEventRecord(begin, cudaStreamPerThread), "event");
    check_cuda(cudaGraphLaunch(replay, cudaStreamPerThread), "replay");
    check_cuda(cudaEventRecord(end, cudaStreamPerThread), "event");
    check_cuda(cudaEventSynchronize(end), "replay");
    float time = 0;
    check_cuda(cudaEventElapsedTime(&time, begin, end), "event");
    if (i >= 2) times.push_back(time);
    total += time;
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(replay);
  cudaGraphDestroy(graph);
  std::nth_element(times.begin(), times.begin() + long(times.size() / 2), times.end());
  return double(times[times.size() / 2]) / 1e3 / double(calls);
}

const BackendPlugin& load_plugin(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(TS_DEVICE_ERROR, dlerror());
  const auto entry = reinterpret_cast<BackendPluginEntry>(dlsym(library, kBackendPluginSymbol));
  if (!entry) fail(TS_DEVICE_ERROR, path, " has no ", kBackendPluginSymbol);
  const BackendPlugin* plugin = entry(backend_host());
  require(plugin->build_id == kBackendBuildId, path, " is of another build");
  return *plugin;
}

int run(int argc, char** argv) {
  std::string path = (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib" / "libthinksound_cuda.so").string(), only;
  std::vector<std::string> kernels{"cublaslt", "wgmma", "mma"};
  for (int i = 1; i < argc; ++i)
    if (std::string(argv[i]) == "--tiles") kernels = {"cublaslt", "wgmma", "wgmma:64", "wgmma:64/2", "wgmma:64/4", "wgmma:136", "wgmma:136/2", "wgmma:136/4", "wgmma:136/5", "wgmma:128"};
    else if (std::string(argv[i]) == "--only" && i + 1 < argc) only = argv[++i];
    else path = argv[i];
  const BackendPlugin& plugin = load_plugin(path);
  char why[512] = "";
  if (plugin.count(why, sizeof why) == 0) {
    std::printf("skipped: %s\n", why);
    return 0;
  }
  BackendDevice device{};
  plugin.describe(0, &device);
  require(device.table != nullptr, device.name, ": ", device.detail);
  const OperatorTable& table = *device.table;

  nlohmann::json results = nlohmann::json::array();
  Random random;
  double ceiling = 0;
  bool is_right = true;
  std::printf("%s\n%-22s %-11s %10s %9s %6s %8s  %s\n", device.name, "case", "kernel", "us", "Tflop/s", "of top", "x cublas", "error");
  for (const Case& c : cases()) {
    if (!only.empty() && !c.is_ceiling && c.name.find(only) == std::string::npos) continue;
    const Problem problem(table, c, random);
    double cublaslt = 0;
    for (const std::string& kernel : kernels) {
      // Convolutions are not plain products; the ceiling is what the library reaches, and we beside it.
      if (kernel == "cublaslt" && (c.taps > 1 || c.what == What::transposed)) continue;
      setenv("THINKSOUND_CUDA_PRODUCT", kernel.c_str(), 1);
      nlohmann::json line{{"case", c.name}, {"kernel", kernel}, {"rows", c.items * c.len}, {"in", c.in}, {"out", c.out}, {"taps", c.taps}};
      try {
        problem.poison();
        const double seconds = seconds_per_call(problem, table, c.flop()), error = problem.error(random), rate = c.flop() / seconds;
        if (c.is_ceiling) ceiling = std::max(ceiling, rate);
        if (kernel == "cublaslt") cublaslt = seconds;
        const bool passes = error < 8e-3;  // a step of bf16 where it is stored
        is_right = is_right && passes;
        std::printf("%-22s %-11s %10.2f %9.1f %5.1f%% %8.2f  %.1e%s\n", c.name.c_str(), kernel.c_str(), seconds * 1e6, rate / 1e12,
                    ceiling > 0 ? 100 * rate / ceiling : 0.0, cublaslt > 0 ? cublaslt / seconds : 0.0, error, passes ? "" : "  WRONG");
        line.update({{"seconds", seconds}, {"flop", c.flop()}, {"error", std::isfinite(error) ? error : -1.0}});
      } catch (const Error& error) {
        std::printf("%-22s %-11s %s\n", c.name.c_str(), kernel.c_str(), error.what());
        line["failed"] = error.what();
        if (kernel != "cublaslt") is_right = false;
      }
      std::fflush(stdout);
      results.push_back(line);
    }
    if (const char* out = std::getenv("OUT")) {  // after every case, lest the time end before they do
      const std::filesystem::path to = std::filesystem::path(out) / "cuda_product_bench.json", part = to.string() + ".part";
      std::ofstream(part) << nlohmann::json{{"device", device.name}, {"ceiling", ceiling}, {"results", results}}.dump(1) << "\n";
      std::filesystem::rename(part, to);
    }
  }
  return is_right ? 0 : 1;
}

}  // namespace
}  // namespace ts

int main(int argc, char** argv) {
  try {
    return ts::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cuda_product_bench: %s\n", error.what());
    return 1;
  }
}
