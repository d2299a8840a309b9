#!/usr/bin/env python3
"""Runs llama.cpp and pintail by turns on the same model files and prints tokens a second of both and their ratio.

    python3 compare.py PINTAIL FILE.gguf... [-t THREADS] [-p PROMPT] [-n DECODED] [-r ROUNDS] [--bandwidth]

PINTAIL is the program (`target/release/pintail`). Needs llama.cpp's Python package built for this machine:
`CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary llama-cpp-python llama-cpp-python` (measured with the version in README.md beside this file).

Each round runs one process of either, so that both see the machine in the same state; a figure is the median of the rounds. The
peer runs as it does by default (its KV cache in F16, weights repacked where it does that); both compute all logits of the
last token of the prompt and of every decoded one, and both are warmed up before they are timed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time


def peer(path, threads, prompt, decoded):
    """One run of llama.cpp in this process: (prefill, decode) in tokens a second."""
    import llama_cpp

    model = llama_cpp.Llama(
        path, n_ctx=max(256, prompt + decoded), n_threads=threads, n_threads_batch=threads, n_batch=512, n_ubatch=512, verbose=False
    )
    ctx = model._ctx.ctx
    vocab = model.n_vocab()
    token = lambda i: i * 7919 % vocab

    def feed(tokens):
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        if llama_cpp.llama_decode(ctx, llama_cpp.llama_batch_get_one(array, len(tokens))):
            raise SystemExit("llama_decode failed")
        llama_cpp.llama_synchronize(ctx)

    best = []
    for _ in range(3):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(ctx), True)
        start = time.perf_counter()
        feed([token(i) for i in range(prompt)])
        fed = time.perf_counter()
        for i in range(decoded):
            feed([token(prompt + i)])
        best.append((prompt / (fed - start), decoded / (time.perf_counter() - fed)))
    # The first run only warms up.
    return [statistics.median(column) for column in zip(*best[1:])]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pintail")
    parser.add_argument("files", nargs="+")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-p", "--prompt", type=int, default=128)
    parser.add_argument("-n", "--decoded", type=int, default=32)
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("--bandwidth", action="store_true")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes = ["-t", str(args.threads), "-p", str(args.prompt), "-n"]
    if args.peer:
        print(json.dumps(peer(args.files[0], args.threads, args.prompt, args.decoded)))
        return
    print("| file | prefill: llama.cpp | ours | ratio | decode: llama.cpp | ours | ratio | GB/s | share |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in args.files:
        theirs, ours, shares = [], [], []
        for _ in range(args.rounds):
            theirs.append(run([sys.executable, __file__, "--peer", args.pintail, path, *sizes, str(args.decoded)]))
            bench = [args.pintail, "bench", "-m", path, *sizes, str(args.decoded), "-r", "2", "--json"]
            figures = run(bench + ["--bandwidth"] * args.bandwidth)
            ours.append((figures["prefill_tps"], figures["decode_tps"], figures["decode_gb_per_s"]))
            if figures["bandwidth_share"]:
                shares.append(figures["bandwidth_share"])
        (a, b), (c, d, read) = ([statistics.median(column) for column in zip(*runs)] for runs in (theirs, ours))
        share = f"{100 * statistics.median(shares):.0f} %" if shares else ""
        name = path.rsplit("/", 1)[-1]
        print(f"| {name} | {a:.1f} | {c:.1f} | {c / a:.2f} | {b:.1f} | {d:.1f} | {d / b:.2f} | {read:.1f} | {share} |", flush=True)


if __name__ == "__main__":
    main()
