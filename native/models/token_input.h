// Token ids and masks on their way from the host into a text encoder.
#pragma once

#include <cstdint>
#include <span>

#include "ops/memory.h"

namespace ts {

// A batch of token rows in host memory, alive during the forward.
struct TokenBatch {
  std::span<const int32_t> ids;   // [B, N]
  std::span<const uint8_t> mask;  // [B, N], 0 = padding, which nobody attends to; empty = none
};

struct DeviceTokens {
  Tensor ids;   // i32 [B, N]
  Tensor mask;  // u8 [B, N]; empty without a mask
};

// Checks sizes and every id against the vocabulary, then uploads. `encoder` begins the messages.
inline DeviceTokens upload_tokens(Context& ctx, const char* encoder, const TokenBatch& tokens, int64_t batch, int64_t len, int64_t vocab_size) {
  require(int64_t(tokens.ids.size()) == batch * len, encoder, ": ", tokens.ids.size(), " ids for ", batch, " rows of ", len);
  require(tokens.mask.empty() || tokens.mask.size() == tokens.ids.size(), encoder, ": a mask of ", tokens.mask.size(), " for ",
          tokens.ids.size(), " ids");
  for (size_t i = 0; i < tokens.ids.size(); ++i)
    require(tokens.ids[i] >= 0 && tokens.ids[i] < vocab_size, encoder, ": id ", tokens.ids[i], " at position ", int64_t(i) % len,
            " is not in a vocabulary of ", vocab_size, "; is this the tokenizer of another model?");
  DeviceTokens device;
  device.ids = ctx.arena().allocate<int32_t>({batch, len});
  ops::upload(ctx, device.ids, tensor_of(tokens.ids.data(), device.ids.shape));
  if (tokens.mask.empty()) return device;
  device.mask = ctx.arena().allocate<uint8_t>({batch, len});
  ops::upload(ctx, device.mask, tensor_of(tokens.mask.data(), device.mask.shape));
  return device;
}

}  // namespace ts
