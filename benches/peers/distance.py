#!/usr/bin/env python3
"""How far our logits are from llama.cpp's: both are fed the same 64 tokens after prompts of several lengths.

    cargo build --release --manifest-path benches/peers/logits/Cargo.toml
    python3 distance.py logits/target/release/pintail-peers-logits FILE.gguf[=PEER.gguf]... [-t THREADS] [-p LENGTH,LENGTH...]

Where llama.cpp is to read another file (the same model in a form that it knows) it stands behind a `=`.
Needs llama.cpp's Python package (see compare.py). Its KV cache is in F16, as by default, and so is ours. For each file: the mean and
the largest KL divergence (of ours from theirs), the largest difference of a logit and the range of logits, how often the best
token is theirs, and how far ours is below theirs in their logits where it is not.
"""

import argparse
import subprocess
import tempfile

import llama_cpp
import numpy as np

STEPS = 64


def log_softmax(x):
    x = x - x.max()
    return x - np.log(np.exp(x).sum())


def compare(program, path, threads, lengths):
    path, _, peer = path.partition("=")
    model = llama_cpp.Llama(
        peer or path, n_ctx=max(lengths) + STEPS + 1, n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False
    )
    ctx, vocab = model._ctx.ctx, model.n_vocab()

    def feed(tokens):
        for start in range(0, len(tokens), 512):
            part = tokens[start : start + 512]
            array = (llama_cpp.llama_token * len(part))(*part)
            if llama_cpp.llama_decode(ctx, llama_cpp.llama_batch_get_one(array, len(part))):
                raise SystemExit("llama_decode failed")

    with tempfile.TemporaryFile() as out:
        subprocess.run([program, path, str(threads), *map(str, lengths)], stdout=out, check=True)
        ours = np.memmap(out, dtype=np.float32, mode="r").reshape(len(lengths), STEPS, vocab)
    token = lambda i: i * 7919 % vocab
    divergences, off, spread, same, below = [], 0, 0, 0, 0
    for run, length in enumerate(lengths):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(ctx), True)
        feed([token(i) for i in range(length)])
        for step in range(STEPS):
            theirs = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(ctx, -1), shape=(vocab,)).astype(np.float64)
            mine = ours[run, step].astype(np.float64)
            a, b = log_softmax(theirs), log_softmax(mine)
            divergences.append((np.exp(a) * (a - b)).sum())
            off, spread = max(off, np.abs(theirs - mine).max()), max(spread, np.ptp(theirs))
            same += mine.argmax() == theirs.argmax()
            below = max(below, theirs.max() - theirs[mine.argmax()])
            feed([token(length + step)])
    name, runs = path.rsplit("/", 1)[-1], len(lengths) * STEPS
    print(
        f"| {name} | {np.mean(divergences):.1e} | {np.max(divergences):.1e} | {off:.3f} of {spread:.1f} | {same} of {runs} | {below:.3f} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="+")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-p", "--prompts", default="1,33,600")
    args = parser.parse_args()
    print("| file | KL, mean | KL, most | logit off, most | best token the same | below theirs, most |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in args.files:
        compare(args.program, path, args.threads, [int(n) for n in args.prompts.split(",")])


if __name__ == "__main__":
    main()
