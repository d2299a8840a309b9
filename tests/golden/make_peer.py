#!/usr/bin/env python3
"""Records llama.cpp's logits on tiny random models: each file of architectures/, and types-mixed.gguf, which this makes.

    python3 make_peer.py     the files of this folder: peer.json and types-mixed.gguf

Needs `pip install numpy gguf llama-cpp-python` (made with gguf 0.19.0 and llama-cpp-python 0.3.36, its KV cache in F16 as by
default). After each prompt 64 more tokens are fed one by one, whatever llama.cpp would say (teacher forcing); of every eighth
step all logits are kept. Layer sharing is ours alone: llama.cpp gets the same file with its blocks written out.

types-mixed.gguf is a llama of four layers in which every weight type occurs, types with blocks of 256 where rows are that long.
"""

import ctypes
import json
import pathlib
import tempfile

import gguf
import llama_cpp
import numpy as np

from make_types import SCALES

HERE = pathlib.Path(__file__).parent
PROMPTS = [1, 33, 600]
STEPS = 64
KEPT = range(0, STEPS, 8)

WIDTH, HEAD, FFN, LAYERS, VOCAB = 256, 32, 32, 4, 64
LONG = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"]
SHORT = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "F16", "BF16", "F32"]


def random_rows(rng, rows, cols, kind):
    """Random codes under scales that make the weights about 1 / sqrt(cols)."""
    spread = 1 / np.sqrt(cols)
    kind = gguf.GGMLQuantizationType[kind]
    if SCALES[kind.name] is None:
        floats = (rng.standard_normal((rows, cols)) * spread).astype(np.float32)
        data = gguf.quants.quantize(floats, kind)
        return data.view({"F32": np.float32, "F16": np.float16}.get(kind.name, np.uint8))
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, size=(rows * cols // elements, size), dtype=np.uint8)
    for at in SCALES[kind.name]:
        blocks[:, at : at + 2] = np.frombuffer(np.float16(1 / 64).tobytes(), dtype=np.uint8)
    # One measurement of what these codes come to tells the scale; scales and minima go together.
    size = np.std(gguf.quants.dequantize(blocks, kind))
    for at in SCALES[kind.name]:
        blocks[:, at : at + 2] = np.frombuffer(np.float16(spread / size / 64).tobytes(), dtype=np.uint8)
    return blocks.reshape(rows, -1)


def mixed(path):
    rng = np.random.default_rng(5)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(1024)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_tokenizer_model("none")
    writer.add_vocab_size(VOCAB)
    used = iter([*LONG, *SHORT] * 3)
    short = iter(SHORT * 2)

    def matrix(key, rows, cols):
        kind = next(used) if cols == WIDTH else next(short)
        writer.add_tensor(key, random_rows(rng, rows, cols, kind), raw_dtype=gguf.GGMLQuantizationType[kind])

    def norm(key):
        writer.add_tensor(key, (1 + 0.2 * rng.standard_normal(WIDTH)).astype(np.float32))

    matrix("token_embd.weight", VOCAB, WIDTH)
    for i in range(LAYERS):
        norm(f"blk.{i}.attn_norm.weight")
        norm(f"blk.{i}.ffn_norm.weight")
        for name, rows, cols in (
            ("attn_q", HEAD, WIDTH), ("attn_k", HEAD, WIDTH), ("attn_v", HEAD, WIDTH), ("attn_output", WIDTH, HEAD),
            ("ffn_gate", FFN, WIDTH), ("ffn_up", FFN, WIDTH), ("ffn_down", WIDTH, FFN),
        ):  # fmt: skip
            matrix(f"blk.{i}.{name}.weight", rows, cols)
    norm("output_norm.weight")
    matrix("output.weight", VOCAB, WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def written_out(path, out):
    """The file with every block repeated as often as its layers share it."""
    reader = gguf.GGUFReader(path)
    key = "llama.block_repeat"
    repeat = int(reader.get_field(key).contents())
    writer = gguf.GGUFWriter(out, "llama")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in (key, "general.architecture"):
            continue
        value = field.contents()
        if field.name == "llama.block_count":
            value *= repeat
        writer.add_key_value(field.name, value, field.types[0])
    for tensor in reader.tensors:
        parts = tensor.name.split(".", 2)
        names = [tensor.name]
        if parts[0] == "blk":
            names = [f"blk.{int(parts[1]) * repeat + i}.{parts[2]}" for i in range(repeat)]
        for name in names:
            writer.add_tensor(name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def token(i, vocab):
    return (i * i + 5 * i + 3) % vocab


def run(path, vocab):
    """llama.cpp's logits: {prompt: {step: [logit]}}."""
    params = llama_cpp.llama_model_default_params()
    # Without repacked weights: its AMX path crashes on virtual machines that show AMX and do not permit it.
    params.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    assert model, path
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_threads, params.n_threads_batch = 1024, 1024, 1, 1
    # Its flash attention adds values up in 16 bits, which shows after 600 tokens.
    params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    out = {}
    for prompt in PROMPTS:
        context = llama_cpp.llama_init_from_model(model, params)
        fed, rows = 0, {}
        for step in range(STEPS):
            count = prompt if step == 0 else 1
            ids = [token(fed + i, vocab) for i in range(count)]
            array = (llama_cpp.llama_token * count)(*ids)
            assert llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, count)) == 0
            fed += count
            if step in KEPT:
                at = ctypes.cast(llama_cpp.llama_get_logits_ith(context, -1), ctypes.POINTER(ctypes.c_float))
                rows[step] = [float(f"{x:.6g}") for x in np.ctypeslib.as_array(at, (vocab,))]
        out[prompt] = rows
        llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return out


def main():
    llama_cpp.llama_backend_init()
    mixed(HERE / "types-mixed.gguf")
    golden = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in [*sorted((HERE / "architectures").glob("*.gguf")), HERE / "types-mixed.gguf"]:
            vocab = gguf.GGUFReader(path).get_field(gguf.Keys.LLM.VOCAB_SIZE.format(arch=path.stem.split("-")[0]))
            vocab = int(vocab.contents()) if vocab else VOCAB
            given = path
            if "shared" in path.name:
                given = pathlib.Path(folder) / path.name
                written_out(path, given)
            golden[path.name] = run(given, vocab)
            last = golden[path.name][PROMPTS[-1]][KEPT[-1]]
            print(f"{path.name}: logits {min(last):.2f} to {max(last):.2f}")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(rows)}" for name, rows in golden.items())
    (HERE / "peer.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
