"""The twin's networks as one would serve them: weights laid out once, PyTorch's own attention and norms, convolutions by cuDNN in
their own layout (`"cudnn"`) or as products over shifted rows (`"products"`). What the twin does for training, such as reordering
and joining weights in each forward, would make a baseline slower than PyTorch is.
"""
import torch
from torch import nn
from torch.nn import functional as F

from twin import clip_layers, layers, mmdit, oobleck, synchformer, t5
from twin.mmdit_tables import rotations
from twin.sampler import time_grid

CONVOLUTIONS = ("cudnn", "products")


def prepared(network: nn.Module, convolutions: str) -> nn.Module:
    """The network with every module that has a form for inference replaced by it."""
    if convolutions not in CONVOLUTIONS:
        raise ValueError(f"convolutions by {convolutions}: known are {', '.join(CONVOLUTIONS)}")
    for name, child in list(network.named_children()):
        form = FORMS.get(type(child))
        if form:
            setattr(network, name, form(child, convolutions))
        else:
            prepared(child, convolutions)
    return network


def attend(q, k, v, scale: float | None = None, bias=None) -> torch.Tensor:
    """[..., heads, length, d] → the same shape. PyTorch before 2.0, where only tests run, has no attention of its own."""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=None if bias is None else bias.to(q.dtype), scale=scale)
    return layers.attention(q, k, v, scale, bias)


def normed(x: torch.Tensor, weight: torch.Tensor | None, eps: float) -> torch.Tensor:
    if hasattr(F, "rms_norm"):
        return F.rms_norm(x, x.shape[-1:], weight, eps)
    return layers.rms_norm(x, torch.ones((), dtype=x.dtype, device=x.device) if weight is None else weight, eps)


def kept(tensor: torch.Tensor) -> nn.Parameter:
    """Leaves that require gradients are those whose short copies autocast keeps for the whole loop."""
    return nn.Parameter(tensor.detach().clone().contiguous())


def joined(*linears: nn.Linear) -> nn.Linear:
    """Layers of one input as one."""
    weight = torch.cat([layer.weight for layer in linears])
    layer = nn.Linear(1, 1, bias=linears[0].bias is not None)
    layer.in_features, layer.out_features = weight.shape[1], weight.shape[0]
    layer.weight = kept(weight)
    if linears[0].bias is not None:
        layer.bias = kept(torch.cat([layer.bias for layer in linears]))
    return layer


class Rows(nn.Module):
    """A convolution over time of rows [B, L, width]."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, convolutions: str):
        super().__init__()
        self.kernel = weight.shape[2] if weight.dim() == 3 else 1
        self.as_product = weight.dim() == 2 or self.kernel == 1 or convolutions == "products"
        self.weight = kept(layers.taps_first(weight) if weight.dim() == 3 and self.as_product else weight)
        self.bias = None if bias is None else kept(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pad = (self.kernel - 1) // 2
        if not self.as_product:
            return F.conv1d(x.transpose(1, 2), self.weight, self.bias, padding=pad).transpose(1, 2)
        if self.kernel > 1:
            x = F.pad(x, (0, 0, pad, pad))
            length = x.shape[1] - self.kernel + 1
            x = torch.cat([x[:, tap : tap + length] for tap in range(self.kernel)], -1)
        return F.linear(x, self.weight, self.bias)


class Gated(nn.Module):
    def __init__(self, mlp: layers.GatedMlp, convolutions: str):
        super().__init__()
        self.w13 = Rows(torch.cat([mlp.w1.weight, mlp.w3.weight]), None, convolutions)
        self.w2 = Rows(mlp.w2.weight, None, convolutions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate, value = self.w13(x).chunk(2, -1)
        return self.w2(F.silu(gate) * value)


class Qkv(nn.Module):
    """q, k, v [B, L, heads, d] of a stream; `turns` (cosines, sines) [L, 1, 1, d/2], applied in float32 as the reference does."""

    def __init__(self, projection: mmdit.QkvProjection, _):
        super().__init__()
        heads, width = projection.num_heads, projection.qkv.in_features
        self.shape = (3, heads, width // heads)
        order = torch.arange(3 * width).reshape(heads, width // heads, 3).permute(2, 0, 1).reshape(-1)
        self.weight, self.bias = kept(projection.qkv.weight[order]), kept(projection.qkv.bias[order])
        self.scales = kept(torch.stack([projection.q_norm.weight, projection.k_norm.weight])[:, None])
        self.eps = projection.q_norm.eps

    def forward(self, x: torch.Tensor, turns):
        qk, v = F.linear(x, self.weight, self.bias).unflatten(-1, self.shape).split([2, 1], 2)
        qk = normed(qk, None, self.eps) * self.scales
        if turns is not None:
            cosines, sines = turns
            even, odd = qk.float().unflatten(-1, (-1, 2)).unbind(-1)
            qk = torch.stack([even * cosines - odd * sines, even * sines + odd * cosines], -1).flatten(-2)
        return *qk.to(v.dtype).unbind(2), v.squeeze(2)


class Attention(nn.Module):
    def __init__(self, *_):
        super().__init__()

    def forward(self, q, k, v):
        return attend(q, k, v).transpose(1, 2).flatten(2)


class ClipAttention(nn.Module):
    def __init__(self, attention: clip_layers.SelfAttention, _):
        super().__init__()
        self.num_heads, self.out = attention.num_heads, attention.out_proj
        self.qkv = joined(attention.q_proj, attention.k_proj, attention.v_proj)

    def forward(self, x, bias):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out(attend(q, k, v, bias=bias).transpose(1, 2).flatten(2))


class T5Attention(nn.Module):
    def __init__(self, attention: t5.SelfAttention, _):
        super().__init__()
        self.num_heads, self.out = attention.num_heads, attention.o
        self.qkv = joined(attention.q, attention.k, attention.v)
        if hasattr(attention, "relative_attention_bias"):
            self.relative_attention_bias = attention.relative_attention_bias

    def forward(self, x, bias):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out(attend(q, k, v, scale=1.0, bias=bias).transpose(1, 2).flatten(2))


class T5Norm(nn.Module):
    def __init__(self, norm: layers.RmsNorm, _):
        super().__init__()
        self.weight, self.eps = kept(norm.weight), norm.eps

    def forward(self, x):
        return normed(x, self.weight, self.eps)


class Divided(nn.Module):
    """Divided attention with its groups as items of a batch, so that PyTorch's attention takes them."""

    def __init__(self, attention: synchformer.DividedAttention, _):
        super().__init__()
        self.config, self.over_time, self.qkv, self.proj = attention.config, attention.over_time, attention.qkv, attention.proj

    def forward(self, x):
        steps, sites, heads = self.config.steps, self.config.sites, self.config.num_heads
        q, k, v = self.qkv(x).unflatten(-1, (3, heads, -1)).permute(2, 0, 1, 3, 4)                     # [B, tokens, heads, d]
        first = attend(*(tokens.transpose(1, 2) for tokens in (q[:, :1], k, v))).transpose(1, 2)

        def grouped(tokens):  # [B·groups, length, heads, d]
            tokens = tokens[:, 1:].unflatten(1, (steps, sites))
            return (tokens.transpose(1, 2) if self.over_time else tokens).flatten(0, 1)

        def with_first(tokens):
            groups = grouped(tokens)
            return torch.cat([tokens[:, :1].repeat_interleave(len(groups) // len(x), 0), groups], 1)
        patches = attend(*(tokens.transpose(1, 2) for tokens in (grouped(q), with_first(k), with_first(v)))).transpose(1, 2)
        patches = patches.unflatten(0, (len(x), -1))
        patches = (patches.transpose(1, 2) if self.over_time else patches).flatten(1, 2)
        return self.proj(torch.cat([first, patches], 1).flatten(2))


class Snake(nn.Module):
    def __init__(self, snake: oobleck.Snake, _):
        super().__init__()
        self.frequency, self.size = kept(snake.alpha.exp()[:, None]), kept(1 / (snake.beta.exp()[:, None] + 1e-9))

    def forward(self, x):
        return torch.addcmul(x, torch.sin(self.frequency * x).square(), self.size)


class FoldedConv(nn.Module):
    """The VAE's convolution with its weight norm folded in."""

    def __init__(self, conv: oobleck.NormedConv, _):
        super().__init__()
        self.stride, self.padding, self.dilation, self.transposed = conv.stride, conv.padding, conv.dilation, conv.transposed
        self.weight, self.bias = kept(conv.weight), None if conv.bias is None else kept(conv.bias)

    def forward(self, x):
        if self.transposed:
            return F.conv_transpose1d(x, self.weight, self.bias, self.stride, self.padding)
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


FORMS = {
    layers.Conv: lambda conv, convolutions: Rows(conv.weight, conv.bias, convolutions),
    layers.GatedMlp: Gated, layers.Attention: Attention, layers.RmsNorm: T5Norm, mmdit.QkvProjection: Qkv, clip_layers.SelfAttention: ClipAttention,
    t5.SelfAttention: T5Attention, synchformer.DividedAttention: Divided, oobleck.Snake: Snake, oobleck.NormedConv: FoldedConv,
}


class SamplingLoop(nn.Module):
    """The guided loop of a prepared network: conditions and timestep embeddings once, then `step` for each time. `noise` [B, N, latent_dim]."""

    def __init__(self, network: mmdit.Mmdit, clip, device):
        super().__init__()
        config = network.config
        self.network, self.cfg, self.latent_len, self.lengths = network, clip.cfg, clip.latent_len, (clip.clip_len, clip.sync_len)
        times = time_grid(clip.steps).to(device)
        self.times, self.moves = times[:-1], list((times[1:] - times[:-1]).unbind())
        self.turns, self.clip_turns = (
            tuple(part[:, None, None].contiguous() for part in (turns.real, turns.imag))
            for turns in (rotations(length, config.hidden_dim // config.num_heads, scale, device)
                          for length, scale in ((clip.latent_len, 1.0), (clip.clip_len, clip.latent_len / clip.clip_len))))

    def forward(self, noise: torch.Tensor, features: mmdit.Features) -> torch.Tensor:
        network = self.network
        conditions = network.prepare(network.with_null(features, *self.lengths), self.latent_len)
        x = noise
        for t, move in zip(network.t_embed(self.times)[:, None], self.moves):
            x = self.step(x, t, move, conditions.clip, conditions.sync, conditions.text, conditions.global_c)
        return x

    def step(self, x, t, move, clip, sync, text, global_c) -> torch.Tensor:
        """x at the next time; both halves of the guidance, conditional first, as one batch."""
        network = self.network
        latent = network.audio_input_proj(x.to(sync.dtype)).repeat(2, 1, 1)
        global_c = (t + global_c)[:, None]
        extended_c, global_c = F.silu(global_c + sync), F.silu(global_c)
        for block in network.joint_blocks:
            latent, clip, text = block(latent, clip, text, extended_c, global_c, self.turns, self.clip_turns)
        for block in network.fused_blocks:
            latent = block(latent, extended_c, self.turns)
        flow, null = network.final_layer(latent, extended_c).chunk(2)
        return x + move * (null + self.cfg * (flow - null))
