// Memory of the device: parameters that live as long as a network, and the way in and out.
#pragma once

#include <memory>
#include <span>

#include "ops/context.h"

namespace ts {

// Device memory with shared ownership: norm weights, biases, embedding tables, the arena's block.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::shared_ptr<void> memory, DType dtype, Shape shape) : memory_(std::move(memory)), tensor_(memory_.get(), dtype, shape) {}
  const Tensor& tensor() const { return tensor_; }
  operator const Tensor&() const { return tensor_; }
  explicit operator bool() const { return bool(tensor_); }

 private:
  std::shared_ptr<void> memory_;
  Tensor tensor_;
};

// Uninitialised, aligned to Arena::kAlignment. TS_OUT_OF_MEMORY with the size in words.
Buffer allocate_buffer(const OperatorTable& table, DType dtype, Shape shape);
// A copy of host memory on the device, converted to `dtype` (f32, bf16 or f16 from f32; integers as they are).
Buffer make_buffer(const OperatorTable& table, const Tensor& host, DType dtype);

// Waits for what the calling thread has started on the device; throws what went wrong in it. Whoever hands device memory
// to another thread calls it first.
void finish(const OperatorTable& table);

namespace ops {

// Host → device and back. Element types must agree; the call returns when the host memory may be reused.
void upload(Context& ctx, const Tensor& device, const Tensor& host);
void download(Context& ctx, const Tensor& host, const Tensor& device);
// Every element of f32, bf16 or f16 `y` becomes `value`.
void fill(Context& ctx, const Tensor& y, float value);

}  // namespace ops
}  // namespace ts
