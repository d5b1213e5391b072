#include <vector>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"
#include "ops/plain/softmax.h"

namespace ts::plain {
namespace {

constexpr int64_t kQueriesPerTask = 16;

// The keys and values of one item and head, over all streams in their order.
template <class T>
struct Keys {
  struct Part {
    const T *k, *v;
    int64_t begin, end;  // positions among all keys
  };
  std::span<const Part> parts;
  int64_t stride;  // elements from one (item, head) to the next is dim · length, so: dim
  int64_t slot;    // item · heads + head

  const Part& part(int64_t j) const {
    size_t i = 0;
    while (j >= parts[i].end) ++i;
    return parts[i];
  }
  const T* row(const T* base, const Part& p, int64_t j) const { return base + (slot * (p.end - p.begin) + j - p.begin) * stride; }
  const T* key(int64_t j) const { return row(part(j).k, part(j), j); }
  const T* value(int64_t j) const { return row(part(j).v, part(j), j); }
};

template <class T>
void attend(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options) {
  std::vector<typename Keys<T>::Part> parts;
  int64_t num_keys = 0;
  for (const AttentionStream& stream : streams) {
    if (!stream.k || stream.k.shape[2] == 0) continue;
    parts.push_back({stream.k.as<T>(), stream.v.as<T>(), num_keys, num_keys + stream.k.shape[2]});
    num_keys += stream.k.shape[2];
  }
  for (const AttentionStream& stream : streams) {
    if (!stream.q) continue;
    const int64_t batch = stream.q.shape[0], heads = stream.q.shape[1], len = stream.q.shape[2], dim = stream.q.shape[3];
    const T* queries = stream.q.as<T>();
    parallel_blocks(ctx.parallel(), batch * heads * len, kQueriesPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t slot = i / len, item = slot / heads, head = slot % heads, n = i % len;
        const Keys<T> keys{parts, dim, slot};
        const uint8_t* mask = options.key_mask ? options.key_mask.as<uint8_t>() + item * num_keys : nullptr;
        const float* bias = options.bias ? options.bias.as<float>() + (head * len + n) * num_keys : nullptr;
        const auto score = [&](int64_t j) {
          if (mask && !mask[j]) return kNever;
          return options.scale * dot(queries + i * dim, keys.key(j), dim) + (bias ? bias[j] : 0.0f);
        };
        float mean[kMaxHeadDim];
        softmax_mean(mean, dim, options.causal ? n + 1 : num_keys, score, [&](int64_t j) { return keys.value(j); });
        visit(stream.out, [&](auto* out) {
          for (int64_t d = 0; d < dim; ++d) store(out[((item * len + n) * heads + head) * dim + d], mean[d]);
        });
      }
    });
  }
}

}  // namespace

void attention(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options) {
  if (ctx.planning()) return;
  const Tensor& any = streams[0].q ? streams[0].q : streams[0].k;
  if (any.dtype == DType::bf16) attend<bf16>(ctx, streams, options);
  else if (any.dtype == DType::f16) attend<f16>(ctx, streams, options);
  else attend<float>(ctx, streams, options);
}

}  // namespace ts::plain
