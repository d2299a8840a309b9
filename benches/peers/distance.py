#!/usr/bin/env python3
"""How far our logits are from llama.cpp's: both are fed the same 64 tokens after prompts of several lengths.

    cargo build --release --manifest-path benches/peers/logits/Cargo.toml
    python3 distance.py logits/target/release/pintail-peers-logits FILE.gguf[=PEER.gguf]... [-t THREADS] [-p LENGTH,LENGTH...]

Where llama.cpp is to read another file (the same model in a form that it knows) it stands behind a `=`.
Needs llama.cpp's Python package (see compare.py). Its KV cache is in F16, as by default, and so is ours. For each file: the mean and
the largest KL divergence (of ours from theirs), the largest difference of a logit and the range of logits, how often the best
token is theirs, and how far ours is below theirs in their logits where it is not.

With `--exact` each file's weights are also written out in F32 (in a temporary folder; four to eight times the file), and both are
compared with llama.cpp's run of that: KL of llama.cpp's from it, of ours, and of ours in F32. Needs the `gguf` package.
"""

import argparse
import subprocess
import tempfile

import llama_cpp
import numpy as np

STEPS = 64


def log_softmax(x):
    x = x.astype(np.float64) - x.max()
    return x - np.log(np.exp(x).sum())


def divergences(theirs, mine):
    """KL of each step."""
    pairs = ((log_softmax(a), log_softmax(b)) for a, b in zip(theirs, mine))
    return np.array([(np.exp(a) * (a - b)).sum() for a, b in pairs])


def peer(path, threads, lengths):
    """Logits of llama.cpp, a row for each step of each run."""
    model = llama_cpp.Llama(
        path, n_ctx=max(lengths) + STEPS + 1, n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False
    )
    ctx, vocab = model._ctx.ctx, model.n_vocab()
    token = lambda i: i * 7919 % vocab

    def feed(tokens):
        for start in range(0, len(tokens), 512):
            part = tokens[start : start + 512]
            array = (llama_cpp.llama_token * len(part))(*part)
            if llama_cpp.llama_decode(ctx, llama_cpp.llama_batch_get_one(array, len(part))):
                raise SystemExit("llama_decode failed")

    out = np.empty((len(lengths) * STEPS, vocab), dtype=np.float32)
    for run, length in enumerate(lengths):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(ctx), True)
        feed([token(i) for i in range(length)])
        for step in range(STEPS):
            out[run * STEPS + step] = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(ctx, -1), shape=(vocab,))
            feed([token(length + step)])
    return out


def ours(program, path, threads, lengths):
    """Ours, the same rows."""
    done = subprocess.run([program, path, str(threads), *map(str, lengths)], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, dtype=np.float32).reshape(len(lengths) * STEPS, -1)


def write_exact(path, out):
    """The same model with all its weights in F32."""
    import gguf

    reader = gguf.GGUFReader(path)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents(), use_temp_file=False)
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            element = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], sub_type=element)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="+")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-p", "--prompts", default="1,33,600")
    parser.add_argument("--exact", action="store_true")
    args = parser.parse_args()
    lengths = [int(n) for n in args.prompts.split(",")]
    if args.exact:
        print("| file | llama.cpp: KL, mean | KL, most | ours: KL, mean | KL, most | ours in F32: KL, most |")
        print("| --- | --- | --- | --- | --- | --- |")
    else:
        print("| file | KL, mean | KL, most | logit off, most | best token the same | below theirs, most |")
        print("| --- | --- | --- | --- | --- | --- |")
    for names in args.files:
        path, _, other = names.partition("=")
        name = path.rsplit("/", 1)[-1]
        theirs = peer(other or path, args.threads, lengths)
        mine = ours(args.program, path, args.threads, lengths)
        if args.exact:
            with tempfile.TemporaryDirectory() as folder:
                exact = f"{folder}/exact.gguf"
                write_exact(other or path, exact)
                truth = peer(exact, args.threads, lengths)
                ours_exact = divergences(truth, ours(args.program, exact, args.threads, lengths))
            a, b = divergences(truth, theirs), divergences(truth, mine)
            row = f"{a.mean():.1e} | {a.max():.1e} | {b.mean():.1e} | {b.max():.1e} | {ours_exact.max():.1e}"
        else:
            kl = divergences(theirs, mine)
            best = [(a.argmax(), b.argmax()) for a, b in zip(theirs, mine)]
            same = sum(a == b for a, b in best)
            below = max(logits[a] - logits[b] for logits, (a, b) in zip(theirs, best))
            off, spread = np.abs(theirs - mine).max(), max(np.ptp(row) for row in theirs)
            row = f"{kl.mean():.1e} | {kl.max():.1e} | {off:.3f} of {spread:.1f} | {same} of {len(kl)} | {below:.3f}"
        print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
