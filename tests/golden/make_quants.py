#!/usr/bin/env python3
"""Writes quants.json: what the reference quantisers make of floats that the test makes again.

    make_quants.py LIBRARY > quants.json

Needs numpy and the `gguf` package, and LIBRARY: llama.cpp's ggml-quants.c as a shared library, made in its
ggml/ folder with

    gcc -O2 -shared -fPIC -Iinclude -Isrc -o LIBRARY src/ggml-quants.c STUBS.c -lm

where STUBS.c has an empty function for each ggml_* name that `nm -u` lists. The 32-weight types, F16 and BF16
are pinned byte for byte, from the `gguf` package; of the K types the squared error of llama.cpp's own quantiser
is recorded, which ours must come close to.
"""
import ctypes
import json
import sys

import numpy as np
from gguf import GGMLQuantizationType as T, quants

BLOCKS = 48
SUPER_BLOCKS = 400


def floats(n, seed, kind):
    """Sums of four 16-bit numbers (nearly Gaussian), to the third power (heavy tails), or shifted to be positive."""
    state = np.uint64(seed)
    out = np.empty(n, dtype=np.float32)
    mask = (1 << 64) - 1
    s = int(state)
    for i in range(n):
        total = 0
        for _ in range(4):
            s = (s * 6364136223846793005 + 1442695040888963407) & mask
            total += s >> 48
        out[i] = np.float32(total - 131072) * np.float32(2.0**-20)
    if kind == "cubed":
        out = out * out * out * np.float32(64)
    if kind == "positive":
        out = np.abs(out) + np.float32(0.0625)
    return out


def blocks():
    """Blocks of every kind, then ones that are zero, constant, or hold one weight."""
    n = BLOCKS // 4 * 32
    rows = [floats(n, 1, "plain"), floats(n, 2, "cubed"), floats(n, 3, "positive")]
    special = np.zeros((BLOCKS // 4, 32), dtype=np.float32)
    special[1] = 1.0
    special[2] = -0.3
    special[3, 17] = 2.5
    special[4, 0] = -2.5
    special[5] = np.arange(32, dtype=np.float32) - 15.5
    special[6, 3], special[6, 4] = 1.0, -1.0
    special[7] = 1e-7
    special[8] = np.float32(60000.0) * (np.arange(32) % 3 - 1)
    special[9] = np.arange(32, dtype=np.float32) / 31
    special[10] = -np.arange(32, dtype=np.float32) / 7
    special[11] = np.float32(3e-5) * (np.arange(32) % 5)
    return np.concatenate(rows + [special.ravel()])


def main():
    x = blocks()
    exact = {}
    for ty in (T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.BF16, T.F16):
        with np.errstate(all="ignore"):
            exact[ty.name] = quants.quantize(x, ty).view(np.uint8).tobytes().hex()
    library = ctypes.CDLL(sys.argv[1])
    errors = {}
    for ty, size in ((T.Q4_K, 144), (T.Q5_K, 176), (T.Q6_K, 210)):
        quantise = getattr(library, f"quantize_row_{ty.name.lower().replace('k', 'K')}_ref")
        errors[ty.name] = {}
        for seed, kind in enumerate(("plain", "cubed", "positive"), start=11):
            rows = floats(SUPER_BLOCKS * 256, seed, kind)
            out = np.zeros(SUPER_BLOCKS * size, dtype=np.uint8)
            quantise(
                rows.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(rows.size)
            )
            back = quants.dequantize(out, ty).astype(np.float64)
            errors[ty.name][kind] = float(((back - rows.astype(np.float64)) ** 2).sum())
    json.dump({"exact": exact, "error": errors}, sys.stdout, indent=0)
    print()


main()
