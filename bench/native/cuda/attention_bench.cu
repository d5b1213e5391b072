// Attention of every network at published size on a GPU: each path that takes the case, checked and timed.
//
//   ts_cuda_attention_bench          a table, and with OUT set the same as JSON in $OUT/attention.json; fails on a wrong answer
//
// Answers are compared with f64 on sampled rows, over an output full of NaN; the error is relative L2, at most kMaxError for
// bf16 in and out. Time is the median of replays of a graph of several launches. Inputs of small cases stay in L2, as they do
// in the networks, where the projection has just written them. Ceilings are measured in the same run: the rate of wgmma (or
// mma) without any loads, and a device-to-device copy.
#include <cuda_bf16.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_paths.h"
#include "ops/cuda/attention_tiles.cuh"
#include "ops/cuda/attention_wgmma.cuh"
#include "ops/cuda/launch.h"

namespace ts::cuda {

// Of launch.h, what the kernels' launchers need: here every kernel waits for the one before.
bool starts_early() { return false; }
void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

namespace {

constexpr double kMaxError = 6e-3;
constexpr int kSamples = 96, kReplays = 9;

void require_cuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

// Sum of four uniform bytes: near enough to N(0, 1), and fast.
struct Random {
  uint64_t state = 0x9E3779B97F4A7C15ull;
  uint32_t bits() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return uint32_t(state >> 32);
  }
  float normal() {
    const uint32_t b = bits();
    return (float(b & 255) + float(b >> 8 & 255) + float(b >> 16 & 255) + float(b >> 24) - 510.0f) / 147.8f;
  }
};

template <class T>
struct Memory {
  std::vector<T> host;
  T* device = nullptr;
  explicit Memory(int64_t count) : host(size_t(count)) { require_cuda(cudaMalloc(&device, bytes()), "cudaMalloc"); }
  Memory(Memory&& other) noexcept : host(std::move(other.host)), device(other.device) { other.device = nullptr; }
  ~Memory() { cudaFree(device); }
  size_t bytes() const { return host.size() * sizeof(T); }
  void upload() { require_cuda(cudaMemcpy(device, host.data(), bytes(), cudaMemcpyHostToDevice), "upload"); }
  void download() { require_cuda(cudaMemcpy(host.data(), device, bytes(), cudaMemcpyDeviceToHost), "download"); }
};
using Values = Memory<bf16>;

Values random_values(Random& random, int64_t count) {
  Values values(count);
  for (bf16& value : values.host) value = to_bf16(random.normal());
  values.upload();
  return values;
}

struct Lengths { int64_t queries, keys; };
struct Case {
  const char* name;
  int64_t items, heads, dim;
  std::vector<Lengths> streams;
  bool causal = false, mask = false, bias = false;
  int64_t frames = 0, sites = 0;  // divided attention instead of streams
  ops::DividedAxis axis = ops::DividedAxis::time;
};

const Case kCases[] = {
    {"DiT joint, 2 items", 2, 16, 64, {{194, 194}, {72, 72}, {154, 154}}},
    {"DiT joint, last block, 2 items", 2, 16, 64, {{194, 194}, {0, 72}, {0, 154}}},
    {"DiT fused, 2 items", 2, 16, 64, {{194, 194}}},
    {"DiT cross, 2 items", 2, 16, 64, {{194, 0}, {0, 154}}},
    {"DiT joint, 32 items", 32, 16, 64, {{194, 194}, {72, 72}, {154, 154}}},
    {"DiT fused, 32 items", 32, 16, 64, {{194, 194}}},
    {"CLIP vision, 72 frames", 72, 16, 80, {{257, 257}}},
    {"CLIP text, 2 items", 2, 16, 64, {{77, 77}}, true, true},
    {"T5, 2 items", 2, 32, 64, {{77, 77}}, false, true, true},
    {"Synchformer time, 27 segments", 27, 12, 64, {}, false, false, false, 8, 196, ops::DividedAxis::time},
    {"Synchformer space, 27 segments", 27, 12, 64, {}, false, false, false, 8, 196, ops::DividedAxis::space},
    {"Synchformer aggregation, 27 segments", 216, 12, 64, {{197, 197}}},
    {"heads of 128, 300 tokens", 32, 16, 128, {{300, 300}}},
    {"heads of 32, 300 tokens", 32, 16, 32, {{300, 300}}},
};

// The job of a case with everything it points to.
struct Problem {
  std::vector<Values> q, k, v, out;
  std::vector<AttentionStream> streams;
  Memory<uint8_t> mask;
  Memory<float> bias;
  AttentionJob job{};
  double flop = 0, bytes = 0;

  Problem(const Case& c, Random& random) : mask(c.items * keys(c)), bias(c.bias ? c.heads * keys(c) * keys(c) : 0) {
    const auto add = [&](int64_t num_queries, int64_t num_keys) {
      q.push_back(random_values(random, c.items * c.heads * num_queries * c.dim));
      out.emplace_back(c.items * num_queries * c.heads * c.dim);
      k.push_back(random_values(random, c.items * c.heads * num_keys * c.dim));
      v.push_back(random_values(random, c.items * c.heads * num_keys * c.dim));
      AttentionStream stream;
      if (num_queries) stream.q = {q.back().device, DType::bf16, {c.items, c.heads, num_queries, c.dim}};
      if (num_queries) stream.out = {out.back().device, DType::bf16, {c.items, num_queries, c.heads * c.dim}};
      if (num_keys) stream.k = {k.back().device, DType::bf16, {c.items, c.heads, num_keys, c.dim}};
      if (num_keys) stream.v = {v.back().device, DType::bf16, {c.items, c.heads, num_keys, c.dim}};
      streams.push_back(stream);
      bytes += double(q.back().bytes() + out.back().bytes() + k.back().bytes() + v.back().bytes());
    };
    const float scale = c.bias ? 0.125f : 1.0f / std::sqrt(float(c.dim));
    if (c.frames) {
      const int64_t length = 1 + c.frames * c.sites;
      add(length, length);
      const AttentionStream& s = streams[0];
      job = divided_attention_job(s.out, {s.q, s.k, s.v}, c.frames, c.sites, c.axis, scale);
    } else {
      for (const Lengths& lengths : c.streams) add(lengths.queries, lengths.keys);
      AttentionOptions options{.scale = scale, .causal = c.causal};
      for (size_t i = 0; i < mask.host.size(); ++i) mask.host[i] = int64_t(i) % keys(c) < keys(c) - 11;
      for (float& value : bias.host) value = random.normal();
      mask.upload();
      bias.upload();
      if (c.mask) options.key_mask = {mask.device, DType::u8, {c.items, keys(c)}};
      if (c.bias) options.bias = {bias.device, DType::f32, {c.heads, keys(c), keys(c)}};
      job = attention_job(streams, options);
    }
    for (int32_t i = 0; i < job.num_query_streams; ++i)
      flop += 4.0 * double(c.dim) * job.slots * job.queries[i].groups * double(job.queries[i].count) * job.queries[i].num_keys;
  }
  static int64_t keys(const Case& c) {
    int64_t sum = 0;
    for (const Lengths& lengths : c.streams) sum += lengths.keys;
    return c.frames ? 1 + c.frames * c.sites : sum;
  }

  const bf16* on_host(const std::vector<Values>& all, const void* device) const {
    for (const Values& values : all) {
      const auto offset = static_cast<const bf16*>(device) - values.device;
      if (offset >= 0 && size_t(offset) < values.host.size()) return values.host.data() + offset;
    }
    return nullptr;
  }

  // Relative L2 on sampled rows, each stream's among them; NaN counts as infinite.
  double error(Random& random) {
    for (Values& values : out) values.download();
    double difference = 0, norm = 0;
    AttentionJob tiles = job;
    const int64_t rows = set_tiles(tiles, 1);
    for (int sample = 0; sample < kSamples; ++sample) {
      int64_t block = int64_t((uint64_t(random.bits()) << 16 ^ random.bits()) % uint64_t(rows));
      if (sample < 8) block = sample % 2 ? rows - 1 - sample / 2 : sample / 2 * job.slots / 4 * tiles.slot_tiles;  // first (cls) and last rows of slots
      const QueryTile tile = tile_of(tiles, block, 1);
      const QueryRows& queries = job.queries[tile.stream];
      const bf16* query = on_host(q, queries.q) + query_offset(queries, tile, tile.first);
      std::vector<double> scores(size_t(queries.num_keys), -INFINITY), mean(size_t(job.dim), 0.0);
      double top = -INFINITY, total = 0;
      const auto row_of = [&](const std::vector<Values>& all, int32_t position, bool is_key) {
        const KeyRows& keys = job.keys[stream_of(job, queries, position)];
        return on_host(all, is_key ? keys.k : keys.v) + key_offset(keys, tile, position);
      };
      for (int32_t j = 0; j < queries.num_keys; ++j) {
        if (job.causal && j > tile.first) continue;
        if (job.key_mask && !mask.host[size_t(tile.item) * size_t(queries.num_keys) + size_t(j)]) continue;
        const bf16* key = row_of(k, j, true);
        double sum = 0;
        for (int d = 0; d < job.dim; ++d) sum += double(to_float(query[d])) * to_float(key[d]);
        sum *= job.scale;
        if (job.bias) sum += bias.host[(size_t(tile.head) * size_t(queries.count) + size_t(tile.first)) * size_t(queries.num_keys) + size_t(j)];
        scores[size_t(j)] = sum;
        top = std::max(top, sum);
      }
      for (int32_t j = 0; j < queries.num_keys; ++j) {
        const double weight = std::exp(scores[size_t(j)] - top);
        if (!(weight > 0)) continue;
        total += weight;
        const bf16* value = row_of(v, j, false);
        for (int d = 0; d < job.dim; ++d) mean[size_t(d)] += weight * to_float(value[d]);
      }
      const bf16* ours = on_host(out, queries.out) + out_offset(job, queries, tile, tile.first);
      for (int d = 0; d < job.dim; ++d) {
        const double exact = mean[size_t(d)] / total, off = to_float(ours[d]) - exact;
        difference += std::isfinite(off) ? off * off : INFINITY;
        norm += exact * exact;
      }
    }
    return std::sqrt(difference / norm);
  }
};

// Seconds of one launch.
template <class Launch>
double seconds(cudaStream_t stream, int launches, const Launch& launch) {
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  require_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin capture");
  for (int i = 0; i < launches; ++i) require_cuda(launch(), "launch in a graph");
  require_cuda(cudaStreamEndCapture(stream, &graph), "end capture");
  require_cuda(cudaGraphInstantiate(&exec, graph, 0), "instantiate");
  cudaEvent_t begin, end;
  require_cuda(cudaEventCreate(&begin), "event");
  require_cuda(cudaEventCreate(&end), "event");
  std::vector<float> times;
  for (int i = 0; i < kReplays + 2; ++i) {
    require_cuda(cudaEventRecord(begin, stream), "record");
    require_cuda(cudaGraphLaunch(exec, stream), "replay");
    require_cuda(cudaEventRecord(end, stream), "record");
    require_cuda(cudaEventSynchronize(end), "replay");
    float ms = 0;
    require_cuda(cudaEventElapsedTime(&ms, begin, end), "elapsed");
    if (i >= 2) times.push_back(ms);
  }
  std::sort(times.begin(), times.end());
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  return double(times[times.size() / 2]) * 1e-3 / launches;
}

// Products of registers with one tile in shared memory, over and over: what the tensor cores do when nothing else happens.
constexpr int kCeilingRounds = 2000, kCeilingThreads = 128;
__global__ void __launch_bounds__(kCeilingThreads) ceiling_kernel(float* out, uint32_t seed) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  __shared__ __align__(1024) uint32_t tile[112 * 32];
  for (int i = int(threadIdx.x); i < 112 * 32; i += kCeilingThreads) tile[i] = 0x3F003F00u ^ (uint32_t(i) * 2654435761u & 0x807F807Fu);
  ptx::publish_writes();
  __syncthreads();
  uint32_t a[4][4];
  for (int i = 0; i < 16; ++i) a[i / 4][i % 4] = 0x3F003F00u ^ ((seed + threadIdx.x * 16 + i) * 2654435761u & 0x807F807Fu);
  float c[14][4] = {};
  const uint64_t b = ptx::describe_rows(ptx::shared_address(tile));
#pragma unroll 1
  for (int round = 0; round < kCeilingRounds; ++round) {
    pin(c);
    ptx::begin_products();
#pragma unroll
    for (int d = 0; d < 4; ++d) multiply_group<__nv_bfloat16, 0>(c, a[d], b + uint64_t(d) * 2, true);
    ptx::commit_products();
    ptx::wait_for_products<0>();
    pin(c);
  }
  float sum = 0;
  for (int i = 0; i < 56; ++i) sum += c[i / 4][i % 4];
  out[blockIdx.x * kCeilingThreads + threadIdx.x] = sum;
#else
  out[blockIdx.x * kCeilingThreads + threadIdx.x] = float(seed);
#endif
}

struct Ceilings { double flop_per_s, bytes_per_s; };

Ceilings measure_ceilings(cudaStream_t stream, int multiprocessors) {
  const int64_t half = int64_t(1) << 30;
  const int blocks = multiprocessors * 4;
  char* memory = nullptr;
  require_cuda(cudaMalloc(&memory, size_t(2 * half)), "cudaMalloc");
  require_cuda(cudaMemset(memory, 0x3C, size_t(2 * half)), "cudaMemset");
  Ceilings ceilings{};
  ceilings.bytes_per_s = 2.0 * double(half) / seconds(stream, 1, [&] { return cudaMemcpyAsync(memory + half, memory, size_t(half), cudaMemcpyDeviceToDevice, stream); });
  if (has_attention_wgmma()) {
    const double flop = 2.0 * 64 * 112 * 64 * kCeilingRounds * blocks;
    ceilings.flop_per_s = flop / seconds(stream, 1, [&] {
      ceiling_kernel<<<unsigned(blocks), kCeilingThreads, 0, stream>>>(reinterpret_cast<float*>(memory), 7);
      return cudaGetLastError();
    });
  }
  cudaFree(memory);
  return ceilings;
}

int run() {
  cudaDeviceProp card{};
  int driver = 0;
  require_cuda(cudaGetDeviceProperties(&card, 0), "no GPU");
  require_cuda(cudaDriverGetVersion(&driver), "driver");
  cudaStream_t stream;
  require_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  const bool has_wgmma = has_tensor_maps() && has_attention_wgmma();
  const Ceilings ceilings = measure_ceilings(stream, card.multiProcessorCount);
  std::string json = concat("{\"card\": \"", card.name, "\", \"driver\": ", driver, ", \"nvcc\": \"", __CUDACC_VER_MAJOR__, ".", __CUDACC_VER_MINOR__,
                            "\", \"tensor_tflops\": ", ceilings.flop_per_s * 1e-12, ", \"copy_gbps\": ", ceilings.bytes_per_s * 1e-9, ", \"results\": [");
  std::printf("%s, wgmma alone %.0f TFLOP/s, copy %.0f GB/s\n", card.name, ceilings.flop_per_s * 1e-12, ceilings.bytes_per_s * 1e-9);
  Random random;
  int failures = 0, lines = 0;
  for (const Case& c : kCases) {
    Problem problem(c, random);
    const auto measure = [&](const char* path, const auto& launch) {
      for (Values& values : problem.out) require_cuda(cudaMemset(values.device, 0xFF, values.bytes()), "cudaMemset");
      const cudaError_t started = launch(), finished = started == cudaSuccess ? cudaStreamSynchronize(stream) : started;
      if (finished != cudaSuccess) {  // the context may be lost: say which, and stop
        std::printf("%s, %s: %s\n", c.name, path, cudaGetErrorString(finished));
        std::exit(1);
      }
      const double error = problem.error(random);
      const bool is_right = error <= kMaxError;
      failures += !is_right;
      const double once = seconds(stream, problem.flop > 2e10 ? 3 : 10, launch);
      std::printf("%-38s %-6s %9.2f us %7.1f TFLOP/s %5.1f %% %7.0f GB/s %5.1f %%  error %.2e%s\n", c.name, path, once * 1e6, problem.flop / once * 1e-12,
                  ceilings.flop_per_s > 0 ? 100 * problem.flop / once / ceilings.flop_per_s : 0.0, problem.bytes / once * 1e-9,
                  100 * problem.bytes / once / ceilings.bytes_per_s, error, is_right ? "" : "  WRONG");
      std::fflush(stdout);
      json += concat(lines++ ? ",\n" : "\n", "{\"case\": \"", c.name, "\", \"path\": \"", path, "\", \"us\": ", once * 1e6, ", \"tflops\": ", problem.flop / once * 1e-12,
                     ", \"gbps\": ", problem.bytes / once * 1e-9, ", \"error\": ", std::isfinite(error) ? error : -1.0, ", \"right\": ", is_right ? "true" : "false", "}");
    };
    const AttentionJob& job = problem.job;
    const bool in_time = c.frames && c.axis == ops::DividedAxis::time;
    if (problem.flop < 3e9) measure("simt", [&] { return launch_attention_simt(job, DType::bf16, stream); });
    if (in_time && has_divided_time_kernel(job)) measure("time", [&] { return launch_divided_time(job, DType::bf16, stream); });
    measure("mma", [&] { return launch_attention_mma(job, DType::bf16, card.multiProcessorCount, stream); });
    if (!in_time && best_path(job, DType::bf16, AttentionPath::wgmma, has_wgmma) == AttentionPath::wgmma) {
      WgmmaJob wgmma = wgmma_job(job);
      measure("wgmma", [&] { return launch_attention_wgmma(wgmma, DType::bf16, card.multiProcessorCount, stream); });
    }
  }
  json += "\n]}\n";
  if (const char* folder = std::getenv("OUT")) {
    const std::string path = concat(folder, "/attention.json");
    std::FILE* file = std::fopen(path.c_str(), "w");
    const bool is_written = file && std::fputs(json.c_str(), file) >= 0;
    if (!file || std::fclose(file) != 0 || !is_written) {
      std::fprintf(stderr, "%s cannot be written\n", path.c_str());
      return 1;
    }
  }
  return failures ? 1 : 0;
}

}  // namespace
}  // namespace ts::cuda

int main() {
  try {
    return ts::cuda::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
