// Element by element: fill, add with repetition, multiply-add, activations, scaled sums.
//
// Shapes   anything; f32 and bf16 in any mixture, arithmetic in f32.
// Launch   one thread per element, 256 per block; add finds b's element from up to five strides.
// Cost     each element read and written once; none of these is near a matrix product. At 9 s of sound the largest
//          (silu of [2, 194, 1024]) moves 2.4 MB, under a microsecond of H200 memory time, so a launch costs more.
// Source   ops/elementwise.h; order of operations as in ops/plain/elementwise.cpp.
#include "ops/cuda/activation.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/element.h"
#include "ops/cuda/launch.h"

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
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) body(i);
}

template <class Body>
void for_each_element(Context& ctx, const char* name, int64_t n, const Body& body) {
  if (n == 0) return;
  each_kernel<<<unsigned(ceil_div(n, kThreads)), kThreads, 0, stream(ctx)>>>(n, body);
  check_launch(name);
}

template <class To>
struct Fill {
  To* y;
  float value;
  __device__ void operator()(int64_t i) const { store(y[i], value); }
};

template <class To, class A, class B>
struct Add {
  To* y;
  const A* a;
  const B* b;
  __device__ void operator()(int64_t i) const { store(y[i], to_f32(a[i]) + to_f32(b[i])); }
};

template <class To, class A, class B>
struct AddRepeated {
  To* y;
  const A* a;
  const B* b;
  Strides strides;
  __device__ void operator()(int64_t i) const { store(y[i], to_f32(a[i]) + to_f32(b[strides.offset(i)])); }
};

template <class To, class A, class B>
struct MultiplyAdd {
  To* y;
  const A* a;
  const B* b;
  __device__ void operator()(int64_t i) const { store(y[i], to_f32(y[i]) + to_f32(a[i]) * to_f32(b[i])); }
};

template <class To, class From, Activation activation>
struct Activate {
  To* y;
  const From* x;
  __device__ void operator()(int64_t i) const { store(y[i], activate<activation>(to_f32(x[i]))); }
};

struct ScaleAdd {
  float* y;
  const float *x, *z;
  float alpha, beta;
  __device__ void operator()(int64_t i) const { y[i] = alpha * x[i] + (z ? beta * z[i] : 0.0f); }
};

}  // namespace

void fill(Context& ctx, const Tensor& y, float value) {
  if (ctx.planning()) return;
  visit(y, [&]<class To>(To* to) { for_each_element(ctx, "fill", y.numel(), Fill<To>{to, value}); });
}

void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return;
  visit(y, [&]<class To>(To* to) {
    visit(a, [&]<class A>(A* left) {
      visit(b, [&]<class B>(B* right) {
        if (y.shape == b.shape) for_each_element(ctx, "add", y.numel(), Add<To, A, B>{to, left, right});
        else for_each_element(ctx, "add", y.numel(), AddRepeated<To, A, B>{to, left, right, Strides(y.shape, b.shape)});
      });
    });
  });
}

void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return;
  visit(y, [&]<class To>(To* to) {
    visit(a, [&]<class A>(A* left) {
      visit(b, [&]<class B>(B* right) { for_each_element(ctx, "multiply_add", y.numel(), MultiplyAdd<To, A, B>{to, left, right}); });
    });
  });
}

void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation) {
  if (ctx.planning()) return;
  visit_activation(activation, [&](auto constant) {
    visit(y, [&]<class To>(To* to) {
      visit(x, [&]<class From>(From* from) {
        for_each_element(ctx, "activate", y.numel(), Activate<To, From, decltype(constant)::value>{to, from});
      });
    });
  });
}

void scale_add(Context& ctx, const Tensor& y, float alpha, const Tensor& x, float beta, const Tensor& z) {
  if (ctx.planning()) return;
  for_each_element(ctx, "scale_add", y.numel(), ScaleAdd{y.as<float>(), x.as<float>(), z ? z.as<float>() : nullptr, alpha, beta});
}

}  // namespace ts::cuda
