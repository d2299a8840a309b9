#!/usr/bin/env python3
"""Makes architectures/: a tiny random model of every family that runs here, and its logits from an independent forward pass.

    python3 make_architectures.py

Needs `pip install numpy gguf` (made with gguf 0.19.0). The forward pass below is written from the papers and the models'
published code, in doubles and one token row at a time, and shares nothing with the program's. It rounds what the program
keeps in 16 bits (keys and values) the same way, so that what is left between the two is the order of float sums.
"""

import json
import pathlib

import gguf
import numpy as np

HERE = pathlib.Path(__file__).parent / "architectures"
VOCAB, WIDTH, FFN, CONTEXT = 48, 32, 48, 1024
PROMPT = [int(i * i + 5 * i + 3) % VOCAB for i in range(70)]
# Positions whose logits are kept: the first, two inside, and the last.
KEPT = [0, 9, 37, 69]

# heads, kv heads, head size (None: width / heads), layers, RoPE base, and what else the family has
MODELS = {
    "llama": dict(arch="llama", heads=4, kv=2, dim=None, layers=2, base=10000.0),
    "llama-rope-factors": dict(arch="llama", heads=4, kv=2, dim=None, layers=2, base=500000.0, factors=True, tied=True),
    "llama-shared-blocks": dict(arch="llama", heads=4, kv=2, dim=None, layers=2, base=10000.0, repeat=2, tied=True),
    "qwen2": dict(arch="qwen2", heads=4, kv=1, dim=None, layers=2, base=1e6, bias=True, tied=True),
    "qwen3": dict(arch="qwen3", heads=2, kv=1, dim=24, layers=2, base=1e6, head_norm=True, tied=True),
    "gemma3": dict(arch="gemma3", heads=2, kv=1, dim=16, layers=7, base=1e6, head_norm=True, post_norm=True, tied=True,
                   gelu=True, window=11, global_every=6, scale_embedding=True),
    "smollm3": dict(arch="smollm3", heads=4, kv=1, dim=None, layers=5, base=5e6, nope_every=4, tied=True),
}  # fmt: skip


def make(name, model, rng):
    """Writes the file; returns the tensors as the file holds them, in doubles."""
    arch, heads, kv = model["arch"], model["heads"], model["kv"]
    dim = model["dim"] or WIDTH // heads
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", arch)
    writer.add_block_count(model["layers"])
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(model["base"])
    # No vocabulary, in the way that llama.cpp takes (make_peer.py).
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(VOCAB)
    if model["dim"]:
        writer.add_key_length(dim)
        writer.add_value_length(dim)
    if "window" in model:
        writer.add_sliding_window(model["window"])
    if "repeat" in model:
        writer.add_uint32(f"{arch}.block_repeat", model["repeat"])
    tensors = {}

    def matrix(key, rows, cols, gain=1.0):
        data = (rng.standard_normal((rows, cols)) * gain / np.sqrt(cols)).astype(np.float16)
        writer.add_tensor(key, data)
        tensors[key] = data.astype(np.float64)

    def floats(key, data):
        data = np.asarray(data, dtype=np.float32)
        writer.add_tensor(key, data)
        tensors[key] = data.astype(np.float64)

    def norm(key, n):
        floats(key, 1 + 0.2 * rng.standard_normal(n))

    matrix("token_embd.weight", VOCAB, WIDTH, 1.0 if "scale_embedding" in model else np.sqrt(WIDTH))
    for i in range(model["layers"]):
        b = f"blk.{i}."
        norm(b + "attn_norm.weight", WIDTH)
        norm(b + "ffn_norm.weight", WIDTH)
        matrix(b + "attn_q.weight", heads * dim, WIDTH, 1.5)
        matrix(b + "attn_k.weight", kv * dim, WIDTH, 1.5)
        matrix(b + "attn_v.weight", kv * dim, WIDTH)
        matrix(b + "attn_output.weight", WIDTH, heads * dim)
        matrix(b + "ffn_gate.weight", FFN, WIDTH)
        matrix(b + "ffn_up.weight", FFN, WIDTH)
        matrix(b + "ffn_down.weight", WIDTH, FFN)
        if "bias" in model:
            for part, n in (("q", heads * dim), ("k", kv * dim), ("v", kv * dim)):
                floats(f"{b}attn_{part}.bias", 0.5 * rng.standard_normal(n))
        if "head_norm" in model:
            norm(b + "attn_q_norm.weight", dim)
            norm(b + "attn_k_norm.weight", dim)
        if "post_norm" in model:
            norm(b + "post_attention_norm.weight", WIDTH)
            norm(b + "post_ffw_norm.weight", WIDTH)
    norm("output_norm.weight", WIDTH)
    if "factors" in model:
        floats("rope_freqs.weight", np.linspace(1, 8, dim // 2))
    if "tied" not in model:
        matrix("output.weight", VOCAB, WIDTH, 3)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


def rms(x, weight):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + float(np.float32(1e-5))) * weight


def turned(heads, position, base, factors, halves):
    """Rotates each head of `[head][element]`: as complex numbers, of neighbours or of the two halves."""
    n = heads.shape[-1]
    angle = position * base ** (-np.arange(0, n, 2) / n) / factors
    turn = np.exp(1j * angle)
    if halves:
        z = (heads[:, : n // 2] + 1j * heads[:, n // 2 :]) * turn
        return np.concatenate([z.real, z.imag], axis=-1)
    z = (heads[:, 0::2] + 1j * heads[:, 1::2]) * turn
    return np.stack([z.real, z.imag], axis=-1).reshape(heads.shape)


def logits(model, tensors):
    """Logits at every position, `[position][token]`."""
    heads, kv = model["heads"], model["kv"]
    dim = model["dim"] or WIDTH // heads
    halves = model["arch"] in ("qwen2", "qwen3", "gemma3")
    factors = tensors.get("rope_freqs.weight", 1.0)
    base = float(np.float32(model["base"]))
    silu = lambda x: x / (1 + np.exp(-x))
    gelu = lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    gate = gelu if "gelu" in model else silu
    half = lambda x: x.astype(np.float16).astype(np.float64)
    x = tensors["token_embd.weight"][PROMPT]
    if "scale_embedding" in model:
        x = x * np.sqrt(WIDTH)
    repeat = model.get("repeat", 1)
    for layer in range(model["layers"] * repeat):
        w = {key.split(".", 2)[2]: value for key, value in tensors.items() if key.startswith(f"blk.{layer // repeat}.")}
        number = layer + 1
        local = "global_every" in model and number % model["global_every"] != 0
        turns = not ("nope_every" in model and number % model["nope_every"] == 0)
        window = model["window"] if local else len(PROMPT)
        h = rms(x, w["attn_norm.weight"])
        queries, keys, values = [], [], []
        for position, row in enumerate(h):
            parts = []
            for part, count in (("q", heads), ("k", kv), ("v", kv)):
                y = w[f"attn_{part}.weight"] @ row + w.get(f"attn_{part}.bias", 0)
                y = y.reshape(count, dim)
                if part != "v" and "head_norm" in model:
                    y = rms(y, w[f"attn_{part}_norm.weight"])
                if part != "v" and turns:
                    y = turned(y, position, 10000.0 if local else base, factors, halves)
                parts.append(y)
            queries.append(parts[0])
            keys.append(half(parts[1]))
            values.append(half(parts[2]))
        out = []
        for position, q in enumerate(queries):
            seen = range(max(0, position - window + 1), position + 1)
            result = []
            for head in range(heads):
                shared = head // (heads // kv)
                scores = np.array([q[head] @ keys[p][shared] for p in seen]) / np.sqrt(dim)
                weights = np.exp(scores - scores.max())
                weights /= weights.sum()
                result.append(sum(weight * values[p][shared] for weight, p in zip(weights, seen)))
            out.append(w["attn_output.weight"] @ np.concatenate(result))
        out = np.array(out)
        x = x + (rms(out, w["post_attention_norm.weight"]) if "post_norm" in model else out)
        h = rms(x, w["ffn_norm.weight"])
        out = (gate(h @ w["ffn_gate.weight"].T) * (h @ w["ffn_up.weight"].T)) @ w["ffn_down.weight"].T
        x = x + (rms(out, w["post_ffw_norm.weight"]) if "post_norm" in model else out)
    x = rms(x, tensors["output_norm.weight"])
    return x @ tensors.get("output.weight", tensors["token_embd.weight"]).T


def main():
    HERE.mkdir(exist_ok=True)
    golden = {}
    for seed, (name, model) in enumerate(MODELS.items()):
        tensors = make(name, model, np.random.default_rng(100 + seed))
        rows = logits(model, tensors)
        golden[name] = {str(p): [float(f"{x:.6g}") for x in rows[p]] for p in KEPT}
        size = (HERE / f"{name}.gguf").stat().st_size
        print(f"{name}: {size} bytes, logits {rows.min():.2f} to {rows.max():.2f}")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(rows)}" for name, rows in golden.items())
    (HERE / "logits.json").write_text(f'{{\n  "prompt": {json.dumps(PROMPT)},\n{lines}\n}}\n')


if __name__ == "__main__":
    main()
