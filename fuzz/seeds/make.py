#!/usr/bin/env python3
"""Writes the seeds that no other file of the tree can be: small vocabularies of both kinds for the target `tokenizer`, each with a text
behind it as the target takes it.

    python3 fuzz/seeds/make.py        (needs the `gguf` package)
"""

from pathlib import Path

import gguf

HERE = Path(__file__).parent
TEXT = "on <|end|> the 12 lights, é  x".encode().ljust(64, b".")


def write(name, model, tokens, types, more):
    path = HERE / "tokenizer" / name
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    more(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    path.write_bytes(path.read_bytes() + TEXT)


def byte_level():
    tokens = [chr(c) for c in range(33, 127)] + ["Ġ", "Ċ", "Ã", "©", "on", "Ġon", "th", "the", "Ġthe", "<|end|>"]
    merges = ["o n", "Ġ on", "t h", "th e", "Ġ the"]

    def more(writer):
        writer.add_tokenizer_pre("smollm")
        writer.add_token_merges(merges)
        writer.add_eos_token_id(len(tokens) - 1)

    write("bytes.gguf", "gpt2", tokens, [1] * (len(tokens) - 1) + [3], more)


def scores():
    plain = ["▁", "o", "n", "t", "h", "e", "on", "▁on", "th", "the", "▁the", ",", "x"]
    tokens = ["<unk>", "<s>", "</s>", "<|end|>"] + [f"<0x{byte:02X}>" for byte in range(256)] + plain
    types = [2, 3, 3, 4] + [6] * 256 + [1] * len(plain)

    def more(writer):
        writer.add_token_scores([0.0] * 260 + [-float(i) for i in range(len(plain))])
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_add_space_prefix(True)

    write("scores.gguf", "llama", tokens, types, more)


byte_level()
scores()
