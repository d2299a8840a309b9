#!/usr/bin/env python3
"""Makes types.gguf: random rows of every weight type, and beside each (`TYPE.f32`) the floats that the `gguf` package makes of it.

    python3 make_types.py

Needs `pip install numpy gguf` (made with gguf 0.19.0). Codes, steps and minima are random bytes, so that every value occurs;
the f16 scales are random small numbers of both signs, one of them subnormal and one 0.
"""

import pathlib

import gguf
import numpy as np

HERE = pathlib.Path(__file__).parent
ROW = 512
# Where the f16 scales of a block stand; a type without has floats for elements.
SCALES = {
    "F32": None, "F16": None, "BF16": None,
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0],
}  # fmt: skip


def rows(rng, name, kind):
    floats = rng.standard_normal(ROW).astype(np.float32)
    if SCALES[name] is None:
        return gguf.quants.quantize(floats, kind).view(np.uint8).reshape(1, -1)
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, size=(ROW // elements, size), dtype=np.uint8)
    for at in SCALES[name]:
        scales = (rng.standard_normal(len(blocks)) / 50).astype(np.float16)
        scales[0] = np.float16(3e-6)
        if len(blocks) > 2:
            scales[1] = 0
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(1, -1)


def main():
    rng = np.random.default_rng(11)
    writer = gguf.GGUFWriter(HERE / "types.gguf", "none")
    for name in SCALES:
        kind = gguf.GGMLQuantizationType[name]
        data = rows(rng, name, kind)
        floats = gguf.quants.dequantize(data, kind).astype(np.float32).reshape(1, ROW)
        if name == "F32":
            data = data.view(np.float32)
        elif name == "F16":
            data = data.view(np.float16)
        writer.add_tensor(name, data, raw_dtype=kind)
        writer.add_tensor(f"{name}.f32", floats)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
