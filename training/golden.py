"""Writes tests/golden/rendering.jsonl: some renderings, and the ids that the trainer's tokenizer makes of them.

usage: pintail render -n 24 --seed 3 --bare | golden.py TOKENIZER.json > tests/golden/rendering.jsonl
"""

import json
import sys

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(sys.argv[1])
for line in sys.stdin:
    example = json.loads(line)
    example["ids"] = tokenizer.encode(example["prompt"] + example["answer"]).ids
    print(json.dumps(example, ensure_ascii=False))
