#!/usr/bin/env python3
"""Makes stand-in models: llama GGUF files of random weights, and llama.cpp's greedy run on them.

    python3 make_stand_in.py     the files of this folder: stand_in-*.gguf and stand_in.json

Needs `pip install numpy gguf llama-cpp-python` (made with llama-cpp-python 0.3.36). Everything is seeded: the
same versions write the same bytes. Random rows need no permutation for RoPE: any permutation of them is as random.

The golden model (2 layers of width 64, 4 query heads over 2, byte-level BPE vocabulary of 300) has weights large
enough that its greedy run wanders, and a head that leans towards one successor of each token, so that its best tokens
lead clearly. The seed is the first whose best token leads the second by at least MARGIN at every step in every format:
rounding cannot decide then.
"""

import argparse
import ctypes
import json
import pathlib

import gguf
import numpy as np

HERE = pathlib.Path(__file__).parent
PROMPT = [1, 72, 101, 108, 108, 111, 260, 44, 32, 119, 111, 114, 108, 100, 33, 7, 299]
STEPS = 40
MARGIN = 0.2
LEAN = 0.5
FORMATS = ["F16", "Q8_0", "Q4_0"]

# layers, width, heads, kv heads, ffn, vocab, context, rope base, tied
SHAPES = {
    "golden": (2, 64, 4, 2, 128, 300, 256, 10000.0, False),
}


def byte_names():
    """GPT-2's printable name of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(others)) for b in range(256)]


def tokenizer(writer, vocab):
    """256 bytes, merges of lower-case pairs, control tokens at the end (`<|0|>`, `<|1|>`, ...)."""
    tokens = byte_names()
    merges = []
    for a, b in zip("thereinanonatesorinenti", "heininandnortedritionas"):
        if a + b not in tokens and len(tokens) < min(280, vocab):
            merges.append(f"{a} {b}")
            tokens.append(a + b)
    types = [gguf.TokenType.NORMAL] * len(tokens)
    controls = vocab - len(tokens)
    tokens += [f"<|{i}|>" for i in range(controls)]
    types += [gguf.TokenType.CONTROL] * controls
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(vocab - 1)
    writer.add_eos_token_id(vocab - 2)


def random_matrix(rng, rows, cols, spread, kind):
    """Normal weights in the format `kind`; large integer ones are drawn as codes, which is quicker."""
    if kind in ("Q8_0", "Q4_0") and rows * cols > 1 << 15:
        scale = np.float16(spread / (40 if kind == "Q8_0" else 3)).tobytes()
        size = 32 if kind == "Q8_0" else 16
        out = np.empty((rows * cols // 32, 2 + size), dtype=np.uint8)
        out[:, :2] = np.frombuffer(scale, dtype=np.uint8)
        out[:, 2:] = rng.integers(0, 256, size=(rows * cols // 32, size), dtype=np.uint8)
        return out.reshape(rows, -1)
    floats = (rng.standard_normal((rows, cols), dtype=np.float32) * spread).astype(np.float32)
    return gguf.quants.quantize(floats, gguf.GGMLQuantizationType[kind])


def write(path, shape, kind, seed):
    layers, width, heads, kv_heads, ffn, vocab, context, base, tied = SHAPES[shape]
    rng = np.random.default_rng(seed)
    head_dim = width // heads
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(f"random stand-in, {shape}")
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(base)
    writer.add_vocab_size(vocab)
    tokenizer(writer, vocab)

    def matrix(name, rows, cols, gain, lean=None):
        spread = gain / np.sqrt(cols)
        if lean is None:
            data = random_matrix(rng, rows, cols, spread, kind)
        else:
            floats = rng.standard_normal((rows, cols)) * spread + lean
            data = gguf.quants.quantize(floats.astype(np.float32), gguf.GGMLQuantizationType[kind])
        writer.add_tensor(name, data, raw_dtype=gguf.GGMLQuantizationType[kind])

    def norm(name):
        writer.add_tensor(name, (1 + 0.2 * rng.standard_normal(width)).astype(np.float32))

    embedding = rng.standard_normal((vocab, width)) if shape == "golden" else None
    # Gains beyond 1.5 make rounding errors grow from layer to layer.
    matrix("token_embd.weight", vocab, width, 0 if shape == "golden" else np.sqrt(width), embedding)
    for i in range(layers):
        norm(f"blk.{i}.attn_norm.weight")
        matrix(f"blk.{i}.attn_q.weight", heads * head_dim, width, 1.5)
        matrix(f"blk.{i}.attn_k.weight", kv_heads * head_dim, width, 1.5)
        matrix(f"blk.{i}.attn_v.weight", kv_heads * head_dim, width, 1)
        matrix(f"blk.{i}.attn_output.weight", width, heads * head_dim, 1)
        norm(f"blk.{i}.ffn_norm.weight")
        matrix(f"blk.{i}.ffn_gate.weight", ffn, width, 1)
        matrix(f"blk.{i}.ffn_up.weight", ffn, width, 1)
        matrix(f"blk.{i}.ffn_down.weight", width, ffn, 1)
    norm("output_norm.weight")
    if not tied:
        matrix("output.weight", vocab, width, 3, None if embedding is None else LEAN * rng.permutation(embedding))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def greedy(path, vocab):
    """llama.cpp's greedy tokens, and at each step its best five (id, logit)."""
    import llama_cpp

    # Without repacked weights: its AMX path crashes on virtual machines that show AMX and do not permit it.
    defaults = llama_cpp.llama_cpp.llama_model_default_params

    def plain():
        params = defaults()
        params.use_extra_bufts = False
        return params

    llama_cpp.llama_cpp.llama_model_default_params = plain
    model = llama_cpp.Llama(str(path), n_ctx=256, n_threads=1, verbose=False)
    model.eval(PROMPT)
    tokens, tops = [], []
    for _ in range(STEPS):
        at = llama_cpp.llama_get_logits_ith(model._ctx.ctx, -1)
        logits = np.ctypeslib.as_array(ctypes.cast(at, ctypes.POINTER(ctypes.c_float)), (vocab,)).copy()
        best = np.argsort(-logits)[:5]
        tokens.append(int(best[0]))
        tops.append([[int(i), round(float(logits[i]), 4)] for i in best])
        model.eval([tokens[-1]])
    llama_cpp.llama_cpp.llama_model_default_params = defaults
    return tokens, tops


def golden():
    vocab = SHAPES["golden"][5]
    for seed in range(1, 200):
        runs = {}
        for kind in FORMATS:
            path = HERE / f"stand_in-{kind.lower()}.gguf"
            write(path, "golden", kind, seed)
            tokens, tops = greedy(path, vocab)
            margin = min(top[0][1] - top[1][1] for top in tops)
            print(f"seed {seed} {kind}: margin {margin:.3f}, {len(set(tokens))} different tokens")
            if margin < MARGIN or len(set(tokens)) < 15:
                break
            runs[path.name] = {"margin": round(margin, 4), "tokens": tokens, "top": tops}
        else:
            break
    else:
        raise SystemExit("no seed is clear enough: raise LEAN or lower MARGIN")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(run)}" for name, run in runs.items())
    text = f'{{\n  "seed": {seed}, "prompt": {json.dumps(PROMPT)},\n{lines}\n}}\n'
    (HERE / "stand_in.json").write_text(text)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    golden()
