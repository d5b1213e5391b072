// The networks of one model, introduced to each other here and nowhere else. Absent ones are null.
#pragma once

#include <memory>
#include <string>

#include "models/clip_text.h"
#include "models/clip_vision.h"
#include "models/listener.h"
#include "models/mmdit.h"
#include "models/recogniser.h"
#include "models/synchformer.h"
#include "models/t5.h"
#include "ops/image.h"
#include "pipeline/audio_codec.h"
#include "text/tokenizer.h"

namespace ts {

class Networks {
 public:
  std::string name;  // of the bundle, for messages
  ops::ResizeKind clip_resize = ops::ResizeKind::pil;
  std::unique_ptr<Mmdit> mmdit;
  std::unique_ptr<AudioDecoder> decoder;
  std::unique_ptr<AudioEncoder> encoder;
  std::unique_ptr<T5> t5;
  std::unique_ptr<ClipText> clip_text;
  std::unique_ptr<ClipVision> clip_vision;
  std::unique_ptr<Synchformer> synchformer;
  std::unique_ptr<Recogniser> recogniser;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Tokenizer> clip_tokenizer, t5_tokenizer;

  int64_t text_len() const { return mmdit ? mmdit->config().text_seq_len : 77; }
  // Ids as the encoder receives them.
  Tokens tokenize(ts_text_encoder encoder, const std::string& text) const {
    require(encoder == TS_TEXT_CLIP || encoder == TS_TEXT_T5, "text encoder ", encoder, " is not known");
    const bool clip = encoder == TS_TEXT_CLIP;
    return need(clip ? clip_tokenizer : t5_tokenizer, clip ? "clip_text with a tokenizer" : "t5 with a tokenizer", "read text")
        .encode(text, int(text_len()));
  }

  // One of the above, or TS_UNSUPPORTED saying what is missing and what it would be needed for.
  template <class Network>
  const Network& need(const std::unique_ptr<Network>& network, const char* component, const char* purpose) const {
    if (!network) fail(TS_UNSUPPORTED, "bundle ", name, " has no component ", component, " loaded, which it takes to ", purpose);
    return *network;
  }
};

}  // namespace ts
