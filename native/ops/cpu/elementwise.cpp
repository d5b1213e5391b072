#include "ops/cpu/cpu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

// body(pointer of the element's type) for f32 or bf16 memory.
template <class Body>
HWY_INLINE void as_type(void* data, DType type, const Body& body) {
  if (type == DType::bf16) return body(static_cast<bf16*>(data));
  body(static_cast<float*>(data));
}
HWY_INLINE void* beyond(const Tensor& tensor, int64_t element) {
  return static_cast<std::byte*>(tensor.data) + element * int64_t(size_of(tensor.dtype));
}

// y[first, last) = x[first_x, …) + (b[first_b, …) or, with step_b 0, the one element there)
void add_kernel(const Tensor& y, const Tensor& a, int64_t first, const Tensor& b, int64_t first_b, int64_t step_b, int64_t count) {
  as_type(beyond(y, first), y.dtype, [&](auto* to) HWY_ATTR {
    as_type(beyond(a, first), a.dtype, [&](auto* left) HWY_ATTR {
      as_type(beyond(b, first_b), b.dtype, [&](auto* right) HWY_ATTR {
        if (step_b == 0) {
          const V one = set(to_float(*right));
          over(count, [&](auto lanes, int64_t i) HWY_ATTR { lanes.store(hn::Add(lanes.load(left + i), one), to + i); });
        } else {
          over(count, [&](auto lanes, int64_t i) HWY_ATTR { lanes.store(hn::Add(lanes.load(left + i), lanes.load(right + i)), to + i); });
        }
      });
    });
  });
}

void multiply_add_kernel(const Tensor& y, const Tensor& a, const Tensor& b, int64_t first, int64_t count) {
  as_type(beyond(y, first), y.dtype, [&](auto* to) HWY_ATTR {
    as_type(beyond(a, first), a.dtype, [&](auto* left) HWY_ATTR {
      as_type(beyond(b, first), b.dtype, [&](auto* right) HWY_ATTR {
        over(count, [&](auto lanes, int64_t i) HWY_ATTR {
          lanes.store(hn::MulAdd(lanes.load(left + i), lanes.load(right + i), lanes.load(to + i)), to + i);
        });
      });
    });
  });
}

void activate_kernel(const Tensor& y, const Tensor& x, Activation activation, int64_t first, int64_t count) {
  with_activation(activation, [&](auto chosen) HWY_ATTR {
    as_type(beyond(y, first), y.dtype, [&](auto* to) HWY_ATTR {
      as_type(beyond(x, first), x.dtype, [&](auto* from) HWY_ATTR {
        over(count, [&](auto lanes, int64_t i) HWY_ATTR {
          lanes.store(activate<decltype(chosen)::activation>(lanes.load(from + i)), to + i);
        });
      });
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(add_kernel);
HWY_EXPORT(multiply_add_kernel);
HWY_EXPORT(activate_kernel);

namespace {
constexpr int64_t kElementsPerTask = 1 << 14;
}

void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning() || y.numel() == 0) return;
  // Elements from one index to the next along each axis of b; 0 where b repeats.
  const int rank = y.shape.rank();
  int64_t strides[Shape::kMaxRank] = {}, stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    strides[axis] = b.shape[axis] == 1 ? 0 : stride;
    stride *= b.shape[axis];
  }
  if (b.shape == y.shape) {
    parallel_blocks(ctx.parallel(), y.numel(), kElementsPerTask,
                    [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(add_kernel)(y, a, begin, b, begin, 1, end - begin); });
    return;
  }
  const int64_t cols = y.cols(), step = rank > 0 ? strides[rank - 1] : 0;
  parallel_blocks(ctx.parallel(), y.rows(), std::max<int64_t>(1, kElementsPerTask / cols), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t offset = 0, rest = row;
      for (int axis = rank - 2; axis >= 0; --axis) {
        offset += rest % y.shape[axis] * strides[axis];
        rest /= y.shape[axis];
      }
      HWY_DYNAMIC_DISPATCH(add_kernel)(y, a, row * cols, b, offset, step, cols);
    }
  });
}

void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return;
  parallel_blocks(ctx.parallel(), y.numel(), kElementsPerTask,
                  [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(multiply_add_kernel)(y, a, b, begin, end - begin); });
}

void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation) {
  if (ctx.planning()) return;
  parallel_blocks(ctx.parallel(), y.numel(), kElementsPerTask,
                  [&](int64_t begin, int64_t end) { HWY_DYNAMIC_DISPATCH(activate_kernel)(y, x, activation, begin, end - begin); });
}

}  // namespace ts::cpu
#endif
