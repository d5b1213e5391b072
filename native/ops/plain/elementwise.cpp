#include "ops/plain/activation.h"
#include "ops/plain/element.h"
#include "ops/plain/plain.h"

namespace ts::plain {
namespace {

template <class Body>
void for_each_element(Context& ctx, const Tensor& y, const Body& body) {
  parallel_blocks(ctx.parallel(), y.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

void fill(Context& ctx, const Tensor& y, float value) {
  if (ctx.planning()) return;
  visit(y, [&](auto* to) { for_each_element(ctx, y, [&](int64_t i) { store(to[i], value); }); });
}

void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return;
  // Elements from one index to the next along each axis of b; 0 where b repeats.
  const int rank = y.shape.rank();
  int64_t strides[Shape::kMaxRank] = {}, stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    strides[axis] = b.shape[axis] == 1 ? 0 : stride;
    stride *= b.shape[axis];
  }
  const int64_t cols = y.cols();
  visit(y, [&](auto* to) {
    visit(a, [&](const auto* left) {
      visit(b, [&](const auto* right) {
        parallel_blocks(ctx.parallel(), y.rows(), rows_per_task(cols), [&](int64_t begin, int64_t end) {
          for (int64_t row = begin; row < end; ++row) {
            int64_t offset = 0, rest = row;
            for (int axis = rank - 2; axis >= 0; --axis) {
              offset += rest % y.shape[axis] * strides[axis];
              rest /= y.shape[axis];
            }
            const int64_t step = rank > 0 ? strides[rank - 1] : 0;
            for (int64_t d = 0; d < cols; ++d)
              store(to[row * cols + d], to_float(left[row * cols + d]) + to_float(right[offset + d * step]));
          }
        });
      });
    });
  });
}

void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b) {
  if (ctx.planning()) return;
  visit(y, [&](auto* to) {
    visit(a, [&](const auto* left) {
      visit(b, [&](const auto* right) {
        for_each_element(ctx, y, [&](int64_t i) { store(to[i], to_float(to[i]) + to_float(left[i]) * to_float(right[i])); });
      });
    });
  });
}

void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation) {
  if (ctx.planning()) return;
  visit(y, [&](auto* to) {
    visit(x, [&](const auto* from) { for_each_element(ctx, y, [&](int64_t i) { store(to[i], activate(to_float(from[i]), activation)); }); });
  });
}

void scale_add(Context& ctx, const Tensor& y, float alpha, const Tensor& x, float beta, const Tensor& z) {
  if (ctx.planning()) return;
  float* to = y.as<float>();
  const float *left = x.as<float>(), *right = z ? z.as<float>() : nullptr;
  for_each_element(ctx, y, [&](int64_t i) { to[i] = alpha * left[i] + (right ? beta * right[i] : 0.0f); });
}

}  // namespace ts::plain
