// What every operator is called with: which backend, which memory, which threads.
#pragma once

#include <atomic>
#include <string_view>

#include "core/arena.h"
#include "core/parallel.h"
#include "core/probe.h"

namespace ts {

struct OperatorTable;

// One forward pass in flight. Not shared between threads.
//
// A forward first runs with a planning arena: operators check their arguments, take their scratch from the arena
// and return before they touch data. So a backend function reads: check nothing (ops/<name>.cpp has), take scratch,
// `if (ctx.planning()) return;`, compute.
class Context {
 public:
  // `product_dtype` is f32, bf16 or, where the table has it, f16: how inputs of matrix products and weights are stored.
  Context(const OperatorTable& table, Arena& arena, Parallel& parallel, DType product_dtype)
      : table_(table), arena_(arena), parallel_(parallel), product_dtype_(product_dtype) {}

  const OperatorTable& table() const { return table_; }
  Arena& arena() { return arena_; }
  Parallel& parallel() { return parallel_; }
  bool planning() const { return arena_.is_planning(); }
  DType product_dtype() const { return product_dtype_; }

  // Residual streams, norms' inputs, tables: always f32.
  Tensor f32(Shape shape) { return arena_.allocate<float>(shape); }
  // A tensor whose only readers are matrix products or attention.
  Tensor product(Shape shape) { return arena_.allocate(product_dtype_, shape); }

  // Intermediates for whoever listens; costs nothing when nobody does. `shape` re-reads the tensor for the listener.
  void set_probe(const Probe* probe) { probe_ = probe; }
  bool has_listener() const { return probe_ && *probe_; }
  bool probing() const { return has_listener() && !planning(); }
  // For intermediates that need rearranging first; only while probing().
  const Probe& listener() const { return *probe_; }
  void probe(std::string_view name, const Tensor& value);
  void probe(std::string_view name, const Tensor& value, const Shape& shape) { if (probing()) probe(name, value.reshape(shape)); }

  // Networks ask between blocks; throws TS_CANCELLED.
  void set_cancel(const std::atomic<bool>* cancel) { cancel_ = cancel; }
  void check_cancelled() const;

 private:
  const OperatorTable& table_;
  Arena& arena_;
  Parallel& parallel_;
  DType product_dtype_;
  const Probe* probe_ = nullptr;
  const std::atomic<bool>* cancel_ = nullptr;
};

}  // namespace ts
