#!/usr/bin/env python3
"""Writes tests/golden/folders/: small Hugging Face folders with random weights, and the logits that they stand for.

    make_folders.py

Needs numpy. The forward pass follows the modelling code of each family in the `transformers` library (weights as
they stand in the folder, RoPE by halves, Gemma's norms plus 1), in 64-bit floats, so that `pintail convert` and the model that
runs its output are held to something that knows neither.
"""
import json
import struct
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent / "folders"
TEXT = "turn on the hall light"
WIDTH, HEADS, KV, FFN = 16, 4, 2, 24

FAMILIES = {
    "llama": dict(cls="LlamaForCausalLM", layers=2, hd=4, eps=1e-5, theta=1e4, tied=False, dtype="F32"),
    "llama3": dict(cls="LlamaForCausalLM", layers=2, hd=4, eps=1e-5, theta=5e5, tied=True, dtype="BF16",
                   scaling=dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                original_max_position_embeddings=8192)),
    "qwen2": dict(cls="Qwen2ForCausalLM", layers=2, hd=4, eps=1e-6, theta=1e6, tied=True, dtype="BF16", bias=True),
    "qwen3": dict(cls="Qwen3ForCausalLM", layers=2, hd=8, eps=1e-6, theta=1e6, tied=True, dtype="BF16", qk_norm=True),
    "gemma3": dict(cls="Gemma3ForCausalLM", layers=6, hd=8, eps=1e-6, theta=1e6, tied=True, dtype="BF16", qk_norm=True,
                   gemma=True, window=4, local=1e4),
    "smollm3": dict(cls="SmolLM3ForCausalLM", layers=4, hd=4, eps=1e-6, theta=5e6, tied=True, dtype="BF16", nope=4),
    "mobilellm": dict(cls="MobileLLMForCausalLM", layers=2, hd=4, eps=1e-5, theta=1e4, tied=True, dtype="F16",
                      sharing=True),
}


def byte_char(b):
    """GPT-2's spelling of a byte."""
    if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255:
        return chr(b)
    if b <= 32:
        return chr(256 + b)
    return chr(256 + 33 + b - 127) if b <= 160 else chr(256 + 67)


def byte_level(specials, pre):
    vocab = {byte_char(b): b for b in range(256)}
    merges = [["h", "e"], ["l", "l"], ["o", "n"], ["\u0120", "o"], ["\u0120o", "n"], ["\u0120", "t"], ["i", "g"]]
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    added = [dict(id=len(vocab) + i, content=text, single_word=False, lstrip=False, rstrip=False, normalized=False,
                  special=special) for i, (text, special) in enumerate(specials)]
    bytes_ = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)
    regex = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + ("{1,3}" if pre != "qwen2" else "")
             + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    split = dict(type="Split", pattern=dict(Regex=regex), behavior="Isolated", invert=False)
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added,
                normalizer=dict(type="NFC") if pre == "qwen2" else None,
                pre_tokenizer=dict(type="Sequence", pretokenizers=[split, bytes_]), post_processor=None, decoder=bytes_,
                model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                           fuse_unk=False, byte_fallback=False, ignore_merges=pre == "llama-bpe", vocab=vocab,
                           merges=merges))


def pieces(bos, prefix):
    """Merges over characters with byte fallback, as Llama 2 and Gemma have it."""
    specials = ["<unk>", *bos]
    vocab = {text: i for i, text in enumerate(specials)}
    for b in range(256):
        vocab[f"<0x{b:02X}>"] = len(vocab)
    for char in "\u2581 abcdefghijklmnopqrstuvwxyz.,":
        vocab.setdefault(char, len(vocab))
    merges = [["\u2581", "t"], ["h", "e"], ["\u2581t", "he"], ["o", "n"], ["\u2581", "on"], ["l", "l"], ["i", "g"]]
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    added = [dict(id=i, content=text, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
             for i, text in enumerate(specials)]
    steps = [dict(type="Prepend", prepend="\u2581")] if prefix else []
    steps.append(dict(type="Replace", pattern=dict(String=" "), content="\u2581"))
    begin = dict(type="TemplateProcessing",
                 single=[dict(SpecialToken=dict(id=bos[0], type_id=0)), dict(Sequence=dict(id="A", type_id=0))], pair=[],
                 special_tokens={bos[0]: dict(id=bos[0], ids=[1], tokens=[bos[0]])})
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added,
                normalizer=dict(type="Sequence", normalizers=steps), pre_tokenizer=None, post_processor=begin, decoder=None,
                model=dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None,
                           end_of_word_suffix=None, fuse_unk=True, byte_fallback=True, ignore_merges=False, vocab=vocab,
                           merges=merges))


def tokenizer(name):
    if name in ("llama", "mobilellm"):
        return pieces(["<s>", "</s>"], True), dict(bos_token="<s>", eos_token="</s>")
    if name == "gemma3":
        return pieces(["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"], False), dict(bos_token="<bos>", eos_token="<eos>")
    if name in ("qwen2", "qwen3"):
        marks = [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<tool_call>", False)]
        return byte_level(marks, "qwen2"), dict(eos_token="<|im_end|>")
    marks = [("<|begin_of_text|>", True), ("<|eot_id|>", True)]
    pre = "llama-bpe" if name == "llama3" else "smaug-bpe"
    return byte_level(marks, pre), dict(bos_token="<|begin_of_text|>", eos_token=dict(content="<|eot_id|>"))


def round_to(x, dtype):
    if dtype == "F32":
        return x.astype(np.float32)
    if dtype == "F16":
        return x.astype(np.float16)
    bits = x.astype(np.float32).view(np.uint32)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def to_bytes(x, dtype):
    return (x.view(np.uint32) >> 16).astype("<u2").tobytes() if dtype == "BF16" else x.tobytes()


def weights(f, vocab, rng):
    w = {}

    def matrix(name, *shape):
        w[name] = round_to(rng.standard_normal(shape) * (0.5 if len(shape) == 2 else 0.1), f["dtype"])

    def norm(name, size):
        w[name] = round_to((0.0 if f.get("gemma") else 1.0) + 0.2 * rng.standard_normal(size), f["dtype"])

    hd = f["hd"]
    matrix("model.embed_tokens.weight", vocab, WIDTH)
    for i in range(f["layers"]):
        at = f"model.layers.{i}."
        for name, rows in [("q", HEADS * hd), ("k", KV * hd), ("v", KV * hd)]:
            matrix(f"{at}self_attn.{name}_proj.weight", rows, WIDTH)
            if f.get("bias"):
                matrix(f"{at}self_attn.{name}_proj.bias", rows)
        matrix(f"{at}self_attn.o_proj.weight", WIDTH, HEADS * hd)
        for name, shape in [("gate", (FFN, WIDTH)), ("up", (FFN, WIDTH)), ("down", (WIDTH, FFN))]:
            matrix(f"{at}mlp.{name}_proj.weight", *shape)
        norm(f"{at}input_layernorm.weight", WIDTH)
        norm(f"{at}post_attention_layernorm.weight", WIDTH)
        if f.get("gemma"):
            norm(f"{at}pre_feedforward_layernorm.weight", WIDTH)
            norm(f"{at}post_feedforward_layernorm.weight", WIDTH)
        if f.get("qk_norm"):
            norm(f"{at}self_attn.q_norm.weight", hd)
            norm(f"{at}self_attn.k_norm.weight", hd)
    norm("model.norm.weight", WIDTH)
    if not f["tied"]:
        matrix("lm_head.weight", vocab, WIDTH)
    return w


def frequencies(f, base):
    freqs = base ** (-np.arange(0, f["hd"], 2) / f["hd"])
    s = f.get("scaling")
    if not s:
        return freqs
    out = []
    for freq in freqs:
        length = 2 * np.pi / freq
        low, high = (s["original_max_position_embeddings"] / s[k] for k in ("low_freq_factor", "high_freq_factor"))
        if length > low:
            freq = freq / s["factor"]
        elif length >= high:
            smooth = (s["original_max_position_embeddings"] / length - s["low_freq_factor"]) / (
                s["high_freq_factor"] - s["low_freq_factor"])
            freq = (1 - smooth) * freq / s["factor"] + smooth * freq
        out.append(freq)
    return np.array(out)


def rope(x, freqs):
    angle = np.arange(x.shape[0])[:, None] * freqs[None]
    cos, sin = (np.concatenate([g(angle)] * 2, axis=-1)[:, None] for g in (np.cos, np.sin))
    first, second = np.split(x, 2, axis=-1)
    return x * cos + np.concatenate([-second, first], axis=-1) * sin


def forward(f, w, ids):
    w = {k: v.astype(np.float64) for k, v in w.items()}
    gemma, hd, n = f.get("gemma"), f["hd"], len(ids)

    def rms(x, name):
        scale = w[name] + 1.0 if gemma else w[name]
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + f["eps"]) * scale

    x = w["model.embed_tokens.weight"][ids]
    if gemma:
        x = x * np.sqrt(WIDTH)
    runs = [i for i in range(f["layers"]) for _ in range(2 if f.get("sharing") else 1)]
    for i in runs:
        at = f"model.layers.{i}."
        local = gemma and (i + 1) % 6 != 0
        h = rms(x, at + "input_layernorm.weight")
        q, k, v = (h @ w[f"{at}self_attn.{p}_proj.weight"].T + w.get(f"{at}self_attn.{p}_proj.bias", 0.0) for p in "qkv")
        q, k, v = q.reshape(n, HEADS, hd), k.reshape(n, KV, hd), v.reshape(n, KV, hd)
        if f.get("qk_norm"):
            q, k = rms(q, at + "self_attn.q_norm.weight"), rms(k, at + "self_attn.k_norm.weight")
        if not (f.get("nope") and (i + 1) % f["nope"] == 0):
            freqs = frequencies(f, f["local"] if local else f["theta"])
            q, k = rope(q, freqs), rope(k, freqs)
        k, v = (np.repeat(t, HEADS // KV, axis=1) for t in (k, v))
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(hd)
        distance = np.arange(n)[:, None] - np.arange(n)[None]
        hidden = (distance < 0) | (distance >= f["window"] if local else False)
        scores = np.where(hidden[None], -np.inf, scores)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        h = np.einsum("hqk,khd->qhd", scores, v).reshape(n, -1) @ w[at + "self_attn.o_proj.weight"].T
        if gemma:
            h = rms(h, at + "post_attention_layernorm.weight")
        x = x + h
        h = rms(x, at + ("pre_feedforward" if gemma else "post_attention") + "_layernorm.weight")
        gate, up = (h @ w[f"{at}mlp.{p}_proj.weight"].T for p in ("gate", "up"))
        if gemma:
            gate = 0.5 * gate * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        h = (gate * up) @ w[at + "mlp.down_proj.weight"].T
        x = x + (rms(h, at + "post_feedforward_layernorm.weight") if gemma else h)
    x = rms(x, "model.norm.weight")
    return x[-1] @ w["model.embed_tokens.weight" if f["tied"] else "lm_head.weight"].T


def config(f, vocab):
    gemma = f.get("gemma")
    c = dict(architectures=[f["cls"]], num_hidden_layers=f["layers"], hidden_size=WIDTH, num_attention_heads=HEADS,
             num_key_value_heads=KV, head_dim=f["hd"], intermediate_size=FFN, vocab_size=vocab, rms_norm_eps=f["eps"],
             max_position_embeddings=256, rope_theta=f["theta"], tie_word_embeddings=f["tied"])
    c["hidden_activation" if gemma else "hidden_act"] = "gelu_pytorch_tanh" if gemma else "silu"
    if f.get("scaling"):
        c["rope_scaling"] = f["scaling"]
    if gemma:
        c |= dict(sliding_window=f["window"], rope_local_base_freq=f["local"], query_pre_attn_scalar=f["hd"],
                  sliding_window_pattern=6)
    if f.get("nope"):
        c["no_rope_layers"] = [int((i + 1) % f["nope"] != 0) for i in range(f["layers"])]
    if f.get("sharing"):
        c["layer_sharing"] = True
        c["share_embedding"] = c.pop("tie_word_embeddings")
    return c


def safetensors(w, dtype):
    head, data = {"__metadata__": {"format": "pt"}}, b""
    for name, x in w.items():
        raw = to_bytes(x, dtype)
        head[name] = dict(dtype=dtype, shape=list(x.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def main():
    for seed, (name, f) in enumerate(FAMILIES.items()):
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        tok, settings = tokenizer(name)
        vocab = len(tok["model"]["vocab"]) + sum(t["content"] not in tok["model"]["vocab"] for t in tok["added_tokens"])
        vocab += 3  # rows that no token has, as published models have them
        w = weights(f, vocab, np.random.default_rng(seed))
        ids = [(7 * i * i + 3 * i + 5) % vocab for i in range(12)]
        (folder / "config.json").write_text(json.dumps(config(f, vocab), indent=1) + "\n")
        (folder / "tokenizer.json").write_text(json.dumps(tok, ensure_ascii=False) + "\n")
        settings["chat_template"] = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"
        (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
        (folder / "model.safetensors").write_bytes(safetensors(w, f["dtype"]))
        logits = forward(f, w, ids)
        (folder / "expected.json").write_text(json.dumps(dict(ids=ids, logits=[float(f"{x:.7g}") for x in logits])) + "\n")


main()
