// What every benchmark does around the operator: inputs, the planning run, a check of the answer against the plain
// backend, short repeated runs of which the best counts, and a line with the number and its ceiling.
//
//   TS_BENCH("linear") {
//     bench.compare("linear 388x1024", [&](Context& ctx) { … writes y … }, y);      // against plain, then
//     bench.rate("linear 388x1024", dtype, flop, [&](Context& ctx) { … });
//   }
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/table.h"

namespace ts::bench {

struct Options {
  int num_threads = 0;       // 0 = one per core
  bool cpu_time = false;     // one thread, its processor time: for machines that are busy with other things
  double seconds = 0.4;      // per measurement
  std::vector<DType> dtypes{DType::bf16, DType::f32};
  std::vector<std::string> filters;
};

std::vector<float> random_values(int64_t count, float scale = 1.0f);
std::vector<float> widened(const Tensor& tensor);  // f32 or bf16, on the host

class Bench {
 public:
  explicit Bench(const Options& options);
  ~Bench();

  const OperatorTable& table() const { return cpu_table(); }
  Parallel& parallel() { return *parallel_; }
  const std::vector<DType>& dtypes() const { return options_.dtypes; }

  // Runs the body twice, to plan and to compute, on the benchmark's threads.
  void in_context(DType product_dtype, const std::function<void(Context&)>& body);
  // Seconds of the fastest of several runs. Without a context, of anything; with one, of what the operators planned.
  double best_of(const std::function<void()>& body);
  double best_seconds(DType product_dtype, const std::function<void(Context&)>& body);
  // The same, printed as GFLOP/s and in percent of the best product, or as GB/s and in percent of a copy.
  void rate(const std::string& name, DType product_dtype, double flop, const std::function<void(Context&)>& body);
  void bandwidth(const std::string& name, double bytes, const std::function<void(Context&)>& body);
  void print_rate(const std::string& name, DType product_dtype, double flop, double seconds);

  // Stops the program unless `ours` and `theirs` agree to `tolerance` in relative L2.
  void check(const std::string& name, const std::vector<float>& ours, const std::vector<float>& theirs, double tolerance);
  // Runs the body once on a table, with a single thread.
  void run_once(const OperatorTable& table, DType product_dtype, const std::function<void(Context&)>& body);

  // GFLOP/s of oneDNN's 2048³ product, GB/s of a large copy (read and written), on the same threads and clock. Measured
  // anew every few seconds, the best counts: on a busy machine no single measurement is to be trusted.
  double product_ceiling(DType dtype);
  double copy_ceiling();

 private:
  double now() const;
  Options options_;
  std::unique_ptr<Parallel> parallel_;
  double product_[2] = {}, copied_ = 0;
};

// Benchmarks register themselves by name.
struct Entry {
  const char* name;
  void (*run)(Bench&);
};
std::vector<Entry>& entries();
struct Registration {
  Registration(const char* name, void (*run)(Bench&)) { entries().push_back({name, run}); }
};

}  // namespace ts::bench

#define TS_BENCH_JOIN2(a, b) a##b
#define TS_BENCH_JOIN(a, b) TS_BENCH_JOIN2(a, b)
#define TS_BENCH(name)                                                                                                       \
  static void TS_BENCH_JOIN(ts_bench_, __LINE__)(::ts::bench::Bench & bench);                                                \
  static const ::ts::bench::Registration TS_BENCH_JOIN(ts_entry_, __LINE__)(name, TS_BENCH_JOIN(ts_bench_, __LINE__)); \
  static void TS_BENCH_JOIN(ts_bench_, __LINE__)([[maybe_unused]] ::ts::bench::Bench & bench)
