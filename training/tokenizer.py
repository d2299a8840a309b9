"""Learns the byte-level BPE vocabulary from rendered prompts.

usage: tokenizer.py TRAIN.jsonl CONTROL.txt OUT.json [SIZE]

The control tokens come first, in the program's own order (`pintail render --tokens`); digits stand alone; the
split is GPT-2's, which GGUF calls `smollm` when digits are split.
"""

import json
import re
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers


def main(train, control, out, size=3072):
    names = [line.rstrip("\n") for line in open(control)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    mark = re.compile(r"<\|[^|]*\|>")

    def texts():
        for i, line in enumerate(open(train)):
            if i >= 60000:
                return
            example = json.loads(line)
            yield from (part for part in mark.split(example["prompt"]) if part)

    trainer = trainers.BpeTrainer(
        vocab_size=int(size),
        special_tokens=[AddedToken(name, special=True, normalized=False) for name in names],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.save(out)
    print(f"{tokenizer.get_vocab_size()} tokens -> {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
