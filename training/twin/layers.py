"""What the velocity network is built of. All sequences are channel-last, [batch, length, width]."""
import torch
from torch import nn
from torch.nn import functional as F


class Conv(nn.Conv1d):
    """Convolution over time with zeros beyond both ends, [B, L, in] → [B, L, out]; an even kernel loses one row.

    It runs as one matrix product over `kernel` shifted copies of the rows: at these widths as fast as oneDNN's convolution
    and without its changes of layout, and two convolutions of one input share the copies (see `GatedConv`).
    """

    def __init__(self, width_in: int, width_out: int, kernel: int, bias: bool = True):
        super().__init__(width_in, width_out, kernel, padding=(kernel - 1) // 2, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(shifted(x, self.kernel_size[0]), taps_first(self.weight), self.bias)


class Shifted(torch.autograd.Function):
    """[B, L, width] → [B, L', kernel·width]: the rows n − pad … n − pad + kernel − 1 side by side.

    With a backward of its own: that of slicing would write a whole array of zeros for every shift.
    """

    @staticmethod
    def forward(ctx, x: torch.Tensor, kernel: int) -> torch.Tensor:
        pad = (kernel - 1) // 2
        ctx.kernel, ctx.pad, ctx.shape = kernel, pad, x.shape
        rows = F.pad(x, (0, 0, pad, pad))
        length = rows.shape[1] - kernel + 1
        return torch.cat([rows[:, j : j + length] for j in range(kernel)], -1)

    @staticmethod
    def backward(ctx, grad: torch.Tensor):
        batch, length, width = ctx.shape
        rows = grad.new_zeros(batch, length + 2 * ctx.pad, width)
        for j, part in enumerate(grad.split(width, -1)):
            rows[:, j : j + grad.shape[1]] += part
        return rows[:, ctx.pad : ctx.pad + length], None


def shifted(x: torch.Tensor, kernel: int) -> torch.Tensor:
    return x if kernel == 1 else Shifted.apply(x, kernel)


def taps_first(weight: torch.Tensor) -> torch.Tensor:
    """A convolution's [out, in, kernel] → [out, kernel·in], in the order of `shifted`."""
    return weight.transpose(1, 2).reshape(weight.shape[0], -1)


class GatedMlp(nn.Module):
    """SwiGLU: w2(silu(w1 x) ⊙ w3 x), no biases; the inner width is 2/3 of `inner`, rounded up to a multiple of 256.

    Shazeer, "GLU variants improve transformer", 2020. `kernel` None: linear layers; else convolutions over time.
    """

    def __init__(self, width: int, inner: int, kernel: int | None = None):
        super().__init__()
        inner = 256 * ((2 * inner // 3 + 255) // 256)
        self.kernel = kernel or 1
        self.w1, self.w2, self.w3 = (
            nn.Linear(i, o, bias=False) if kernel is None else Conv(i, o, kernel, bias=False)
            for i, o in ((width, inner), (inner, width), (width, inner)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = torch.cat([self.w1.weight, self.w3.weight])
        gate, value = F.linear(shifted(x, self.kernel), taps_first(weight) if weight.dim() == 3 else weight).chunk(2, -1)
        return self.w2(F.silu(gate) * value)


class RmsNorm(nn.Module):
    """x / √(mean x² + eps) · weight over the last axis, in the weight's type; eps is PyTorch's default, the float32 epsilon."""

    def __init__(self, width: int, eps: float = 2.0**-23):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return rms_norm(x, self.weight, self.eps)


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float = 2.0**-23) -> torch.Tensor:
    x = x.to(weight.dtype)
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


class Attention(nn.Module):
    """softmax(q kᵀ / √d) v on [B, heads, length, d] → [B, length, heads·d]; a module so that hooks see q, k, v."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return attention(q, k, v).transpose(1, 2).flatten(2)


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float | None = None, bias: torch.Tensor | None = None) -> torch.Tensor:
    """softmax(scale · q kᵀ + bias) v; [..., length, d], `scale` 1/√d unless given, `bias` broadcast over the scores."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    if hasattr(F, "scaled_dot_product_attention") and q.is_cuda and q.dim() == 4:
        # A query scaled beforehand stands in for the `scale` argument, which 2.0 lacks.
        q = q * (scale * q.shape[-1] ** 0.5)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=None if bias is None else bias.to(q.dtype))
    scores = (q * scale) @ k.transpose(-1, -2)
    return F.softmax(scores if bias is None else scores + bias, -1) @ v
