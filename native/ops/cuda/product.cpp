// Chooses the kernel of a product, gets its input ready and its partial sums a place.
#include "ops/cuda/product.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "ops/cuda/cublaslt.h"
#include "ops/cuda/finish_form.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_choice.h"
#include "ops/cuda/product_kernels.h"
#include "ops/cuda/product_measurements.h"

namespace ts::cuda {
namespace {

constexpr int64_t kVector = 8;

// Whether the sums are the outputs. What f16 cannot hold is stored as the largest it can, which the library does not do.
bool is_plain(const Finish& f, const ProductRows& rows) {
  return f.kind == Finish::Kind::rows && f.type != DType::f16 && f.y[0] && !f.snaked && !f.bias && f.activation == Activation::none && !f.gate && !f.residual && f.y_first == 0 &&
         f.y_stride == f.columns && f.y_item == int64_t(rows.rows_per_item) * f.columns;
}

int32_t narrow(int64_t value, const char* what) {
  require(value <= std::numeric_limits<int32_t>::max() && value >= std::numeric_limits<int32_t>::min() / 2, "product: ", what, " ", value,
          " is too large");
  return int32_t(value);
}

// x and the scales of its rows, where it has any, as the product reads it: itself, or rows in scratch.
struct Input {
  Tensor x, scale = {};
};
Input product_input(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight) {
  if (weight.format == WeightFormat::fp8) {
    constexpr int64_t kVectorOfBytes = 16;
    const Tensor y = ctx.arena().allocate(DType::e4m3, {x.rows(), (x.cols() + kVectorOfBytes - 1) / kVectorOfBytes * kVectorOfBytes});
    const Tensor scale = ctx.f32({x.rows()});
    if (!ctx.planning()) quantise_input(stream(ctx), y, static_cast<float*>(scale.data), x);
    return {y, scale};
  }
  const bool is_ready = x.dtype == weight.dtype && !snake.a &&
                        (weight.dtype == DType::f32 || (x.cols() % kVector == 0 && is_aligned(x.data)));
  if (is_ready) return {x};
  const int64_t stride = weight.dtype == DType::f32 ? x.cols() : (x.cols() + kVector - 1) / kVector * kVector;
  const Tensor y = ctx.arena().allocate(weight.dtype, {x.rows(), stride});
  if (!ctx.planning()) prepare_input(stream(ctx), y, x, snake);
  return {y};
}

// False where cuBLASLt refuses the product. Planning takes the room it needs.
bool product_by_library(Context& ctx, Product p, DType dtype) {
  const Arena::Scope scope(ctx.arena());
  const Tensor workspace = ctx.arena().allocate(DType::u8, {kCublasltWorkspaceBytes});
  const Finish& finish = p.finish;
  const bool writes_outputs = is_plain(finish, p.rows);
  if (!writes_outputs) {
    p.partial_stride = p.columns;
    p.partial = static_cast<float*>(ctx.f32({p.num_rows, p.columns}).data);
  }
  if (ctx.planning()) return true;
  if (writes_outputs) return product_cublaslt(stream(ctx), p, dtype, finish.y[0], finish.type, workspace.data);
  if (!product_cublaslt(stream(ctx), p, dtype, p.partial, DType::f32, workspace.data)) return false;
  product_finish(stream(ctx), p);
  return true;
}

// By wgmma or mma.
void product_by_tiles(Context& ctx, ProductKernel kernel, Product p, const Tensor& input, bool is_int8) {
  const Arena::Scope scope(ctx.arena());
  const int64_t steps = int64_t(p.rows.taps) * p.steps_per_tap;
  const bool is_fp8 = input.dtype == DType::e4m3, is_wgmma = kernel == ProductKernel::wgmma;
  ProductTiles tiles = is_wgmma ? wgmma_tiles(p.num_rows, p.columns, steps, p.rows.taps, multiprocessors(ctx), input.dtype)
                                : mma_tiles(p.num_rows, p.columns, steps, p.rows.taps, multiprocessors(ctx));
  if (const auto wish = product_wish(); wish && is_wgmma && wish->rows != 0 && has_wgmma_tile(wish->rows, input.dtype)) {
    tiles.rows = wish->rows;
    tiles.splits = int32_t(std::clamp<int64_t>(wish->splits, 1, steps));
  }
  p.splits = tiles.splits;
  if (p.splits > 1 && !is_wgmma) {
    p.partial_stride = tiles_of(p.columns, 128) * 128;  // whole tiles of every kernel
    p.partial = static_cast<float*>(ctx.f32({p.splits, p.num_rows, p.partial_stride}).data);
  }
  if (ctx.planning()) return;
  if (is_wgmma) (is_fp8 ? product_wgmma_fp8 : product_wgmma)(stream(ctx), p, tiles, input);
  else if (is_fp8) product_mma_fp8(stream(ctx), p, tiles);
  else product_mma(stream(ctx), p, tiles, input.dtype, is_int8);
  if (p.partial) product_finish(stream(ctx), p);
}

// Device memory for the while of a measurement.
class Scratch {
 public:
  explicit Scratch(int64_t bytes) { check(cudaMalloc(&memory_, size_t(bytes)), "memory for a measurement"); }
  ~Scratch() { cudaFree(memory_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* data() const { return memory_; }

 private:
  void* memory_ = nullptr;
};

// Microseconds of `body` on the stream: the fastest of some runs, after one that nobody times.
template <class Body>
double time_us(cudaStream_t stream, const Body& body) {
  constexpr int kRuns = 5;
  cudaEvent_t begin, end;
  check(cudaEventCreateWithFlags(&begin, cudaEventDefault), "an event");
  check(cudaEventCreateWithFlags(&end, cudaEventDefault), "an event");
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run <= kRuns; ++run) {
    check(cudaEventRecord(begin, stream), "an event");
    body();
    check(cudaEventRecord(end, stream), "an event");
    check(cudaEventSynchronize(end), "a measurement");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end), "a measurement");
    if (run > 0) best = std::min(best, double(ms) * 1000);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return best;
}

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
std::string describe(const Product& p, const CudaWeight& weight) {
  const Finish& f = p.finish;
  return concat(device_name(), ", ", p.num_rows, " x ", weight.depth(), " to ", p.columns, " in ", name_of(weight.dtype), ", stride ", p.x_stride, ", form ", int(f.form),
                ", kind ", int(f.kind), ", ", name_of(f.type), ", activation ", int(f.activation), f.bias ? ", bias" : "", f.gate ? ", gate" : "",
                f.residual ? ", residual" : "", f.snaked ? ", snake" : "");
}

// Of whoever refuses a product: longer than any, and a number that the file can hold.
constexpr double kForever = 1e30;

// Times both ways once; while a recording is made, which nothing can be timed in, what is not known is ours. Nothing while planning.
template <class Ours, class Library>
std::optional<FasterWay> faster_way(Context& ctx, const ProductWish& wish, const Product& p, const CudaWeight& weight, const Ours& ours, const Library& library) {
  ProductMeasurements& measurements = measurements_in(wish.measurements_file);
  stream(ctx);
  const std::string what = describe(p, weight);
  if (const auto known = measurements.find(what)) return *known;
  if (ctx.planning()) return std::nullopt;
  cudaStreamCaptureStatus capturing;
  check(cudaStreamIsCapturing(stream(ctx), &capturing), "cudaStreamIsCapturing");
  if (capturing != cudaStreamCaptureStatusNone) return FasterWay::ours;
  // Outputs go elsewhere: those in place would add up. Of one tap they are as many as sums, or fewer.
  const int64_t part = (int64_t(p.num_rows) * p.columns * int64_t(sizeof(float)) + 255) / 256 * 256;
  const Scratch outputs(part * 4);
  Product timed = p;
  const auto at = [&](int i) { return static_cast<std::byte*>(outputs.data()) + i * part; };
  for (int i = 0; i < 3; ++i)
    if (timed.finish.y[i]) timed.finish.y[i] = at(i);
  if (timed.finish.snaked) timed.finish.snaked = at(3);
  return measurements.measure(what, [&] { return time_us(stream(ctx), [&] { ours(timed); }); }, [&] {
    return library(timed) ? time_us(stream(ctx), [&] { library(timed); }) : kForever;
  });
}

}  // namespace

void product(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight, const ProductRows& rows, Finish finish) {
  const int64_t num_rows = int64_t(rows.items) * rows.rows_per_item;
  if (num_rows == 0 || weight.rows == 0) return;
  narrow(int64_t(rows.items) * rows.len_in, "the number of rows of x");
  narrow(int64_t(rows.rows_per_item) * rows.stride + int64_t(rows.taps) * rows.dilation + std::abs(int64_t(rows.first)), "the reach of the kernel");

  const Arena::Scope scope(ctx.arena());
  const auto [input, x_scale] = product_input(ctx, x, snake, weight);
  Product p;
  p.x = input.data;
  p.x_scale = static_cast<const float*>(x_scale.data);
  p.w = weight.memory.get();
  p.x_stride = input.cols();
  p.depth = weight.depth();
  p.channels = int32_t(input.cols());
  p.columns = narrow(weight.rows, "the number of columns");
  p.num_rows = narrow(num_rows, "the number of rows");
  p.rows = rows;
  p.rows_per_item = finish.rows_per_item = Divider(uint32_t(rows.rows_per_item));
  finish.scale = weight.scales();
  finish.is_vector = allows_vectors(finish, 4);
  finish.form = choose_form(finish, num_rows);
  p.finish = finish;

  const bool is_int8 = weight.format == WeightFormat::int8, is_fp8 = weight.format == WeightFormat::fp8;
  const bool for_wgmma = !is_int8 && covers_wgmma(rows.items, rows.len_in, rows.rows_per_item, rows.stride);
  const bool for_cublaslt = !weight.has_scales() && covers_cublaslt(rows.taps, rows.len_in, rows.rows_per_item, rows.stride, rows.first, weight.rows);
  const ProductKernel wished = weight.dtype == DType::f32 ? ProductKernel::simt : choose_product_kernel(ctx, for_wgmma);
  const ProductKernel kernel = is_fp8 && wished == ProductKernel::simt ? ProductKernel::mma : wished;
  if (kernel == ProductKernel::simt) {
    p.steps_per_tap = int32_t(weight.channels / kSimtStep);
    if (!ctx.planning()) product_simt(stream(ctx), p, weight.dtype, weight.stored());
    return;
  }
  static_assert(kMmaStep == kWgmmaStep && channels_of_step(DType::bf16) == kMmaStep);
  p.steps_per_tap = int32_t(weight.channels / channels_of_step(weight.stored()));
  const auto ours = [&](const Product& p) { product_by_tiles(ctx, kernel, p, input, is_int8); };
  const auto library = [&](const Product& p) { return product_by_library(ctx, p, weight.dtype); };
  bool by_library = for_cublaslt && wishes_cublaslt();
  if (const auto wish = product_wish(); wish && wish->measures && for_cublaslt && has_cublaslt())
    by_library = faster_way(ctx, *wish, p, weight, ours, library) != FasterWay::ours;  // while planning also what is not known yet
  if (by_library && library(p) && !ctx.planning()) return;
  ours(p);  // while planning: room for either, as the library may refuse
}

}  // namespace ts::cuda
