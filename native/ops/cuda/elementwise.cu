// Element by element: fill, add with repetition, multiply-add, activations, scaled sums.
//
// Shapes   anything; f32, bf16 and f16 in any mixture, arithmetic in f32.
// Launch   one thread per element, 256 per block; add finds b's element from up to five strides.
// Cost     each element read and written once; none of these is near a matrix product. At 9 s of sound the largest
//          (silu of [2, 194, 1024]) moves 2.4 MB, under a microsecond of H200 memory time, so a launch costs more.
// Source   ops/elementwise.h; order of operations as in ops/plain/elementwise.cpp.
#include "ops/cuda/activation.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/element.h"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256;

// b's element for each of y's, along up to five axes: 0 where b repeats.
struct Strides {
  int64_t extent[Shape::kMaxRank], stride[Shape::kMaxRank];
  int rank;

  Strides(const Shape& y, const Shape& b) : extent{}, stride{}, rank(y.rank()) {
    int64_t step = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      extent[axis] = y[axis];
      stride[axis] = b[axis] == 1 ? 0 : step;
      step *= b[axis];
    }
  }
  __device__ int64_t offset(int64_t i) const {
    int64_t sum = 0;
    for (int axis = rank - 1; axis >= 0; --axis) {
      sum += i % extent[axis] * stride[axis];
      i /= extent[axis];
    }
    return sum;
  }
};

template <class Body>
__global__ void each_kernel(int64_t n, Body body) {
  ptx::await_work_before();
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) body(i);
}

template <class Body>
void for_each_element(Context& ctx, const char* name, int64_t n, const Body& body) {
  if (n == 0) return;
  start(name, each_kernel<Body>, {unsigned(ceil_div(n, kThreads)), kThreads}, stream(ctx), n, body);
}

struct Fill {
  Elements y;
  float value;
  __device__ void operator()(int64_t i) const { y.set(i, value); }
};

struct Add {
  Elements y, a, b;
  __device__ void operator()(int64_t i) const { y.set(i, a[i] + b[i]); }
};

struct AddRepeated {
  Elements y, a, b;
  Strides strides;
  __device__ void operator()(int64_t i) const { y.set(i, a[i] + b[strides.offset(i)]); }
};

struct MultiplyAdd {
  Elements y, a, b;
  __device__ void operator()(int64_t i) const { y.set(i, y[i] + a[i] * b[i]); }
};

template <Activation activation>
struct Activate {
  Elements y, x;
  __device__ void operator()(int64_t i) const { y.set(i, activate<activation>(x[i])); }
};

struct ScaleAdd {
  float* y;
  const float *x, *z;
  float alpha, beta;
  __device__ void operator()(int64_t i) const { y[i] = alpha * x[i] + (z ? beta * z[i] : 0.0f); }
};

}  // namespace

void fill(Context& ctx, const Tensor& y, float value) {
  if (!ctx.planning()) for_each_element(ctx, "fill", y.numel(), Fill{y, value});
}

void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return;
  if (y.shape == b.shape) for_each_element(ctx, "add", y.numel(), Add{y, a, b});
  else for_each_element(ctx, "add", y.numel(), AddRepeated{y, a, b, Strides(y.shape, b.shape)});
}

void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (!ctx.planning()) for_each_element(ctx, "multiply_add", y.numel(), MultiplyAdd{y, a, b});
}

void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation) {
  if (ctx.planning()) return;
  visit_activation(activation, [&](auto constant) { for_each_element(ctx, "activate", y.numel(), Activate<decltype(constant)::value>{y, x}); });
}

void scale_add(Context& ctx, const Tensor& y, float alpha, const Tensor& x, float beta, const Tensor& z) {
  if (ctx.planning()) return;
  for_each_element(ctx, "scale_add", y.numel(), ScaleAdd{y.as<float>(), x.as<float>(), z ? z.as<float>() : nullptr, alpha, beta});
}

}  // namespace ts::cuda
