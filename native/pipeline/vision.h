// Video frames → features of the two vision towers. Spec 05.
#pragma once

#include <span>

#include "models/clip_vision.h"
#include "models/synchformer.h"
#include "ops/image.h"
#include "pipeline/progress.h"
#include "pipeline/workspace.h"

namespace ts {

using ops::Frames;

// features [frames.count, projection_dim] on the host.
void encode_clip_frames(Workspace& workspace, const ClipVision& tower, const Frames& frames, ops::ResizeKind resize_kind,
                        const Progress& progress, std::span<float> features);
// features [num_features, width] on the host, num_features = sync_features_of(frames.count).
void encode_sync_frames(Workspace& workspace, const Synchformer& tower, const Frames& frames, const Progress& progress,
                        std::span<float> features);
// 8·(⌊(F − 16)/8⌋ + 1) for the published tower; 0 below one segment.
int64_t num_sync_features(const Synchformer& tower, int64_t num_frames);

// Arena bytes of one batch.
int64_t plan_clip_frames(const Workspace& workspace, const ClipVision& tower);
int64_t plan_sync_frames(const Workspace& workspace, const Synchformer& tower);

}  // namespace ts
