// A latent and a caption → how well the words say what is heard.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/networks.h"
#include "pipeline/workspace.h"

namespace ts {

// TS_UNSUPPORTED unless there is a listener, and what reads its captions, for `purpose`.
const Listener& need_listener(const Networks& networks, const char* purpose);

// The vector of a caption, [embed_dim]: made once for however many latents. `rows` [text_len, text_dim] are the caption's of the
// CLIP text tower where they are known already, else empty.
std::vector<float> read_words(Workspace& workspace, const Networks& networks, const std::string& caption, std::span<const float> rows = {});
// How well latent [N, latent_dim] fits these words, 0 … 1. TS_INVALID_ARGUMENT when nothing finite comes of it.
float listen(Workspace& workspace, const Listener& listener, std::span<const float> latent, std::span<const float> words);
// The same of a vector that Listener::hear made.
float fit_of(const Listener& listener, std::span<const float> sound, std::span<const float> words);

// Arena bytes of a latent of this length and of a caption of text_len tokens, the larger of them.
int64_t plan_listen(const Workspace& workspace, const Networks& networks, int64_t latent_len);

}  // namespace ts
