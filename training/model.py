"""The bundled model: a small Llama, written to be read beside src/model.

RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings. A scene (tools and devices) is read once for
several requests: each request's tokens see the scene and what stands before them in their own request, as if the
scene had been written before every one of them.
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


def norm(x, weight, eps):
    return F.rms_norm(x, (x.shape[-1],), weight, eps)


def project(x, gain, qkv, cos, sin, heads, kv_heads, eps):
    """x [n, width], cos and sin [n, head / 2] -> q, k, v [n, heads or kv heads, head]; q and k turned, q scaled."""
    split = F.linear(norm(x, gain, eps), qkv).view(x.shape[0], heads + 2 * kv_heads, -1)
    turned = rotate(split[:, : heads + kv_heads], cos[:, None], sin[:, None])
    return turned[:, :heads] * split.shape[-1] ** -0.5, turned[:, heads:], split[:, heads + kv_heads :]


def feed(x, read, o, gain, gate_up, down, eps):
    """x and what attention read, [n, width] -> the block's outcome, [n, width]."""
    x = x + F.linear(read, o)
    gate, up = F.linear(norm(x, gain, eps), gate_up).chunk(2, -1)
    return x + F.linear(F.silu(gate) * up, down)


def weigh(scores, hidden):
    """scores [..., keys] with what hides some of them -> weights [..., keys] and what their sums are to be multiplied by, [..., 1]."""
    scores = scores + hidden
    weights = (scores - scores.detach().amax(-1, keepdim=True)).exp()
    return weights, weights.sum(-1, keepdim=True, dtype=torch.float32).reciprocal().to(weights.dtype)


def weigh_both(far, near, hidden):
    """The same for keys that stand in two places, far [..., s] and near [..., r]; `hidden` is for the far ones."""
    far = far + hidden
    top = torch.maximum(far.detach().amax(-1, keepdim=True), near.detach().amax(-1, keepdim=True))
    far, near = (far - top).exp(), (near - top).exp()
    total = far.sum(-1, keepdim=True, dtype=torch.float32) + near.sum(-1, keepdim=True, dtype=torch.float32)
    return far, near, total.reciprocal().to(far.dtype)


class Parts:
    """The functions that a compiler makes faster: all between the products."""

    project = staticmethod(project)
    feed = staticmethod(feed)
    weigh = staticmethod(weigh)
    weigh_both = staticmethod(weigh_both)

    @classmethod
    def compile(cls):
        # With and without gradients, with and without a scene, and whether a size is one: more forms than are allowed by default.
        torch._dynamo.config.recompile_limit = 64
        cls.project = staticmethod(torch.compile(project, dynamic=True))
        cls.feed = staticmethod(torch.compile(feed, dynamic=True))
        cls.weigh = staticmethod(torch.compile(weigh, dynamic=True))
        cls.weigh_both = staticmethod(torch.compile(weigh_both, dynamic=True))


class Gain(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.attn_norm = Gain(c.width)
        self.qkv = nn.Linear(c.width, (c.heads + 2 * c.kv_heads) * c.head, bias=False)
        self.o = nn.Linear(c.heads * c.head, c.width, bias=False)
        self.ffn_norm = Gain(c.width)
        self.gate_up = nn.Linear(c.width, 2 * c.ffn, bias=False)
        self.down = nn.Linear(c.ffn, c.width, bias=False)

    def heads(self, x, turn):
        """x [rows, time, width] -> q, k, v [rows, heads or kv heads, time, head]."""
        c = self.c
        rows, time, _ = x.shape
        cos, sin = (part.expand(rows, time, -1).reshape(rows * time, -1) for part in turn)
        split = Parts.project(x.flatten(0, 1), self.attn_norm.weight, self.qkv.weight, cos, sin, c.heads, c.kv_heads, c.eps)
        return tuple(part.view(rows, time, -1, c.head).transpose(1, 2) for part in split)

    def attention(self, scene, tail, at):
        """Plain products: on a CPU their gradient is several times faster than the fused kernel's.

        scene [batch, s, width] or None, tail [batch * each, r, width] -> what each place reads, in the same shapes.
        """
        c = self.c
        group = c.heads // c.kv_heads
        rows, r, _ = tail.shape
        q, k, v = self.heads(tail, at.tail_turn)
        q = q.reshape(rows, c.kv_heads, group * r, c.head)
        own = torch.matmul(q, k.transpose(-1, -2)).view(rows, c.kv_heads, group, r, r) + at.near
        if scene is None:
            weight = own.softmax(-1, dtype=own.dtype).view(rows, c.kv_heads, group * r, r)
            return None, self.join(torch.matmul(weight, v), rows, r)
        batch, s, _ = scene.shape
        each = rows // batch
        qs, ks, vs = self.heads(scene, at.scene_turn)
        qs = qs.reshape(batch, c.kv_heads, group * s, c.head)
        scores = torch.matmul(qs, ks.transpose(-1, -2)).view(batch, c.kv_heads, group, s, s)
        weights, scale = Parts.weigh(scores, at.causal)
        a = torch.matmul(weights.view(batch, c.kv_heads, group * s, s), vs) * scale.view(batch, c.kv_heads, group * s, 1)
        read = self.join(a, batch, s)
        # All requests of a scene ask its keys in one product.
        asked = q.view(batch, each, c.kv_heads, group * r, c.head).transpose(1, 2).reshape(batch, c.kv_heads, -1, c.head)
        far = torch.matmul(asked, ks.transpose(-1, -2))
        near = own.view(batch, each, c.kv_heads, group * r, r).transpose(1, 2).reshape(batch, c.kv_heads, -1, r)
        far, near, scale = Parts.weigh_both(far, near, at.padding)

        def by_row(x):
            return x.view(batch, c.kv_heads, each, group * r, -1).transpose(1, 2).reshape(rows, c.kv_heads, group * r, -1)

        read_near = torch.matmul(by_row(near), v)
        return read, self.join((by_row(torch.matmul(far, vs)) + read_near) * by_row(scale), rows, r)

    def join(self, a, rows, time):
        return a.reshape(rows, self.c.heads, time, self.c.head).transpose(1, 2).reshape(rows, time, -1)

    def feed(self, x, read):
        weights = (self.o.weight, self.ffn_norm.weight, self.gate_up.weight, self.down.weight)
        return Parts.feed(x.flatten(0, 1), read.flatten(0, 1), *weights, self.c.eps).view(x.shape)

    def forward(self, scene, tail, at):
        read, answer = self.attention(scene, tail, at)
        if scene is not None:
            scene = self.feed(scene, read)
        return scene, self.feed(tail, answer)


@dataclass
class Places:
    """What attention needs to know of places: rotations, and which keys are hidden."""

    scene_turn: tuple
    tail_turn: tuple
    causal: torch.Tensor
    near: torch.Tensor
    padding: torch.Tensor


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = Gain(config.width)
        deep = 0.02 / (2 * config.layers) ** 0.5
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=deep if name.endswith(("o.weight", "down.weight")) else 0.02)

    def forward(self, scenes, lengths, tails, place, asked, at):
        """Logits [n, vocab] at the flat places `at` of the tails.

        scenes [batch, s], padded behind `lengths` [batch]; tails [batch, each, r], rows in which one or more requests stand: `place` is where in its
        request a token stands, `asked` the request's number, both in that shape. With s = 0 there is no scene.
        """
        batch, s = scenes.shape
        each, r = tails.shape[1:]
        device = tails.device
        dtype = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        cos, sin = rotary(self.config, device)
        cos, sin = cos.to(dtype), sin.to(dtype)
        place = (lengths[:, None, None] + place).flatten(0, 1)
        asked = asked.flatten(0, 1)
        strange = (asked[:, :, None] != asked[:, None, :]) | torch.ones(r, r, dtype=torch.bool, device=device).triu(1)
        behind = torch.arange(s, device=device)[None, :] >= lengths[:, None]

        def hiding(hidden):
            return torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill(hidden, float("-inf"))

        places = Places(
            (cos[:s], sin[:s]),
            (cos[place], sin[place]),
            hiding(torch.ones(s, s, dtype=torch.bool, device=device).triu(1)),
            hiding(strange)[:, None, None],
            hiding(behind)[:, None, None],
        )
        x = self.embed(scenes) if s else None
        y = self.embed(tails.flatten(0, 1))
        for block in self.blocks:
            x, y = block(x, y, places)
        return F.linear(norm(y.flatten(0, 1)[at], self.norm.weight, self.config.eps), self.embed.weight)
