"""Turns rendered examples into token ids.

usage: prepare.py TOKENIZER.json IN.jsonl OUT.npz

`ids` holds all examples one after another (uint16), `starts` where each begins (and the end), `requests` and
`answers` the places of <|req|> and of the first token behind <|ans|> within each example.
"""

import itertools
import json
import sys

import numpy as np
from tokenizers import Tokenizer


def main(tokenizer, source, out):
    tokenizer = Tokenizer.from_file(tokenizer)
    req, ans = tokenizer.token_to_id("<|req|>"), tokenizer.token_to_id("<|ans|>")
    ids, starts, requests, answers = [], [0], [], []
    lines = open(source)
    while batch := list(itertools.islice(lines, 4000)):
        texts = []
        for line in batch:
            try:
                example = json.loads(line)
            except json.JSONDecodeError:
                continue  # a last line that was cut off
            texts.append(example["prompt"] + example["answer"])
        for encoded in tokenizer.encode_batch(texts):
            if len(encoded.ids) > 700:
                continue
            ids.append(np.array(encoded.ids, dtype=np.uint16))
            starts.append(starts[-1] + len(encoded.ids))
            requests.append(encoded.ids.index(req))
            answers.append(encoded.ids.index(ans) + 1)
    np.savez(out, ids=np.concatenate(ids), starts=np.array(starts), requests=np.array(requests), answers=np.array(answers))
    lengths = np.diff(starts)
    print(f"{len(lengths)} examples, {starts[-1]} tokens, mean {lengths.mean():.0f}, longest {lengths.max()} -> {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
