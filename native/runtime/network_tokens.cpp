// The tokenizers by themselves.
#include "runtime/network.h"
#include "text/tokenizer.h"

namespace ts {
namespace {

constexpr int64_t kMaxTextLen = 1 << 20;

class TokensNetwork final : public Network {
 public:
  TokensNetwork(const JsonObject& config, bool clip)
      : tokenizer_(clip ? load_clip_tokenizer(config.get_string("file"), config.get_string("vocabulary", ""))
                        : load_t5_tokenizer(config.get_string("file"))) {}

  void run(const std::string& function, const JsonObject& settings, const Inputs&, bool, const Outputs& outputs) override {
    if (function != "encode") unknown_function("tokens", function, "encode");
    const Tokens tokens = tokenizer_->encode(settings.get_string("text"), int(settings.get_int("text_len", 2, kMaxTextLen, 77)));
    const int32_t num_tokens = tokens.num_tokens;
    outputs("num_tokens", tensor_of(&num_tokens, {}), true);
    outputs("ids", tensor_of(tokens.ids.data(), {int64_t(tokens.ids.size())}), true);
    outputs("mask", tensor_of(tokens.mask.data(), {int64_t(tokens.mask.size())}), true);
  }

 private:
  const std::unique_ptr<Tokenizer> tokenizer_;
};

}  // namespace

std::unique_ptr<Network> create_tokens_network(const nlohmann::json& config, bool clip) {
  return std::make_unique<TokensNetwork>(JsonObject(config, clip ? "clip_tokens config" : "t5_tokens config", TS_INVALID_ARGUMENT), clip);
}

}  // namespace ts
