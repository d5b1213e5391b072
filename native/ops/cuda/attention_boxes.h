// The keys of an attention job in boxes of 16 rows, what one instruction of Hopper's copy engine fetches.
//
// Boxes never span streams: a stream of n keys has ⌈n / 16⌉, of which the last is filled up with zeros. A tile of keys is a
// fixed number of boxes in the order of the streams, so that short streams do not cost a tile each.
#pragma once

#include "ops/cuda/attention_job.h"

namespace ts::cuda {

constexpr int kBoxRows = 16;

struct BoxedKeys {
  int32_t begin, count;   // of KeyRows
  int32_t first_box;      // among the boxes that its queries see
  bool is_grouped;
};

struct BoxPlan {
  BoxedKeys keys[kMaxTensorStreams];
  int32_t num_boxes[kMaxQueryStreams];       // that each stream of queries sees
  uint64_t partial_tiles[kMaxQueryStreams];  // bit t: tile t has boxes that are not full; tiles from 63 on share bit 63
};

// Where a box lies.
struct Box {
  int32_t stream;    // of keys
  int32_t row;       // first row in that stream
  int32_t position;  // of that row among all keys that the queries see
  int32_t valid;     // rows of it that exist, 0 … 16
};

// Box `index` of what `queries` see. Past the last box: rows after the end of the last stream.
TS_ATTENTION_FUNCTION Box box_of(const BoxPlan& plan, const QueryRows& queries, int32_t index) {
  int32_t stream = queries.first_stream;
  while (stream + 1 < queries.last_stream && index >= plan.keys[stream + 1].first_box) ++stream;
  const int32_t row = (index - plan.keys[stream].first_box) * kBoxRows, left = plan.keys[stream].count - row;
  return {stream, row, plan.keys[stream].begin + row, left < 0 ? 0 : left < kBoxRows ? left : kBoxRows};
}

// For tiles of `tile_boxes` boxes; job.num_key_streams ≤ kMaxTensorStreams.
inline BoxPlan box_plan(const AttentionJob& job, int32_t tile_boxes) {
  BoxPlan plan{};
  for (int32_t i = 0; i < job.num_query_streams; ++i) {
    const QueryRows& queries = job.queries[i];
    for (int32_t s = queries.first_stream; s < queries.last_stream; ++s) {
      const KeyRows& keys = job.keys[s];
      plan.keys[s] = {keys.begin, keys.end - keys.begin, plan.num_boxes[i], keys.group_stride != 0};
      plan.num_boxes[i] += (keys.end - keys.begin + kBoxRows - 1) / kBoxRows;
    }
    const int32_t whole = (plan.num_boxes[i] + tile_boxes - 1) / tile_boxes * tile_boxes;
    for (int32_t b = 0; b < whole; ++b) {
      const int32_t tile = b / tile_boxes;
      if (box_of(plan, queries, b).valid < kBoxRows) plan.partial_tiles[i] |= uint64_t(1) << (tile < 63 ? tile : 63);
    }
  }
  return plan;
}

}  // namespace ts::cuda
