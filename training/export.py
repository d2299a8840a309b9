"""Writes a checkpoint as GGUF.

usage: export.py CHECKPOINT.pt TOKENIZER.json OUT.gguf [q8_0 | f16 | f32]

Norms are F32, everything else is of the type asked for. q and k rows are put in GGUF's llama order (pairs of
neighbours turn together; the trainer turns the first half of a head against the second).
"""

import json
import sys

import gguf
import numpy as np
import torch

RENDERING = 2


def neighbours(weight, heads):
    """[heads * head, width]: halves to neighbouring pairs."""
    rows, width = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2).reshape(rows, width)


def main(checkpoint, tokenizer, out, kind="q8_0"):
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    c, w = saved["config"], {k: v.float().numpy() for k, v in saved["model"].items()}
    head = c["width"] // c["heads"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name("pintail")
    writer.add_description("Reads requests to devices and tools; the bundled model of Pintail")
    writer.add_license("MIT OR Apache-2.0")
    writer.add_context_length(2048)
    writer.add_embedding_length(c["width"])
    writer.add_block_count(c["layers"])
    writer.add_feed_forward_length(c["ffn"])
    writer.add_head_count(c["heads"])
    writer.add_head_count_kv(c["kv_heads"])
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(c["theta"])
    writer.add_layer_norm_rms_eps(c["eps"])
    writer.add_vocab_size(c["vocab"])
    writer.add_uint32("pintail.rendering", RENDERING)
    writer.add_uint64("pintail.tokens_seen", int(saved["tokens"]))
    types = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "f16": gguf.GGMLQuantizationType.F16, "f32": gguf.GGMLQuantizationType.F32}
    files = {"q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "f16": gguf.LlamaFileType.MOSTLY_F16, "f32": gguf.LlamaFileType.ALL_F32}
    writer.add_file_type(files[kind])

    vocabulary = json.load(open(tokenizer))
    model = vocabulary["model"]
    tokens = [None] * c["vocab"]
    for text, at in model["vocab"].items():
        tokens[at] = text
    control = {added["id"] for added in vocabulary["added_tokens"]}
    kinds = [gguf.TokenType.CONTROL if i in control else gguf.TokenType.NORMAL for i in range(c["vocab"])]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(tokens.index("<|end|>"))
    writer.add_pad_token_id(tokens.index("<|pad|>"))
    writer.add_add_bos_token(False)

    def add(name, weight, quantised=True):
        weight = np.ascontiguousarray(weight, dtype=np.float32)
        if quantised:
            weight = gguf.quants.quantize(weight, types[kind])
            writer.add_tensor(name, weight, raw_dtype=types[kind])
        else:
            writer.add_tensor(name, weight)

    add("token_embd.weight", w["embed.weight"])
    add("output_norm.weight", w["norm.weight"], False)
    for i in range(c["layers"]):
        b, g = f"blocks.{i}.", f"blk.{i}."
        q, k, v = np.split(w[b + "qkv.weight"], [c["heads"] * head, (c["heads"] + c["kv_heads"]) * head])
        gate, up = np.split(w[b + "gate_up.weight"], 2)
        add(g + "attn_norm.weight", w[b + "attn_norm.weight"], False)
        add(g + "attn_q.weight", neighbours(q, c["heads"]))
        add(g + "attn_k.weight", neighbours(k, c["kv_heads"]))
        add(g + "attn_v.weight", v)
        add(g + "attn_output.weight", w[b + "o.weight"])
        add(g + "ffn_norm.weight", w[b + "ffn_norm.weight"], False)
        add(g + "ffn_gate.weight", gate)
        add(g + "ffn_up.weight", up)
        add(g + "ffn_down.weight", w[b + "down.weight"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    size = sum(v.size for v in w.values())
    print(f"{size} parameters, {saved['tokens']} tokens seen, step {saved['step']} -> {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
