// What the attention kernels are told: where the rows of queries and keys lie, and who sees whom. One job is one launch.
//
// Streams lie apart and are read where they are. A stream of queries sees a range of the job's key streams, in their
// order, as one sequence of positions. Divided attention is the same thing: groups of queries (a frame or a site), each
// with the cls key and its own group's keys, beside the one cls query that sees all.
//
// Plain C++, so that its arithmetic is tested without a GPU.
#pragma once

#include <cstdint>

#include "core/dtype.h"

#ifdef __CUDACC__
#define TS_ATTENTION_FUNCTION __host__ __device__ inline
#else
#define TS_ATTENTION_FUNCTION inline
#endif

namespace ts::cuda {

constexpr int kMaxKeyStreams = 8, kMaxQueryStreams = 8;
constexpr int kMaxTensorStreams = 4;  // of keys, that the Hopper kernel takes

// All strides in elements. A slot is one head of one item: item · heads + head.
struct KeyRows {
  const void *k, *v;
  int64_t slot_stride, group_stride, row_stride;
  int32_t begin, end;  // positions among the keys that its queries see
  int32_t groups;      // 1 without a group_stride
};

struct QueryRows {
  const void* q;
  void* out;
  int64_t slot_stride, group_stride, row_stride;
  int64_t out_item_stride, out_group_stride, out_row_stride;  // the head adds head · dim
  int32_t count, groups;             // queries of one group; groups of one slot
  int32_t first_stream, last_stream; // key streams [first, last)
  int32_t num_keys;                  // of those streams together
  int32_t first_tile, group_tiles;   // set by set_tiles
};

struct AttentionJob {
  KeyRows keys[kMaxKeyStreams];
  QueryRows queries[kMaxQueryStreams];
  int32_t num_key_streams, num_query_streams;
  int32_t slots, heads, dim;
  int32_t slot_tiles;       // of all query streams and groups
  float scale;
  DType out;                // f32, bf16 or f16
  bool causal;
  const uint8_t* key_mask;  // [items, num_keys] or null
  const float* bias;        // [heads, queries, num_keys] or null
};

// Which queries one block answers.
struct QueryTile {
  int32_t slot, item, head;
  int32_t stream, group, first;  // of the job's queries; its group; first query in that group
};

// Cuts every group into tiles of `rows` queries; returns the number of tiles of all slots.
TS_ATTENTION_FUNCTION int64_t set_tiles(AttentionJob& job, int32_t rows) {
  job.slot_tiles = 0;
  for (int32_t i = 0; i < job.num_query_streams; ++i) {
    QueryRows& queries = job.queries[i];
    queries.first_tile = job.slot_tiles;
    queries.group_tiles = (queries.count + rows - 1) / rows;
    job.slot_tiles += queries.groups * queries.group_tiles;
  }
  return int64_t(job.slots) * job.slot_tiles;
}

TS_ATTENTION_FUNCTION QueryTile tile_of(const AttentionJob& job, int64_t block, int32_t rows) {
  QueryTile tile;
  tile.slot = int32_t(block / job.slot_tiles);
  tile.item = tile.slot / job.heads;
  tile.head = tile.slot % job.heads;
  const int32_t within = int32_t(block % job.slot_tiles);
  tile.stream = 0;
  while (tile.stream + 1 < job.num_query_streams && within >= job.queries[tile.stream + 1].first_tile) ++tile.stream;
  const QueryRows& queries = job.queries[tile.stream];
  tile.group = (within - queries.first_tile) / queries.group_tiles;
  tile.first = (within - queries.first_tile) % queries.group_tiles * rows;
  return tile;
}

// The key stream that holds `position` < num_keys.
TS_ATTENTION_FUNCTION int32_t stream_of(const AttentionJob& job, const QueryRows& queries, int32_t position) {
  int32_t stream = queries.first_stream;
  while (position >= job.keys[stream].end) ++stream;
  return stream;
}

// Element offset of a key's row from the start of its stream.
TS_ATTENTION_FUNCTION int64_t key_offset(const KeyRows& keys, const QueryTile& tile, int32_t position) {
  return tile.slot * keys.slot_stride + tile.group * keys.group_stride + (position - keys.begin) * keys.row_stride;
}
TS_ATTENTION_FUNCTION int64_t query_offset(const QueryRows& queries, const QueryTile& tile, int32_t row) {
  return tile.slot * queries.slot_stride + tile.group * queries.group_stride + row * queries.row_stride;
}
TS_ATTENTION_FUNCTION int64_t out_offset(const AttentionJob& job, const QueryRows& queries, const QueryTile& tile, int32_t row) {
  return tile.item * queries.out_item_stride + tile.group * queries.out_group_stride + row * queries.out_row_stride + int64_t(tile.head) * job.dim;
}

// Warps of 16 queries in a block of attention_mma: few enough that all multiprocessors have work, many enough that keys
// are not fetched more often than needed. A block costs its warps and, for fetching keys, about as much as one more.
constexpr int32_t kMaxMmaWarps = 8;
inline int32_t mma_warps(AttentionJob job, int32_t multiprocessors) {
  int32_t best = 1;
  int64_t best_cost = INT64_MAX;
  for (int32_t warps = 1; warps <= kMaxMmaWarps; ++warps) {
    const int64_t blocks = set_tiles(job, warps * 16);
    const int64_t cost = (blocks + multiprocessors - 1) / multiprocessors * (warps + 1);
    if (cost > best_cost) continue;
    best = warps;
    best_cost = cost;
  }
  return best;
}

// Tiles of 64 queries that a block of attention_wgmma answers one after the other, two blocks a multiprocessor. A block
// fetches its keys once if they fit, and starting it takes about as long as a tile.
constexpr int32_t kWgmmaQueries = 64;
inline int32_t wgmma_query_tiles(AttentionJob job, int32_t multiprocessors) {
  constexpr int32_t kMaxTiles = 8;
  int32_t best = 1;
  int64_t best_cost = INT64_MAX;
  for (int32_t tiles = 1; tiles <= kMaxTiles; ++tiles) {
    const int64_t blocks = set_tiles(job, tiles * kWgmmaQueries);
    const int64_t cost = (blocks + 2 * multiprocessors - 1) / (2 * multiprocessors) * (tiles + 1);
    if (cost >= best_cost) continue;
    best = tiles;
    best_cost = cost;
  }
  return best;
}

// Keys that a tile of `rows` queries has to walk through.
TS_ATTENTION_FUNCTION int32_t keys_seen(const AttentionJob& job, const QueryRows& queries, const QueryTile& tile, int32_t rows) {
  const int32_t end = tile.first + rows;
  return job.causal && end < queries.num_keys ? end : queries.num_keys;
}

}  // namespace ts::cuda
