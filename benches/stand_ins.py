#!/usr/bin/env python3
"""Writes a GGUF file of random weights in the shape of a real model, for measuring speed.

    python3 stand_ins.py SHAPE TYPE OUT.gguf        for example: tinyllama-1.1b Q4_K_M /tmp/tinyllama-q4_k_m.gguf

Needs `pip install numpy gguf`. Weights are drawn as codes under one scale, which is quick; what comes out of the model is
noise, but every byte is read and multiplied as in a real file. Q4_K_M is the usual mix: Q6_K for the head, and for values and
the second feed-forward matrix of about half of the layers; where rows are no multiple of 256, Q5_0 stands for Q4_K and Q8_0 for Q6_K.
"""

import argparse

import gguf
import numpy as np

# layers, width, heads, kv heads, head size, ffn, vocab, context, rope base, tied
SHAPES = {
    "mobilellm-125m": (30, 576, 9, 3, 64, 1536, 32000, 2048, 1e4, True),
    "smollm2-135m": (30, 576, 9, 3, 64, 1536, 49152, 8192, 1e5, True),
    "smollm2-360m": (32, 960, 15, 5, 64, 2560, 49152, 8192, 1e5, True),
    "tinyllama-1.1b": (22, 2048, 32, 4, 64, 5632, 32000, 2048, 1e4, False),
    "llama-3.2-1b": (16, 2048, 32, 8, 64, 8192, 128256, 131072, 5e5, True),
}
TYPES = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
FALLBACK = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0", "IQ4_XS": "IQ4_NL"}
# Where the f16 scales of a block stand, and about how large a code times its step is.
SCALES = {
    "Q4_0": ([0], 4), "Q4_1": ([0, 2], 8), "Q5_0": ([0], 8), "Q5_1": ([0, 2], 16), "Q8_0": ([0], 64),
    "Q2_K": ([80, 82], 12), "Q3_K": ([108], 40), "Q4_K": ([0, 2], 240), "Q5_K": ([0, 2], 480), "Q6_K": ([208], 1200),
    "IQ4_NL": ([0], 70), "IQ4_XS": ([0], 1100),
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
    places, large = SCALES[kind]
    out = rng.integers(0, 256, size=(rows * cols // elements, size), dtype=np.uint8)
    for at in places:
        out[:, at : at + 2] = np.frombuffer(np.float16(spread / large).tobytes(), dtype=np.uint8)
    return out.reshape(rows, -1)


def write(path, shape, asked, seed):
    layers, width, heads, kv, dim, ffn, vocab, context, base, tied = SHAPES[shape]
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama", use_temp_file=False)
    writer.add_name(f"random stand-in, {shape} {asked}")
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(dim)
    writer.add_rope_freq_base(base)
    writer.add_vocab_size(vocab)
    # A byte-level vocabulary whose other tokens are control tokens: no merges are needed to measure.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    tokens = [chr(b) if b in plain else chr(next(others)) for b in range(256)] + [f"<|{i}|>" for i in range(vocab - 256)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * (vocab - 256))
    writer.add_token_merges([f"{tokens[104]} {tokens[105]}"])
    writer.add_bos_token_id(vocab - 1)
    writer.add_eos_token_id(vocab - 2)

    def matrix(key, rows, cols, name, layer=0):
        kind = kind_of(name, layer, layers, asked, cols)
        writer.add_tensor(key, random_rows(rng, rows, cols, kind), raw_dtype=gguf.GGMLQuantizationType[kind])

    def norm(key):
        writer.add_tensor(key, np.ones(width, dtype=np.float32))

    matrix("token_embd.weight", vocab, width, "token_embd" if tied else "token_embd_untied")
    for i in range(layers):
        norm(f"blk.{i}.attn_norm.weight")
        norm(f"blk.{i}.ffn_norm.weight")
        for name, rows, cols in (
            ("attn_q", heads * dim, width), ("attn_k", kv * dim, width), ("attn_v", kv * dim, width),
            ("attn_output", width, heads * dim), ("ffn_gate", ffn, width), ("ffn_up", ffn, width), ("ffn_down", width, ffn),
        ):  # fmt: skip
            matrix(f"blk.{i}.{name}.weight", rows, cols, name, i)
    norm("output_norm.weight")
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
