"""MM-DiT, the velocity network (spec 01): noise and conditions in, flow out.

    clip [B, C, ·] ─ proj ─────────────┬─ mean ─┐
    text, T5 [B, T, ·] ─ proj ─────────│─┐ mean ┴─ MLP ─(+ t) ─ global_c [B, 1, D] ─┐
    sync [B, S, ·] ─ +pos ─ proj ──────│─│─ nearest N ──────────────────────────────(+)─ extended_c [B, N, D]
    x [B, N, latent_dim] ─ proj ─ joint blocks: latent, clip, text attend together ─ fused blocks: latent alone ─ final ─ flow

Joint blocks: Esser et al., "Scaling rectified flow transformers", 2024, and Cheng et al., "MMAudio", 2024. Optional
branches of the reference (spec 01 §7a) are all here; the published model uses none of them.
"""
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

from twin.layers import Attention, Conv, GatedMlp, RmsNorm, rms_norm
from twin.mmdit_tables import natural_spline, nearest_exact, rotations, timestep_embedding


@dataclass(frozen=True)
class MmditConfig:
    """The constructor's arguments of the reference, by its names; `clip_text_dim` is ours."""
    latent_dim: int
    clip_dim: int
    sync_dim: int
    text_dim: int
    hidden_dim: int
    depth: int
    fused_depth: int
    num_heads: int
    latent_seq_len: int = 194
    clip_seq_len: int = 72
    sync_seq_len: int = 216
    text_seq_len: int = 77
    clip_text_dim: int = 1024
    mlp_ratio: float = 4.0
    v2: bool = False
    kernel_size: int = 7
    sync_kernel: int = 7
    use_mlp: bool = False
    use_inpaint: bool = False
    cross_attend: bool = False
    add_video: bool = False
    gated_video: bool = False
    triple_fusion: bool = False
    latent_mean: object = None  # accepted and ignored, as in the reference
    latent_std: object = None

    def __post_init__(self):
        if self.hidden_dim % (2 * self.num_heads):
            raise ValueError(f"hidden_dim {self.hidden_dim} must be an even multiple of num_heads {self.num_heads}")
        if self.v2 and self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size {self.kernel_size} is even: the sequence would shrink")
        if not self.v2 and (self.fused_depth or self.use_inpaint):
            raise ValueError("without v2 there are neither fused blocks nor use_inpaint")

    @property
    def num_joint(self) -> int:
        return max(self.depth - self.fused_depth, 0)


@dataclass
class Features:
    """What a batch is conditioned on. Raw encoder outputs, [B, length, width]; `text` may be widened for T5's absence."""
    clip: torch.Tensor
    sync: torch.Tensor
    text: torch.Tensor
    t5: torch.Tensor | None = None
    global_text: torch.Tensor | None = None  # [B, clip_text_dim]
    masked: torch.Tensor | None = None       # use_inpaint: the visible part of the latent [B, N, latent_dim]


@dataclass
class Conditions:
    """`Features` as the blocks need them; independent of x and t."""
    clip: torch.Tensor      # [B, C, D]
    sync: torch.Tensor      # [B, N, D]
    text: torch.Tensor      # [B, T, D]
    clip_c: torch.Tensor    # [B, D]
    text_c: torch.Tensor    # [B, D]
    global_c: torch.Tensor  # [B, D], without the timestep
    masked: torch.Tensor | None


class QkvProjection(nn.Module):
    """The published rows of qkv are head·3d + 3i + {0: q, 1: k, 2: v}; here they come out as three tensors."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = RmsNorm(width // num_heads)
        self.k_norm = RmsNorm(width // num_heads)

    def forward(self, x: torch.Tensor, turns: torch.Tensor | None):
        """x [B, L, D], turns complex [L, d/2] → q, k, v [B, L, heads, d], q and k normed and rotated."""
        d, width = x.shape[-1] // self.num_heads, x.shape[-1]
        # Reordering weights moves a few rows where reordering activations would move many.
        weight = self.qkv.weight.reshape(self.num_heads, d, 3, width).permute(2, 0, 1, 3).reshape(3 * width, width)
        bias = self.qkv.bias.reshape(self.num_heads, d, 3).permute(2, 0, 1).reshape(-1)
        qkv = F.linear(x, weight, bias).unflatten(-1, (3, self.num_heads, d))
        qk, v = qkv.split([2, 1], 2)
        qk = rms_norm(qk, torch.stack([self.q_norm.weight, self.k_norm.weight])[:, None])
        if turns is not None:
            pairs = torch.view_as_complex(qk.unflatten(-1, (-1, 2)))
            qk = torch.view_as_real(pairs * turns[:, None, None].to(pairs.dtype)).flatten(-2)
        return *qk.unbind(2), v.squeeze(2).to(qk.dtype)


class CrossAttention(nn.Module):
    """Latent queries over the text. As in the reference, keys are the raw half of kv and values the normed one."""

    def __init__(self, width: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(width, 2 * width, bias=False)
        self.q_norm = RmsNorm(width // num_heads)
        self.k_norm = RmsNorm(width // num_heads)
        self.attend = Attention()

    def forward(self, x: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        q = self.q_norm(self.to_q(x).unflatten(-1, (self.num_heads, -1)))
        normed, raw = self.to_kv(text).unflatten(-1, (self.num_heads, -1, 2)).unbind(-1)
        return self.attend(q.transpose(1, 2), raw.transpose(1, 2), self.k_norm(normed).transpose(1, 2))


def modulated(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Layer norm without parameters, eps 1e-5, then x·(1 + scale) + shift."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + scale)


def modulation(width: int, chunks: int) -> nn.Sequential:
    """adaLN. The condition arrives with its SiLU taken, once for all blocks; the module is there for the names."""
    return nn.Sequential(nn.SiLU(), nn.Linear(width, chunks * width))


class Block(nn.Module):
    """One stream's part of a block: `before` the attention, `after` it. `pre_only` streams end with the attention."""

    def __init__(self, config: MmditConfig, kernel: int | None, pre_only: bool = False, cross: bool = False):
        super().__init__()
        width = config.hidden_dim
        self.attn = QkvProjection(width, config.num_heads)
        self.adaLN_modulation = modulation(width, 2 if pre_only else 6)
        if not pre_only:
            # With kernel 1 the reference has linear layers, two-dimensional in the file.
            kernel = None if kernel == 1 else kernel
            self.linear1 = nn.Linear(width, width) if kernel is None else Conv(width, width, kernel)
            self.ffn = GatedMlp(width, int(width * config.mlp_ratio), kernel)
        if cross:
            self.cross_attn = CrossAttention(width, config.num_heads)

    def before(self, x: torch.Tensor, c: torch.Tensor, turns: torch.Tensor | None):
        """→ (q, k, v), and what `after` needs."""
        shift, scale, *rest = self.adaLN_modulation[1](c).split(x.shape[-1], -1)
        return self.attn(modulated(x, shift, scale), turns), rest

    def after(self, x: torch.Tensor, attended: torch.Tensor, rest: list, text: torch.Tensor | None = None) -> torch.Tensor:
        gate_attention, shift, scale, gate_mlp = rest
        x = torch.addcmul(x, self.linear1(attended), gate_attention)
        if text is not None:
            x = x + self.cross_attn(x, text)
        return torch.addcmul(x, self.ffn(modulated(x, shift, scale)), gate_mlp)


class JointBlock(nn.Module):
    """Latent, clip and text attend together; in the last one clip and text only give keys and values."""

    def __init__(self, config: MmditConfig, last: bool):
        super().__init__()
        self.latent_block = Block(config, kernel=3)
        self.clip_block = Block(config, kernel=3, pre_only=last)
        self.text_block = Block(config, kernel=None, pre_only=last)
        self.attend = Attention()
        self.last = last

    def forward(self, latent, clip, text, extended_c, global_c, latent_turns, clip_turns):
        (lq, lk, lv), latent_rest = self.latent_block.before(latent, extended_c, latent_turns)
        (cq, ck, cv), clip_rest = self.clip_block.before(clip, global_c, clip_turns)
        (tq, tk, tv), text_rest = self.text_block.before(text, global_c, None)
        # Nobody reads what clip and text would attend to in the last block.
        queries = lq if self.last else torch.cat([lq, cq, tq], 1)
        attended = self.attend(queries.transpose(1, 2), torch.cat([lk, ck, tk], 1).transpose(1, 2), torch.cat([lv, cv, tv], 1).transpose(1, 2))
        if self.last:
            return self.latent_block.after(latent, attended, latent_rest), clip, text
        latent_out, clip_out, text_out = attended.split([latent.shape[1], clip.shape[1], text.shape[1]], 1)
        return (self.latent_block.after(latent, latent_out, latent_rest), self.clip_block.after(clip, clip_out, clip_rest),
                self.text_block.after(text, text_out, text_rest))


class FusedBlock(Block):
    """Only the latent is left."""

    def __init__(self, config: MmditConfig):
        super().__init__(config, config.kernel_size, cross=config.cross_attend)
        self.attend = Attention()

    def forward(self, latent, extended_c, turns, text=None):
        (q, k, v), rest = self.before(latent, extended_c, turns)
        return self.after(latent, self.attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)), rest, text)


class FinalLayer(nn.Module):
    def __init__(self, width: int, latent_dim: int):
        super().__init__()
        self.adaLN_modulation = modulation(width, 2)
        self.conv = Conv(width, latent_dim, 7)

    def forward(self, latent: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return self.conv(modulated(latent, *self.adaLN_modulation[1](c).chunk(2, -1)))


class TimestepEmbedder(nn.Module):
    def __init__(self, width: int, v2: bool):
        super().__init__()
        self.width, self.v2 = width if v2 else 256, v2
        self.mlp = nn.Sequential(nn.Linear(self.width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: torch.Tensor) -> torch.Tensor:
        """t [B] in 0 … 1 → [B, D]."""
        return self.mlp(timestep_embedding(t, self.width, self.v2).to(self.mlp[0].weight.dtype))


def fusion_gate(width: int, inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(inputs * width), nn.Linear(inputs * width, 4 * width, bias=False), nn.SiLU(),
                         nn.Linear(4 * width, width, bias=False), nn.Sigmoid())


class Mmdit(nn.Module):
    """`flow(x, t, features)`; `prepare` and `velocity` are its two halves, so that a sampler prepares once.

    Lengths come from the tensors. `empty_rows` are the rows of empty_string_feat and empty_t5_feat where a file has others
    than `text_seq_len`.
    """

    def __init__(self, config: MmditConfig, empty_rows: tuple[int, int] | None = None):
        super().__init__()
        self.config = config
        width, v2 = config.hidden_dim, config.v2
        text_rows, t5_rows = empty_rows or (config.text_seq_len, config.text_seq_len)
        self.empty_string_feat = nn.Parameter(torch.zeros(text_rows, config.clip_text_dim), requires_grad=False)
        self.empty_t5_feat = nn.Parameter(torch.zeros(t5_rows, config.text_dim), requires_grad=False)
        self.empty_clip_feat = nn.Parameter(torch.zeros(1, config.clip_dim))
        self.empty_sync_feat = nn.Parameter(torch.zeros(1, config.sync_dim))
        self.sync_pos_emb = nn.Parameter(torch.zeros(1, 1, 8, config.sync_dim))

        def mlp(kernel=None):
            return GatedMlp(width, 4 * width, kernel)

        sequence, token = ([nn.SiLU()], [nn.SiLU()]) if v2 else ([nn.SELU()], [])
        audio_kernel = config.kernel_size if v2 else 7
        audio_in = config.latent_dim * (2 if config.use_inpaint else 1)
        self.audio_input_proj = nn.Sequential(Conv(audio_in, width, audio_kernel), *sequence, mlp(audio_kernel))
        self.sync_input_proj = nn.Sequential(Conv(config.sync_dim, width, config.sync_kernel if v2 else 7), *sequence, mlp(3))
        self.clip_input_proj = nn.Sequential(nn.Linear(config.clip_dim, width), *token, mlp(3))
        self.text_input_proj = nn.Sequential(nn.Linear(config.text_dim, width), *token, mlp())
        self.clip_cond_proj = nn.Linear(width, width)
        text_cond = nn.Linear(config.clip_text_dim, width)
        self.text_cond_proj = nn.Sequential(text_cond, mlp()) if config.use_mlp else text_cond
        self.global_cond_mlp = mlp()
        self.t_embed = TimestepEmbedder(width, v2)
        self.joint_blocks = nn.ModuleList(JointBlock(config, last=i == config.num_joint - 1) for i in range(config.num_joint))
        self.fused_blocks = nn.ModuleList(FusedBlock(config) for _ in range(config.fused_depth))
        if config.gated_video:
            self.gated_mlp = fusion_gate(width, 2)
        if config.triple_fusion:
            self.gated_mlp_v, self.gated_mlp_t = fusion_gate(width, 3), fusion_gate(width, 3)
        self.final_layer = FinalLayer(width, config.latent_dim)
        self.initialise()

    @classmethod
    def from_state(cls, config: MmditConfig, state: dict[str, torch.Tensor]) -> "Mmdit":
        """A network with these weights, all names and shapes checked; buffers that old files contain are passed over."""
        model = cls(config, (len(state["empty_string_feat"]), len(state["empty_t5_feat"])))
        model.load_state_dict({k: v.float() for k, v in state.items() if k not in ("t_embed.freqs", "latent_rot", "clip_rot")})
        return model

    def initialise(self) -> None:
        """Spec 01 §10: Xavier for linear layers, zeros where a block or the network must begin as nothing."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in (self.t_embed.mlp[0], self.t_embed.mlp[2]):
            nn.init.normal_(layer.weight, std=0.02)
        for module in self.modules():
            if hasattr(module, "adaLN_modulation"):
                nn.init.zeros_(module.adaLN_modulation[1].weight)
        nn.init.zeros_(self.final_layer.conv.weight)
        nn.init.zeros_(self.final_layer.conv.bias)

    # Conditions

    def dropped(self, features: Features, *, clip=None, sync=None, text=None, t5=None, global_text=None, masked=None) -> Features:
        """Features with the learned empties where a mask [B] is true; zeros for the global text and the masked latent."""
        def put(mask, empty, feature):
            return feature if mask is None or feature is None else torch.where(mask.bool().reshape(-1, *[1] * (feature.dim() - 1)), empty.to(feature.dtype), feature)
        zero = torch.zeros((), device=features.clip.device)
        return replace(
            features, clip=put(clip, self.empty_clip_feat, features.clip), sync=put(sync, self.empty_sync_feat, features.sync),
            text=put(text, self.empty_string_feat, features.text), t5=put(t5, self.empty_t5_feat, features.t5),
            global_text=put(global_text, zero, features.global_text), masked=put(masked, zero, features.masked))

    def with_null(self, features: Features, clip_len: int, sync_len: int) -> Features:
        """Twice the batch for guidance: the features, cut or padded with zeros to the model's lengths, then the empties."""
        batch = features.clip.shape[0]

        def join(feature, empty):
            rows = F.pad(feature, (0, 0, 0, max(0, len(empty) - feature.shape[1])))[:, : len(empty)]
            return torch.cat([rows, empty.expand(batch, -1, -1).to(rows.dtype)])

        def join_zeros(feature):
            return None if feature is None else torch.cat([feature, torch.zeros_like(feature)])
        return Features(
            clip=join(features.clip, self.empty_clip_feat.expand(clip_len, -1)), sync=join(features.sync, self.empty_sync_feat.expand(sync_len, -1)),
            text=join(features.text, self.empty_string_feat),
            t5=None if features.t5 is None else torch.cat([features.t5, self.empty_t5_feat.expand(batch, -1, -1).to(features.t5.dtype)]),
            global_text=join_zeros(features.global_text), masked=join_zeros(features.masked))

    def sync_stream(self, sync: torch.Tensor, latent_len: int) -> torch.Tensor:
        """Sync features [B, S, sync_dim] → what they say of each latent [B, N, D]."""
        if sync.shape[1] % 8:
            raise ValueError(f"{sync.shape[1]} sync frames: they come in segments of 8")
        sync = self.sync_input_proj((sync.unflatten(1, (-1, 8)) + self.sync_pos_emb).flatten(1, 2))  # [B, S, D]
        return sync[:, nearest_exact(sync.shape[1], latent_len, sync.device)]

    def prepare(self, features: Features, latent_len: int) -> Conditions:
        """Everything that does not depend on x and t."""
        clip, sync, text = features.clip, self.sync_stream(features.sync, latent_len), features.text
        clip = self.clip_input_proj(clip)                                                       # [B, C, D]
        tokens = text
        if features.t5 is not None:
            tokens = torch.cat([F.pad(text, (0, features.t5.shape[-1] - text.shape[-1])), features.t5], 1)
        tokens = self.text_input_proj(tokens)                                                   # [B, T, D]
        if features.global_text is not None:
            global_text = features.global_text
        else:
            global_text = (text if features.t5 is not None else tokens).mean(1)
        clip_c, text_c = self.clip_cond_proj(clip.mean(1)), self.text_cond_proj(global_text)    # [B, D]
        return Conditions(clip, sync, tokens, clip_c, text_c, self.global_cond_mlp(clip_c + text_c), features.masked)

    # Flow

    def velocity(self, x: torch.Tensor, t: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """x [B, N, latent_dim], t [B] → flow [B, N, latent_dim] = noise − sound."""
        config, (batch, length, _) = self.config, x.shape
        if config.use_inpaint:
            x = torch.cat([x, torch.zeros_like(x) if conditions.masked is None else conditions.masked], -1)
        # Under autocast products are short, residual streams are not.
        latent, clip, text = (stream.to(self.sync_pos_emb.dtype) for stream in (self.audio_input_proj(x), conditions.clip, conditions.text))
        global_c = (self.t_embed(t) + conditions.global_c)[:, None]                             # [B, 1, D]
        extended_c = global_c + conditions.sync                                                 # [B, N, D]
        global_c, extended_c = F.silu(global_c), F.silu(extended_c)
        head_dim = config.hidden_dim // config.num_heads
        turns = rotations(length, head_dim, 1.0, x.device)
        clip_turns = rotations(clip.shape[1], head_dim, length / clip.shape[1], x.device)
        for block in self.joint_blocks:
            latent, clip, text = block(latent, clip, text, extended_c, global_c, turns, clip_turns)
        if config.add_video:
            latent, text = self.fuse_video(latent, clip, text)
        for block in self.fused_blocks:
            latent = block(latent, extended_c, turns, text if config.cross_attend else None)
        return self.final_layer(latent, extended_c)

    def fuse_video(self, latent: torch.Tensor, clip: torch.Tensor, text: torch.Tensor):
        """add_video and its two gated forms (spec 01 §7a) → latent, and the text that cross attention sees."""
        length = latent.shape[1]
        if clip.shape[1] != length:
            clip = natural_spline(clip.shape[1], length, clip.device).to(clip.dtype) @ clip
        if self.config.triple_fusion:
            text = text.mean(1, keepdim=True).expand(-1, length, -1)
            joined = torch.cat([latent, clip, text], -1)
            return latent + self.gated_mlp_v(joined) * clip + self.gated_mlp_t(joined) * text, text
        if self.config.gated_video:
            return latent + self.gated_mlp(torch.cat([latent, clip], -1)) * latent, text  # the clip only steers the gate
        return latent + clip, text

    def forward(self, x: torch.Tensor, t: torch.Tensor, features: Features) -> torch.Tensor:
        return self.velocity(x, t, self.prepare(features, x.shape[1]))

    def guided(self, x: torch.Tensor, t: torch.Tensor, null_too: Conditions, cfg: float, phi: float = 0.0) -> torch.Tensor:
        """v∅ + cfg·(v − v∅), Ho and Salimans, 2022; `null_too` prepared from `with_null`. phi: std rescale, 0 = off."""
        flow, null = self.velocity(x.repeat(2, 1, 1), t.repeat(2), null_too).chunk(2)
        guided = null + cfg * (flow - null)
        if phi:
            guided = phi * guided * (flow.std(1, keepdim=True) / guided.std(1, keepdim=True)) + (1 - phi) * guided
        return guided
