#include "ops/attention.h"

#include "ops/checks.h"
#include "ops/table.h"

namespace ts::ops {

void attention(Context& ctx, std::span<const AttentionStream> streams, const AttentionOptions& options) {
  const check::Arguments args("attention");
  args.require(!streams.empty(), "no stream");
  const AttentionStream& first = streams[0];
  const Tensor& any = first.q ? first.q : first.k;
  args.rank("q or k", any, 4);
  args.real("q or k", any);
  const int64_t batch = any.shape[0], heads = any.shape[1], head_dim = any.shape[3];
  args.require(head_dim > 0 && head_dim % 2 == 0 && head_dim <= 128, "head_dim ", head_dim,
               head_dim % 2 ? " is odd" : " is out of range", " (even, up to 128)");
  int64_t num_queries = 0, num_keys = 0;
  for (const AttentionStream& stream : streams) {
    args.require(stream.q || stream.k, "a stream with neither queries nor keys");
    args.require(bool(stream.q) == bool(stream.out), "q and out come together");
    args.require(bool(stream.k) == bool(stream.v), "k and v come together");
    if (stream.q) {
      args.rank("q", stream.q, 4);
      args.dtype("q", stream.q, any.dtype);
      args.shape("q", stream.q, {batch, heads, stream.q.shape[2], head_dim});
      args.shape("out", stream.out, {batch, stream.q.shape[2], heads * head_dim});
      args.real("out", stream.out);
      num_queries += stream.q.shape[2];
    }
    if (stream.k) {
      args.rank("k", stream.k, 4);
      args.dtype("k", stream.k, any.dtype);
      args.dtype("v", stream.v, any.dtype);
      args.shape("k", stream.k, {batch, heads, stream.k.shape[2], head_dim});
      args.shape("v", stream.v, stream.k.shape);
      num_keys += stream.k.shape[2];
    }
  }
  for (const AttentionStream& asking : streams)
    for (const AttentionStream& stream : streams) {
      if (!asking.out) continue;
      if (stream.q) args.distinct("out", asking.out, "q", stream.q);
      if (stream.k) args.distinct("out", asking.out, "k", stream.k);
      if (stream.v) args.distinct("out", asking.out, "v", stream.v);
    }
  args.require(num_queries > 0, "no queries");
  args.require(num_keys > 0, "no keys");
  if (options.causal || options.bias) args.require(streams.size() == 1, "causal order and bias need one stream, not ", streams.size());
  if (options.causal) args.require(num_queries == num_keys, "causal order over ", num_queries, " queries and ", num_keys, " keys");
  if (options.key_mask) {
    args.shape("key_mask", options.key_mask, {batch, num_keys});
    args.dtype("key_mask", options.key_mask, DType::u8);
  }
  if (options.bias) args.f32("bias", options.bias, {heads, num_queries, num_keys});
  ctx.table().attention(ctx, streams, options);
}

}  // namespace ts::ops
