// The public structs as the runtime's own types.
#pragma once

#include "abi/guard.h"
#include "pipeline/networks.h"
#include "pipeline/request.h"
#include "pipeline/vision.h"
#include "pipeline/progress.h"

namespace ts::abi {

// `rows` of `width` floats, or nothing. A pointer without rows, and rows without a pointer, are mistakes, and so are NaN and
// infinities.
std::vector<float> copy_rows(const float* data, int64_t rows, int64_t width, const char* name);
// Widths of the features that a caller hands in; they are copied.
Conditions read_conditions(const ts_conditions* conditions, const Networks& networks, int64_t latent_len);
GenerateOptions read_options(const ts_generate_options* options);
// Pointers of `options` are copied once their length is known.
void read_latents(GenerateOptions& to, const ts_generate_options* options, const Networks& networks, int64_t latent_len);
EditOptions read_options(const ts_edit_options* options);
void read_latents(EditOptions& to, const ts_edit_options* options, const Networks& networks, int64_t latent_len);
Frames read_frames(const ts_frames* frames);

Progress::Listener progress_listener(ts_progress_fn progress, void* user_data);

}  // namespace ts::abi
