#include "ops/cuda/attention_paths.h"

namespace ts::cuda {
namespace {

int32_t narrow(int64_t value, const char* what) {
  require(value <= INT32_MAX, "attention: ", what, " of ", value, " is more than ", INT32_MAX);
  return int32_t(value);
}

// Rows of a dense [slots, length, dim] from row `first` on, row_step apart, group_step rows from group to group.
KeyRows key_rows(const Tensor& k, const Tensor& v, int64_t first, int64_t row_step, int64_t group_step, int32_t begin, int64_t count,
                 int64_t groups = 1) {
  const int64_t length = k.shape[2], dim = k.shape[3], skip = first * dim * int64_t(size_of(k.dtype));
  return {static_cast<const std::byte*>(k.data) + skip, static_cast<const std::byte*>(v.data) + skip,
          length * dim, group_step * dim, row_step * dim, begin, narrow(begin + count, "a number of keys"), narrow(groups, "a number of groups")};
}

QueryRows query_rows(const Tensor& q, const Tensor& out, int64_t first, int64_t row_step, int64_t group_step, int64_t count, int64_t groups) {
  const int64_t length = q.shape[2], dim = q.shape[3], width = out.shape[2];
  QueryRows rows{};
  rows.q = static_cast<const std::byte*>(q.data) + first * dim * int64_t(size_of(q.dtype));
  rows.out = static_cast<std::byte*>(out.data) + first * width * int64_t(size_of(out.dtype));
  rows.slot_stride = length * dim;
  rows.group_stride = group_step * dim;
  rows.row_stride = row_step * dim;
  rows.out_item_stride = length * width;
  rows.out_group_stride = group_step * width;
  rows.out_row_stride = row_step * width;
  rows.count = narrow(count, "a number of queries");
  rows.groups = narrow(groups, "a number of groups");
  return rows;
}

AttentionJob job_of(const Tensor& any, DType out, float scale) {
  AttentionJob job{};
  job.slots = narrow(any.shape[0] * any.shape[1], "batch × heads");
  job.heads = int32_t(any.shape[1]);
  job.dim = int32_t(any.shape[3]);
  job.scale = scale;
  job.out = out;
  return job;
}

}  // namespace

AttentionJob attention_job(std::span<const AttentionStream> streams, const AttentionOptions& options) {
  DType out = DType::f32;
  for (const AttentionStream& stream : streams)
    if (stream.out) out = stream.out.dtype;
  AttentionJob job = job_of(streams[0].q ? streams[0].q : streams[0].k, out, options.scale);
  job.causal = options.causal;
  job.key_mask = options.key_mask ? options.key_mask.as<uint8_t>() : nullptr;
  job.bias = options.bias ? options.bias.as<float>() : nullptr;
  int32_t num_keys = 0;
  for (const AttentionStream& stream : streams) {
    if (!stream.k || stream.k.shape[2] == 0) continue;
    require(job.num_key_streams < kMaxKeyStreams, "attention: more than ", kMaxKeyStreams, " streams of keys");
    KeyRows& keys = job.keys[job.num_key_streams++] = key_rows(stream.k, stream.v, 0, 1, 0, num_keys, stream.k.shape[2]);
    num_keys = keys.end;
  }
  for (const AttentionStream& stream : streams) {
    if (!stream.q || stream.q.shape[2] == 0) continue;
    require(job.num_query_streams < kMaxQueryStreams, "attention: more than ", kMaxQueryStreams, " streams of queries");
    require(stream.out.dtype == out, "attention: outputs of ", name_of(out), " and ", name_of(stream.out.dtype), "; the CUDA backend needs one type");
    QueryRows& queries = job.queries[job.num_query_streams++] = query_rows(stream.q, stream.out, 0, 1, 0, stream.q.shape[2], 1);
    queries.last_stream = job.num_key_streams;
    queries.num_keys = num_keys;
  }
  return job;
}

AttentionJob divided_attention_job(const Tensor& out, const Qkv& qkv, int64_t frames, int64_t sites, ops::DividedAxis axis, float scale) {
  const bool in_time = axis == ops::DividedAxis::time;
  const int64_t count = in_time ? frames : sites, groups = in_time ? sites : frames;
  const int64_t row_step = in_time ? sites : 1, group_step = in_time ? 1 : sites;
  AttentionJob job = job_of(qkv.q, out.dtype, scale);
  job.num_key_streams = 3;
  job.keys[0] = key_rows(qkv.k, qkv.v, 0, 1, 0, 0, qkv.k.shape[2]);             // what the cls query sees
  job.keys[1] = key_rows(qkv.k, qkv.v, 0, 1, 0, 0, 1);                          // what the others see: the cls key
  job.keys[2] = key_rows(qkv.k, qkv.v, 1, row_step, group_step, 1, count, groups);  // and those of their group
  job.num_query_streams = 2;                                                    // the cls query first: it takes longest
  job.queries[0] = query_rows(qkv.q, out, 0, 1, 0, 1, 1);
  job.queries[0].last_stream = 1;
  job.queries[0].num_keys = job.keys[0].end;
  job.queries[1] = query_rows(qkv.q, out, 1, row_step, group_step, count, groups);
  job.queries[1].first_stream = 1;
  job.queries[1].last_stream = 3;
  job.queries[1].num_keys = job.keys[2].end;
  return job;
}

AttentionPath preferred_path(const AttentionJob& job) { return job.num_query_streams < 3 ? AttentionPath::wgmma : AttentionPath::mma; }

AttentionPath best_path(const AttentionJob& job, DType in, AttentionPath allowed, bool has_wgmma) {
  const bool has_tiles = job.dim == 32 || job.dim == 64 || job.dim == 80 || job.dim == 128;
  if (allowed == AttentionPath::simt || in == DType::f32 || !has_tiles || !(job.scale > 0)) return AttentionPath::simt;
  const auto is_aligned = [](const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; };
  for (int32_t i = 0; i < job.num_key_streams; ++i)
    if (!is_aligned(job.keys[i].k) || !is_aligned(job.keys[i].v)) return AttentionPath::simt;
  for (int32_t i = 0; i < job.num_query_streams; ++i)
    if (!is_aligned(job.queries[i].q) || !is_aligned(job.queries[i].out)) return AttentionPath::simt;
  if (allowed == AttentionPath::mma || !has_wgmma || job.dim == 32 || job.num_key_streams > kMaxTensorStreams) return AttentionPath::mma;
  return AttentionPath::wgmma;
}

}  // namespace ts::cuda
