"""Writes a GGUF that `export.py` made as a checkpoint that `train.py --start` goes on from.

usage: restore.py IN.gguf CHECKPOINT.pt

The state of the optimiser is not in a GGUF; q8_0 weights come back rounded.
"""

import sys

import gguf
import numpy as np
import torch

from model import Config


def halves(weight, heads):
    """[heads * head, width]: neighbouring pairs to halves, the inverse of `export.neighbours`."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def main(source, checkpoint):
    reader = gguf.GGUFReader(source)

    def field(name):
        return reader.fields[name].contents()

    w = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    vocab, width = w["token_embd.weight"].shape
    c = Config(
        vocab, width, field("llama.block_count"), field("llama.attention.head_count"),
        field("llama.attention.head_count_kv"), field("llama.feed_forward_length"),
        theta=field("llama.rope.freq_base"), eps=round(float(field("llama.attention.layer_norm_rms_epsilon")), 8),
    )
    model = {"embed.weight": w["token_embd.weight"], "norm.weight": w["output_norm.weight"]}
    for i in range(c.layers):
        b, g = f"blocks.{i}.", f"blk.{i}."
        q, k = halves(w[g + "attn_q.weight"], c.heads), halves(w[g + "attn_k.weight"], c.kv_heads)
        model[b + "qkv.weight"] = np.concatenate([q, k, w[g + "attn_v.weight"]])
        model[b + "gate_up.weight"] = np.concatenate([w[g + "ffn_gate.weight"], w[g + "ffn_up.weight"]])
        model[b + "attn_norm.weight"] = w[g + "attn_norm.weight"]
        model[b + "ffn_norm.weight"] = w[g + "ffn_norm.weight"]
        model[b + "o.weight"] = w[g + "attn_output.weight"]
        model[b + "down.weight"] = w[g + "ffn_down.weight"]
    tensors = {name: torch.from_numpy(np.ascontiguousarray(weight)) for name, weight in model.items()}
    torch.save({"model": tensors, "config": c.dict(), "step": 0, "tokens": int(field("pintail.tokens_seen")), "seen": 0}, checkpoint)


if __name__ == "__main__":
    main(*sys.argv[1:])
