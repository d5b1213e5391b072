// Any bytes as bundle.json: it parses, with every configuration in it, or is refused with a status and a sentence.
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "models/clip_text.h"
#include "models/clip_vision.h"
#include "models/listener.h"
#include "models/mel_codec.h"
#include "models/mmdit_config.h"
#include "models/oobleck.h"
#include "models/recogniser.h"
#include "models/synchformer.h"
#include "models/t5.h"
#include "runtime/bundle.h"

namespace {

// A configuration that is refused must not keep the others from being read.
template <class Parse>
void parse(const Parse& body) {
  try {
    body();
  } catch (const ts::Error& error) {
    if (error.status() != TS_BAD_BUNDLE || *error.what() == '\0') std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parse([&] {
    const ts::Bundle bundle = ts::parse_bundle({reinterpret_cast<const char*>(data), size}, "bundle.json", "/bundle", false);
    if (bundle.mmdit) parse([&] { ts::parse_mmdit_config(*bundle.mmdit->config, "mmdit"); });
    if (bundle.t5) parse([&] { ts::parse_t5_config(*bundle.t5->config, "t5"); });
    if (bundle.clip_text) parse([&] { ts::parse_clip_text_config(*bundle.clip_text->config, "clip_text"); });
    if (bundle.clip_vision) parse([&] { ts::parse_clip_vision_config(*bundle.clip_vision->config, "clip_vision"); });
    if (bundle.synchformer) parse([&] { ts::parse_synchformer_config(*bundle.synchformer->config, "synchformer"); });
    if (bundle.recogniser) parse([&] { ts::parse_recogniser_config(*bundle.recogniser->config, "recogniser"); });
    if (bundle.listener) parse([&] { ts::parse_listener_config(*bundle.listener->config, "listener"); });
    if (!bundle.vae) return;
    for (const char* side : {"encoder", "decoder"})
      if (const auto found = bundle.vae->config->find(side); found != bundle.vae->config->end()) {
        parse([&] { side[0] == 'e' ? ts::parse_oobleck_encoder(*found, side) : ts::parse_oobleck_decoder(*found, side); });
        parse([&] { ts::parse_mel_codec(*found, side); });
      }
  });
  return 0;
}
