#include "ops/cpu/product.h"

#include <atomic>
#include <cstring>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>

#include <dnnl.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "core/error.h"

#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int);
#endif

namespace ts::cpu {
namespace {

using dnnl::memory;

// oneDNN may use one thread: ours. The number is a property of the calling thread, which may be the application's,
// so it is put back.
class OneThread {
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
 public:
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }

 private:
  int before_;
#else
 public:
  OneThread() {}
  ~OneThread() {}
#endif
};

[[noreturn]] void fail_product(const dnnl::error& error, const char* what, int64_t m, int64_t n, int64_t k) {
  fail(error.status == dnnl_out_of_memory ? TS_OUT_OF_MEMORY : TS_INTERNAL, "product: oneDNN could not ", what, " a product of [", m,
       ", ", k, "] and [", k, ", ", n, "]: ", error.what());
}

// Never destroyed: threads may still run while the program ends.
const dnnl::engine& engine() {
  static const dnnl::engine& engine = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::data_type type_of(DType dtype) { return dtype == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32; }

dnnl::matmul::primitive_desc describe(int64_t m, int64_t n, int64_t k, DType dtype, BLayout layout) {
  using tag = memory::format_tag;
  const auto type = type_of(dtype);
  const tag panels = dtype == DType::bf16 ? tag::BA16a64b2a : tag::BA16a64b;
  const memory::desc a({m, k}, type, tag::ab), b({k, n}, type, layout == BLayout::panels ? panels : tag::ab),
      c({m, n}, memory::data_type::f32, tag::ab);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return {{a, b, c}, attributes, engine()};
}

BLayout probe_layout(DType dtype) {
  const OneThread one_thread;
  try {
    const auto primitive = describe(64, 128, 64, dtype, BLayout::panels);
    return std::string_view(primitive.impl_info_str()).starts_with("brg") ? BLayout::panels : BLayout::plain;
  } catch (const dnnl::error&) {
    return BLayout::plain;
  }
}

// Intel's cores since Sapphire Rapids (known by AVX512-FP16) issue vdpbf16ps every other cycle, as they mean bf16 for their
// tile unit. Where a virtual machine hides that unit, widened f32 products are 1.6 times as fast (bench/NOTES.md).
bool leaves_bf16_to_amx() {
#if defined(__x86_64__)
  constexpr unsigned kAmxBf16 = 1u << 22, kAvx512Fp16 = 1u << 23;  // CPUID leaf 7, EDX
  unsigned a, b, c, d;
  return __builtin_cpu_is("intel") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kAvx512Fp16) && !(d & kAmxBf16);
#else
  return false;
#endif
}

}  // namespace

bool has_bf16_products() {
  static const bool has = [] {
    const int needed = int(dnnl::cpu_isa::avx512_core_bf16);
    return (int(dnnl::get_effective_cpu_isa()) & needed) == needed && b_layout(DType::bf16) == BLayout::panels && !leaves_bf16_to_amx();
  }();
  return has;
}

BLayout b_layout(DType compute) {
  static const BLayout f32 = probe_layout(DType::f32), bf16 = probe_layout(DType::bf16);
  return compute == DType::bf16 ? bf16 : f32;
}

namespace {
int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }
}  // namespace

int64_t panel_rows(DType dtype, int64_t k) { return round_up(k, 16 * panel_group(dtype)); }

int64_t b_numel(DType compute, int64_t k, int64_t n) {
  return b_layout(compute) == BLayout::plain ? k * n : panel_rows(compute, k) * round_up(n, kPanelColumns);
}

struct Product::Primitive {
  explicit Primitive(const dnnl::matmul::primitive_desc& desc) : desc(desc), matmul(desc) {}
  dnnl::matmul::primitive_desc desc;
  dnnl::matmul matmul;
};

struct Product::Call {
  explicit Call(const dnnl::matmul::primitive_desc& desc)
      : a(desc.src_desc(), engine(), nullptr), b(desc.weights_desc(), engine(), nullptr), c(desc.dst_desc(), engine(), nullptr),
        scratch(desc.scratchpad_desc(), engine(), nullptr), stream(engine()) {}
  memory a, b, c, scratch;
  dnnl::stream stream;
};

Product::Product(int64_t m, int64_t n, int64_t k, DType dtype) {
  const OneThread one_thread;
  try {
    primitive_ = std::make_unique<Primitive>(describe(m, n, k, dtype, b_layout(dtype)));
    scratch_bytes_ = int64_t(primitive_->desc.scratchpad_desc().get_size());
  } catch (const dnnl::error& error) {
    fail_product(error, "prepare", m, n, k);
  }
}

Product::~Product() = default;

void Product::run(const void* a, const void* b, float* c, void* scratch) const {
  const OneThread one_thread;
  try {
    std::unique_ptr<Call> call;
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        call = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (!call) call = std::make_unique<Call>(primitive_->desc);
    call->a.set_data_handle(const_cast<void*>(a));
    call->b.set_data_handle(const_cast<void*>(b));
    call->c.set_data_handle(c);
    call->scratch.set_data_handle(scratch);
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, call->a.get()},
                                         {DNNL_ARG_WEIGHTS, call->b.get()},
                                         {DNNL_ARG_DST, call->c.get()},
                                         {DNNL_ARG_SCRATCHPAD, call->scratch.get()}};
    dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_->matmul.get(), call->stream.get(), 4, arguments), "execution failed");
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(call));
  } catch (const dnnl::error& error) {
    const auto dims = primitive_->desc.src_desc().dims();
    fail_product(error, "run", dims[0], primitive_->desc.dst_desc().dims()[1], dims[1]);
  }
}

namespace {

class ProductCache {
 public:
  std::shared_ptr<const Product> find(int64_t m, int64_t n, int64_t k, DType dtype) {
    const Key key{m, n, k, dtype};
    {
      std::shared_lock lock(mutex_);
      if (const auto it = entries_.find(key); it != entries_.end()) {
        it->second.last_use.store(++clock_, std::memory_order_relaxed);
        return it->second.product;
      }
    }
    auto product = std::make_shared<const Product>(m, n, k, dtype);
    std::unique_lock lock(mutex_);
    if (int64_t(entries_.size()) >= kMaxCachedProducts) forget_oldest();
    const auto [it, is_new] = entries_.try_emplace(key);
    if (is_new) it->second.product = std::move(product);
    it->second.last_use = ++clock_;
    return it->second.product;
  }
  int64_t size() {
    std::shared_lock lock(mutex_);
    return int64_t(entries_.size());
  }

 private:
  struct Key {
    int64_t m, n, k;
    DType dtype;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const {
      uint64_t hash = uint64_t(key.dtype);
      for (int64_t value : {key.m, key.n, key.k}) hash = (hash ^ uint64_t(value)) * 0x9E3779B97F4A7C15u;
      return size_t(hash ^ (hash >> 32));
    }
  };
  struct Entry {
    std::shared_ptr<const Product> product;
    std::atomic<uint64_t> last_use{0};
  };

  void forget_oldest() {
    auto oldest = entries_.begin();
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
      if (it->second.last_use < oldest->second.last_use) oldest = it;
    entries_.erase(oldest);
  }

  std::shared_mutex mutex_;
  std::unordered_map<Key, Entry, Hash> entries_;
  std::atomic<uint64_t> clock_{0};
};

// Never destroyed, like the engine.
ProductCache& cache() {
  static ProductCache& cache = *new ProductCache;
  return cache;
}

}  // namespace

std::shared_ptr<const Product> product_for(int64_t m, int64_t n, int64_t k, DType dtype) { return cache().find(m, n, k, dtype); }
int64_t num_cached_products() { return cache().size(); }

}  // namespace ts::cpu
