"""The bundled model: a small Llama, written to be read beside src/model.

Shapes: [batch, time, width]. RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    vocab: int = 3072
    width: int = 256
    layers: int = 8
    heads: int = 8
    kv_heads: int = 4
    ffn: int = 640
    context: int = 1024
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def head(self):
        return self.width // self.heads

    def dict(self):
        return asdict(self)


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rotary(config, device):
    """Cosines and sines, [context, head / 2]."""
    at = torch.arange(config.context, device=device, dtype=torch.float32)
    rate = config.theta ** (-torch.arange(0, config.head, 2, device=device, dtype=torch.float32) / config.head)
    angle = at[:, None] * rate[None, :]
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """Turns pairs of x [batch, heads, time, head], the first half against the second.

    GGUF's llama layout pairs neighbours instead; `export.py` reorders the rows of q and k.
    """
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.attn_norm = Norm(c.width, c.eps)
        self.qkv = nn.Linear(c.width, (c.heads + 2 * c.kv_heads) * c.head, bias=False)
        self.o = nn.Linear(c.heads * c.head, c.width, bias=False)
        self.ffn_norm = Norm(c.width, c.eps)
        self.gate_up = nn.Linear(c.width, 2 * c.ffn, bias=False)
        self.down = nn.Linear(c.ffn, c.width, bias=False)

    def attention(self, x, cos, sin, mask):
        """Plain products: on a CPU their gradient is several times faster than the fused kernel's."""
        c = self.c
        batch, time, _ = x.shape
        group = c.heads // c.kv_heads
        heads = self.qkv(x).view(batch, time, -1, c.head).transpose(1, 2)
        turned = rotate(heads[:, : c.heads + c.kv_heads], cos, sin)
        q = turned[:, : c.heads].reshape(batch, c.kv_heads, group * time, c.head) * c.head**-0.5
        k, v = turned[:, c.heads :], heads[:, c.heads + c.kv_heads :]
        scores = torch.matmul(q, k.transpose(-1, -2)).view(batch, c.kv_heads, group, time, time) + mask
        a = torch.matmul(scores.softmax(-1, dtype=scores.dtype).view(batch, c.kv_heads, group * time, time), v)
        return a.view(batch, c.heads, time, c.head).transpose(1, 2).reshape(batch, time, -1)

    def forward(self, x, cos, sin, mask):
        x = x + self.o(self.attention(self.attn_norm(x), cos, sin, mask))
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = Norm(config.width, config.eps)
        deep = 0.02 / (2 * config.layers) ** 0.5
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=deep if name.endswith(("o.weight", "down.weight")) else 0.02)

    def forward(self, ids, at=None):
        """ids [batch, time] -> logits [batch, time, vocab], or [n, vocab] at the flat places `at`."""
        cos, sin = rotary(self.config, ids.device)
        time = ids.shape[1]
        x = self.embed(ids)
        dtype = torch.get_autocast_dtype(ids.device.type) if torch.is_autocast_enabled(ids.device.type) else x.dtype
        cos, sin = cos[:time].to(dtype), sin[:time].to(dtype)
        mask = torch.full((time, time), float("-inf"), dtype=dtype, device=ids.device).triu(1)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        x = self.norm(x)
        if at is not None:
            x = x.flatten(0, 1)[at]
        return F.linear(x, self.embed.weight)
