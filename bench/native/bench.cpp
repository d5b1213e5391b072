#include "bench.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(TS_CPU_BACKEND)
#include <dnnl.hpp>
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
extern "C" void omp_set_num_threads(int);
#endif
#endif

#include "core/philox.h"
#include "runtime/thread_pool.h"

namespace ts::bench {

std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

std::vector<float> random_values(int64_t count, float scale) {
  static uint64_t stream = 0;
  std::vector<float> values(static_cast<size_t>(count));
  fill_normal(values, 7, ++stream);
  for (float& value : values) value *= scale;
  return values;
}

std::vector<float> widened(const Tensor& tensor) {
  std::vector<float> values(size_t(tensor.numel()));
  if (tensor.dtype == DType::f32) std::memcpy(values.data(), tensor.data, size_t(tensor.bytes()));
  else std::transform(tensor.as<bf16>(), tensor.as<bf16>() + tensor.numel(), values.begin(), [](bf16 value) { return to_float(value); });
  return values;
}

namespace {

void run_on(const OperatorTable& table, Parallel& parallel, DType product_dtype, const std::function<void(Context&)>& body) {
  Arena plan = Arena::planning();
  Context planning(table, plan, parallel, product_dtype);
  body(planning);
  const Buffer memory = allocate_buffer(table, DType::u8, {std::max<int64_t>(plan.high_water(), 1)});
  Arena arena(memory.tensor().data, plan.high_water());
  Context ctx(table, arena, parallel, product_dtype);
  body(ctx);
}

}  // namespace

Bench::Bench(const Options& options) : options_(options) {
  if (options.cpu_time || options.num_threads == 1) parallel_ = std::make_unique<Serial>();
  else parallel_ = std::make_unique<ThreadPool>(options.num_threads);
}

Bench::~Bench() = default;

double Bench::now() const {
  if (!options_.cpu_time) return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

void Bench::in_context(DType product_dtype, const std::function<void(Context&)>& body) { run_on(table(), *parallel_, product_dtype, body); }

void Bench::run_once(const OperatorTable& table, DType product_dtype, const std::function<void(Context&)>& body) {
  Serial serial;
  run_on(table, serial, product_dtype, body);
}

double Bench::best_of(const std::function<void()>& body) {
  body();
  double best = INFINITY;
  const double start = now();
  for (int runs = 0; runs < 3 || now() - start < options_.seconds; ++runs) {
    const double before = now();
    body();
    best = std::min(best, now() - before);
  }
  return best;
}

double Bench::best_seconds(DType product_dtype, const std::function<void(Context&)>& body) {
  double seconds = 0;
  in_context(product_dtype, [&](Context& ctx) {
    if (ctx.planning()) body(ctx);
    else seconds = best_of([&] { body(ctx); });
  });
  return seconds;
}

void Bench::print_rate(const std::string& name, DType product_dtype, double flop, double seconds) {
  const double gflops = flop / seconds / 1e9, ceiling = product_ceiling(product_dtype);
  std::printf("%-58s %-5s %10.3f ms %8.1f GFLOP/s %5.1f %% of the best product\n", name.c_str(), name_of(product_dtype).data(), seconds * 1e3,
              gflops, 100 * gflops / ceiling);
  std::fflush(stdout);
}

void Bench::rate(const std::string& name, DType product_dtype, double flop, const std::function<void(Context&)>& body) {
  product_ceiling(product_dtype);  // before and after: the machine may be slower in between, not faster
  print_rate(name, product_dtype, flop, best_seconds(product_dtype, body));
}

void Bench::bandwidth(const std::string& name, double bytes, const std::function<void(Context&)>& body) {
  copy_ceiling();
  const double seconds = best_seconds(DType::f32, body), rate = bytes / seconds / 1e9;
  std::printf("%-58s       %10.3f ms %8.1f GB/s    %5.1f %% of a copy\n", name.c_str(), seconds * 1e3, rate, 100 * rate / copy_ceiling());
  std::fflush(stdout);
}

void Bench::check(const std::string& name, const std::vector<float>& ours, const std::vector<float>& theirs, double tolerance) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    error += (double(ours[i]) - theirs[i]) * (double(ours[i]) - theirs[i]);
    norm += double(theirs[i]) * theirs[i];
  }
  const double relative = std::sqrt(error / norm);
  if (ours.size() == theirs.size() && relative <= tolerance) return;
  std::fprintf(stderr, "%s: differs from the plain backend by %g (relative L2), %g allowed\n", name.c_str(), relative, tolerance);
  std::exit(1);
}

double Bench::product_ceiling([[maybe_unused]] DType dtype) {
#if defined(TS_CPU_BACKEND)
  using dnnl::memory;
  const int num_threads = parallel_->num_threads();
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
  omp_set_num_threads(num_threads);
#endif
  constexpr int64_t kSide = 2048;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto type = dtype == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  const memory::desc a({kSide, kSide}, type, memory::format_tag::ab), b({kSide, kSide}, type, memory::format_tag::any),
      c({kSide, kSide}, memory::data_type::f32, memory::format_tag::ab);
  const dnnl::matmul::primitive_desc desc({a, b, c}, engine);
  const dnnl::matmul matmul(desc);
  memory left(desc.src_desc(), engine), right(desc.weights_desc(), engine), result(desc.dst_desc(), engine);
  for (memory* operand : {&left, &right}) std::memset(operand->get_data_handle(), 0x3c, operand->get_desc().get_size());
  double& best = product_[dtype == DType::bf16];
  for (int i = 0; i < 4; ++i) {
    const double before = now();
    matmul.execute(stream, {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, result}});
    stream.wait();
    best = std::max(best, 2.0 * kSide * kSide * kSide / (now() - before) / 1e9);
  }
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
  omp_set_num_threads(1);
#endif
  return best;
#else
  return NAN;
#endif
}

double Bench::copy_ceiling() {
  constexpr size_t kFloats = size_t(64) << 20, kTasks = 64;
  static std::vector<float> from(kFloats, 1.0f), to(kFloats);
  for (int i = 0; i < 4; ++i) {
    const double before = now();
    parallel_->run(kTasks, [&](int64_t task) {
      std::memcpy(to.data() + size_t(task) * (kFloats / kTasks), from.data() + size_t(task) * (kFloats / kTasks), kFloats / kTasks * sizeof(float));
    });
    copied_ = std::max(copied_, 2.0 * double(kFloats * sizeof(float)) / (now() - before) / 1e9);
  }
  return copied_;
}

}  // namespace ts::bench
