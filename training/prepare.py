"""Turns rendered examples into token ids.

usage: prepare.py TOKENIZER.json IN.jsonl OUT.npz [GROUP]

Examples that follow each other in one scene share it; by groups (of 16) of about one length, so that little is padded, which
makes a scene of many examples come several times. `scenes` and `tails` hold ids one after another (uint16):
what stands before <|req|>, and the request with its answer. `scene_starts` and `tail_starts` tell where each begins
(and the end), `scene_of` the scene of each tail, `answers` the place of the first token behind <|ans|> within its tail.
"""

import itertools
import json
import sys

import numpy as np
from tokenizers import Tokenizer

# Longer ones are rare and would make a whole batch long.
MOST_SCENE, MOST_TAIL = 800, 110
GROUP = 16


def main(tokenizer, source, out, group=GROUP):
    group = int(group)
    tokenizer = Tokenizer.from_file(tokenizer)
    ans = tokenizer.token_to_id("<|ans|>")
    scenes, scene_starts, tails, tail_starts, scene_of, answers = [], [0], [], [0], [], []
    last, waiting = None, []

    def flush():
        ids = [] if last is None else tokenizer.encode(last).ids
        if len(ids) > MOST_SCENE:
            waiting.clear()
        waiting.sort(key=len)
        for start in range(0, len(waiting), group):
            scenes.append(np.array(ids, dtype=np.uint16))
            scene_starts.append(scene_starts[-1] + len(ids))
            for tail in waiting[start : start + group]:
                tails.append(np.array(tail, dtype=np.uint16))
                tail_starts.append(tail_starts[-1] + len(tail))
                scene_of.append(len(scenes) - 1)
                answers.append(tail.index(ans) + 1)
        waiting.clear()

    lines = open(source)
    while batch := list(itertools.islice(lines, 8000)):
        prefixes, requests = [], []
        for line in batch:
            try:
                example = json.loads(line)
            except json.JSONDecodeError:
                continue  # a last line that was cut off
            scene, request = example["prompt"].split("<|req|>")
            prefixes.append(scene)
            requests.append("<|req|>" + request + example["answer"])
        for scene, encoded in zip(prefixes, tokenizer.encode_batch(requests)):
            if scene != last:
                flush()
                last = scene
            if len(encoded.ids) <= MOST_TAIL:
                waiting.append(encoded.ids)
    flush()
    np.savez(
        out, scenes=np.concatenate(scenes), scene_starts=np.array(scene_starts), tails=np.concatenate(tails),
        tail_starts=np.array(tail_starts), scene_of=np.array(scene_of), answers=np.array(answers),
    )
    print(f"{len(scenes)} scenes of {scene_starts[-1] / len(scenes):.0f} tokens, {len(tails)} requests of "
          f"{tail_starts[-1] / len(tails):.0f} -> {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
