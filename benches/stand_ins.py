#!/usr/bin/env python3
"""Writes a GGUF file of random weights in the shape of a real model, for measuring speed.

    python3 stand_ins.py SHAPE TYPE OUT.gguf        for example: tinyllama-1.1b Q4_K_M /tmp/tinyllama-q4_k_m.gguf

Needs `pip install numpy gguf`. Weights are drawn as codes under one scale, which is quick; what comes out of the model is
noise, but every byte is read and multiplied as in a real file. With the same seed mobilellm-125m-ls (each block run twice, which only
pintail reads) and mobilellm-125m-ls-expanded (each block written twice) are the same model. Q4_K_M is the usual mix: Q6_K for the head, and for values and
the second feed-forward matrix of about half of the layers; where rows are no multiple of 256, Q5_0 stands for Q4_K and Q8_0 for Q6_K.
"""

import argparse

import gguf
import numpy as np

# layers, width, heads, kv heads, head size, ffn, vocab, context, rope base, tied; then the architecture where it is not llama and
# what is its own.
SHAPES = {
    "mobilellm-125m": (30, 576, 9, 3, 64, 1536, 32000, 2048, 1e4, True),
    "mobilellm-125m-ls": (30, 576, 9, 3, 64, 1536, 32000, 2048, 1e4, True, "llama", "repeat"),
    "mobilellm-125m-ls-expanded": (30, 576, 9, 3, 64, 1536, 32000, 2048, 1e4, True, "llama", "expanded"),
    "smollm2-135m": (30, 576, 9, 3, 64, 1536, 49152, 8192, 1e5, True),
    "smollm2-360m": (32, 960, 15, 5, 64, 2560, 49152, 8192, 1e5, True),
    "tinyllama-1.1b": (22, 2048, 32, 4, 64, 5632, 32000, 2048, 1e4, False),
    "llama-3.2-1b": (16, 2048, 32, 8, 64, 8192, 128256, 131072, 5e5, True, "llama", "factors"),
    "qwen2.5-0.5b": (24, 896, 14, 2, 64, 4864, 151936, 32768, 1e6, True, "qwen2", "bias"),
    "qwen3-0.6b": (28, 1024, 16, 8, 128, 3072, 151936, 40960, 1e6, True, "qwen3", "head_norm"),
    "gemma3-270m": (18, 640, 4, 1, 256, 2048, 262144, 32768, 1e6, True, "gemma3", "head_norm", "post_norm", "window"),
    "smollm3-3b": (36, 2048, 16, 4, 128, 11008, 128256, 65536, 5e6, True, "smollm3"),
}
TYPES = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
FALLBACK = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0", "IQ4_XS": "IQ4_NL"}
# Where the f16 scales of a block stand, and about how large a code times its step is; then where minima stand and how many scales
# they are, so that weights are 0 on average (else all tokens come out alike, but for a sign that hangs on the last bit).
SCALES = {
    "Q4_0": (0, 4.6), "Q4_1": (0, 4.6, 2, -7.5), "Q5_0": (0, 9.2), "Q5_1": (0, 9.2, 2, -15.5), "Q8_0": (0, 74),
    "Q2_K": (80, 14, 82, 1.5), "Q3_K": (108, 42), "Q4_K": (0, 258, 2, 7.5), "Q5_K": (0, 520, 2, 15.5), "Q6_K": (208, 1370),
    "IQ4_NL": (0, 66), "IQ4_XS": (0, 1220),
}  # fmt: skip


def kind_of(name, layer, layers, asked, cols):
    """The type of a tensor in a file of the asked type."""
    kind = asked
    if asked == "Q4_K_M":
        more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
        kind = "Q6_K" if name in ("token_embd", "output") or (more and name in ("attn_v", "ffn_down")) else "Q4_K"
    if name == "token_embd_untied":
        kind = "Q4_K" if asked == "Q4_K_M" else asked
    return FALLBACK.get(kind, kind) if cols % 256 else kind


def random_rows(rng, rows, cols, kind):
    spread = 1 / np.sqrt(cols)
    if kind in ("F16", "BF16"):
        floats = (rng.standard_normal((rows, cols), dtype=np.float32) * spread).astype(np.float32)
        return gguf.quants.quantize(floats, gguf.GGMLQuantizationType[kind])
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    at, large, *minima = SCALES[kind]
    out = rng.integers(0, 256, size=(rows * cols // elements, size), dtype=np.uint8)
    scales = [(at, spread / large)] + [(place, by * spread / large) for place, by in zip(minima[::2], minima[1::2])]
    for at, scale in scales:
        out[:, at : at + 2] = np.frombuffer(np.float16(scale).tobytes(), dtype=np.uint8)
    return out.reshape(rows, -1)


def vocabulary(rng, size):
    """Tokens and merges as a byte-level BPE has them: 256 bytes, random merges of what is there, 256 control tokens at the end."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    tokens = [chr(b) if b in plain else chr(next(others)) for b in range(256)]
    known, merges = set(tokens), []
    while len(tokens) < size - 256:
        a, b = (tokens[int(len(tokens) * x * x)] for x in rng.random(2))
        if a + b not in known and len(a + b) <= 16:
            known.add(a + b)
            tokens.append(a + b)
            merges.append(f"{a} {b}")
    return tokens + [f"<|{i}|>" for i in range(256)], merges


def write(path, shape, asked, seed):
    (layers, width, heads, kv, dim, ffn, vocab, context, base, tied), special = SHAPES[shape][:10], SHAPES[shape][10:]
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, special[0] if special else "llama", use_temp_file=False)
    writer.add_name(f"random stand-in, {shape} {asked}")
    # A block that is written twice stands at numbers 2 i and 2 i + 1.
    times = 2 if "expanded" in special else 1
    writer.add_block_count(times * layers)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(dim)
    writer.add_rope_freq_base(base)
    writer.add_vocab_size(vocab)
    writer.add_key_length(dim)
    writer.add_value_length(dim)
    if "repeat" in special:
        writer.add_uint32("llama.block_repeat", 2)
    if "window" in special:
        writer.add_sliding_window(512)
    tokens, merges = vocabulary(rng, vocab)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * (vocab - 256) + [gguf.TokenType.CONTROL] * 256)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(vocab - 1)
    writer.add_eos_token_id(vocab - 2)

    def add(key, data, **kind):
        if not key.startswith("blk."):
            return writer.add_tensor(key, data, **kind)
        _, layer, name = key.split(".", 2)
        for again in range(times):
            writer.add_tensor(f"blk.{times * int(layer) + again}.{name}", data, **kind)

    def matrix(key, rows, cols, name, layer=0):
        kind = kind_of(name, layer, layers, asked, cols)
        add(key, random_rows(rng, rows, cols, kind), raw_dtype=gguf.GGMLQuantizationType[kind])

    def norm(key, size=width):
        add(key, np.ones(size, dtype=np.float32))

    matrix("token_embd.weight", vocab, width, "token_embd" if tied else "token_embd_untied")
    for i in range(layers):
        norm(f"blk.{i}.attn_norm.weight")
        norm(f"blk.{i}.ffn_norm.weight")
        for name, rows, cols in (
            ("attn_q", heads * dim, width), ("attn_k", kv * dim, width), ("attn_v", kv * dim, width),
            ("attn_output", width, heads * dim), ("ffn_gate", ffn, width), ("ffn_up", ffn, width), ("ffn_down", width, ffn),
        ):  # fmt: skip
            matrix(f"blk.{i}.{name}.weight", rows, cols, name, i)
            if "bias" in special and name in ("attn_q", "attn_k", "attn_v"):
                add(f"blk.{i}.{name}.bias", rng.standard_normal(rows, dtype=np.float32) / 2)
        if "head_norm" in special:
            norm(f"blk.{i}.attn_q_norm.weight", dim)
            norm(f"blk.{i}.attn_k_norm.weight", dim)
        if "post_norm" in special:
            norm(f"blk.{i}.post_attention_norm.weight")
            norm(f"blk.{i}.post_ffw_norm.weight")
    norm("output_norm.weight")
    if "factors" in special:
        writer.add_tensor("rope_freqs.weight", np.linspace(1, 32, dim // 2, dtype=np.float32))
    if not tied:
        matrix("output.weight", vocab, width, "output")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("type", choices=[*TYPES, "Q4_K_M"])
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write(args.out, args.shape, args.type, args.seed)
