"""The CLIP text tower (spec 04 §2): token ids → normed hidden states and the projected one at the first end token.

    h = token + position embedding;  causal layers;  final LN ─┬─ last_hidden_state [B, n, width]
                                                               └─ at the first EOS ─ projection ─ text_features [B, projection]

Padding is no key; as it stands after the end token, causality makes its rows look at the real tokens alone.
"""
import torch
from torch import nn

from twin.clip_layers import ClipStack, load


class Embeddings(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.token_embedding = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.position_embedding = nn.Embedding(config.get("max_position_embeddings", 77), config["hidden_size"])
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.position_embedding.weight, std=0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class TextModel(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = ClipStack(config)
        self.final_layer_norm = nn.LayerNorm(config["hidden_size"], eps=config.get("layer_norm_eps", 1e-5))


class ClipText(nn.Module):
    """`config`: {"text_config": {…}, "projection_dim": …} by Hugging Face's names."""

    def __init__(self, config: dict):
        super().__init__()
        text = config["text_config"]
        self.config = config
        self.text_model = TextModel(text)
        self.text_projection = nn.Linear(text["hidden_size"], config["projection_dim"], bias=False)
        # Old configurations say 2 and mean the last id of the vocabulary.
        eos = text.get("eos_token_id", 2)
        self.eos_id = text["vocab_size"] - 1 if eos == 2 else eos

    @classmethod
    def from_state(cls, config: dict, state: dict[str, torch.Tensor]) -> "ClipText":
        return load(cls(config), state)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """ids [B, n], mask [B, n] (1 = real) → (last_hidden_state [B, n, width], text_features [B, projection])."""
        length = input_ids.shape[1]
        h = self.text_model.embeddings(input_ids)
        hidden = torch.ones(length, length, dtype=torch.bool, device=h.device).triu(1)[None, None]
        if attention_mask is not None:
            hidden = hidden | ~attention_mask.bool()[:, None, None]
        bias = torch.zeros(hidden.shape, dtype=h.dtype, device=h.device).masked_fill(hidden, torch.finfo(h.dtype).min)
        h = self.text_model.final_layer_norm(self.text_model.encoder(h, bias))
        first_end = (input_ids == self.eos_id).int().argmax(1)
        return h, self.text_projection(h[torch.arange(len(h), device=h.device), first_end])
