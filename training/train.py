"""Trains the bundled model; can be stopped at any time and started again.

usage: train.py --data a.npz [b.npz ...] --held held.npz --out DIR [--steps N] [--batch TOKENS] [...]

The loss counts the answer in full and the words of the request by a little (`--request-weight`); tools and devices are random, so
nothing is learnt from predicting them. The first part (`--bare`) leaves tools and devices out: requests and answers
alone are a seventh as long, and their marks are all that copying a pointer needs, so that circuit forms
there in minutes instead of hours; a share of later steps (`--mix`) is like it. The rate rises over the first steps, stays, and falls in a line over the last part.
`--data` takes patterns ("data/*.npz"), read anew for each pass over the data, so that files may be added while it runs.
"""

import argparse
import glob
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from model import Config, Model, Parts


# Several short requests stand in a row of so many tokens.
SHORTEST_ROW = 48


class Data:
    """Requests of some files, grouped by the scene they share."""

    def __init__(self, paths):
        files = [np.load(path) for path in paths]

        def joined(name):
            return np.concatenate([f[name] for f in files])

        def shifted(name):
            shift, parts = 0, [np.zeros(1, dtype=np.int64)]
            for f in files:
                parts.append(f[name][1:] + shift)
                shift += f[name][-1]
            return np.concatenate(parts)

        self.scenes, self.tails, self.answers = joined("scenes"), joined("tails"), joined("answers")
        self.scene_starts, self.tail_starts = shifted("scene_starts"), shifted("tail_starts")
        counts = np.cumsum([0] + [len(f["scene_starts"]) - 1 for f in files])
        scene_of = np.concatenate([f["scene_of"] + shift for f, shift in zip(files, counts)])
        self.first = np.searchsorted(scene_of, np.arange(counts[-1] + 1))

    def __len__(self):
        return len(self.answers)

    def batches(self, tokens, seed, bare=False):
        """Lists of scenes, each with its requests, about `tokens` tokens each, in an order drawn from `seed`; once over the data."""
        rng = np.random.default_rng(seed)
        length = np.diff(self.scene_starts)
        asked = np.add.reduceat(np.diff(self.tail_starts), self.first[:-1])
        size = asked + (0 if bare else length)
        # Scenes of about one length, with about as much asked of each, stand together; every other class of lengths from the most asked down, so that
        # the last of one is like the first of the next.
        about = (length + rng.uniform(0, 4, len(length))) // 64
        order = np.lexsort(((asked + rng.uniform(0, 16, len(asked))) * (1 - 2 * (about % 2)), about))
        groups, group, total = [], [], 0
        for i in order:
            if group and total + size[i] > tokens:
                groups.append(group)
                group, total = [], 0
            group.append(i)
            total += size[i]
        groups.append(group)
        rng.shuffle(groups)
        return groups

    def packed(self, requests, room):
        """Requests in rows of at most `room` tokens: the longest first, each where it first fits."""
        length = {t: self.tail_starts[t + 1] - self.tail_starts[t] for t in requests}
        rows, left = [], []
        for t in sorted(requests, key=length.get, reverse=True):
            row = next((row for row, free in enumerate(left) if free >= length[t]), len(rows))
            if row == len(rows):
                rows.append([])
                left.append(room)
            rows[row].append(t)
            left[row] -= length[t]
        return rows

    def batch(self, chosen, request_weight, bare=False):
        """scenes [batch, s], their lengths, what is asked of each in rows: tails [batch, rows, r] with the place in its own request and the
        number of the request (-1: none) of each token, in the same shape; the flat places that are asked, their targets and weights."""
        requests = [range(self.first[i], self.first[i + 1]) for i in chosen]
        if bare:
            requests = [[t for each in requests for t in each]]
            lengths = np.zeros(1, dtype=np.int64)
        else:
            lengths = np.array([self.scene_starts[i + 1] - self.scene_starts[i] for i in chosen])
        room = max(SHORTEST_ROW, *(self.tail_starts[t + 1] - self.tail_starts[t] for each in requests for t in each))
        packed = [self.packed(each, room) for each in requests]
        shape = (len(packed), max(len(rows) for rows in packed), room)
        scenes = np.zeros((len(packed), lengths.max()), dtype=np.int64)
        tails, place = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        asked, weight = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        for scene, rows in enumerate(packed):
            if not bare:
                i = chosen[scene]
                scenes[scene, : lengths[scene]] = self.scenes[self.scene_starts[i] : self.scene_starts[i + 1]]
            for row, ts in enumerate(rows):
                at = 0
                for t in ts:
                    ids = self.tails[self.tail_starts[t] : self.tail_starts[t + 1]]
                    end, answer = at + len(ids), at + self.answers[t] - 1
                    tails[scene, row, at:end] = ids
                    place[scene, row, at:end] = np.arange(len(ids))
                    asked[scene, row, at:end] = t
                    weight[scene, row, at:answer] = request_weight
                    weight[scene, row, answer : end - 1] = 1.0
                    at = end
        target = np.roll(tails, -1, axis=2)
        at = np.flatnonzero(weight)
        arrays = (scenes, lengths, tails, place, asked, at, target.reshape(-1)[at], weight.reshape(-1)[at])
        return tuple(torch.from_numpy(array) for array in arrays)


class Batches(Dataset):
    """One pass over the data, in an order drawn from a seed: what the steps read, made by the workers of a DataLoader."""

    def __init__(self, data, args, seed, first_step):
        self.data, self.weight = data, args.request_weight
        groups, bares = data.batches(args.batch, seed), data.batches(args.batch, seed + 1, True)
        bare = np.random.default_rng(seed).random(len(groups)) < args.mix
        bare |= np.arange(first_step, first_step + len(groups)) < args.bare
        self.groups = [(bares[i % len(bares)] if bare[i] else group, bool(bare[i])) for i, group in enumerate(groups)]

    def __len__(self):
        return len(self.groups)

    def __getitem__(self, i):
        group, bare = self.groups[i]
        return self.data.batch(group, self.weight, bare)


@torch.no_grad()
def held_out(model, data, device, tokens, most=1500):
    """Share of held-out examples whose whole answer is the likeliest token by token, and the answers' loss."""
    model.eval()
    right = seen = loss = count = 0
    for group in data.batches(tokens, 0):
        if seen >= most:
            break
        *what, at, target, _ = (x.to(device) for x in data.batch(group, 0.0))
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(*what, at).float()
        loss += F.cross_entropy(logits, target, reduction="sum").item()
        count += len(target)
        asked = what[-1].flatten()[at]
        some, wrong = asked.unique(), asked[logits.argmax(-1) != target].unique()
        right += len(some) - len(wrong)
        seen += len(some)
    model.train()
    return right / seen, loss / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--held", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--start", help="a checkpoint whose weights are the first ones of a new run")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--fall", type=float, default=0.3, help="share of the steps over which the rate falls")
    parser.add_argument("--batch", type=int, default=12288, help="tokens a step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--request-weight", type=float, default=0.2)
    parser.add_argument("--bare", type=int, default=1500, help="steps on requests and answers alone, first")
    parser.add_argument("--mix", type=float, default=0.25, help="share of later steps that are bare too")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--kv-heads", type=int, default=4)
    parser.add_argument("--ffn", type=int, default=640)
    parser.add_argument("--vocab", type=int, default=3072)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches; a GPU wants several")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="torch.compile; needs a C++ compiler")
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    args = parser.parse_args()
    if not 0 <= args.fall <= 1:
        parser.error(f"--fall {args.fall:g} is a share of the steps, 0 to 1: with more the rate is next to nothing from the start")
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, "checkpoint.pt")

    config = Config(args.vocab, args.width, args.layers, args.heads, args.kv_heads, args.ffn)
    model = Model(config).to(device)
    # Muon (Jordan et al. 2024) for the matrices of the blocks, AdamW for the embedding and the norms.
    inner = [p for p in model.blocks.parameters() if p.dim() == 2]
    flat = [p for p in model.parameters() if p.dim() < 2]
    optimisers = [
        torch.optim.Muon(inner, lr=args.rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [{"params": [model.embed.weight], "weight_decay": 0.05}, {"params": flat, "weight_decay": 0.0}],
            lr=args.rate, betas=(0.9, 0.97), fused=True,
        ),
    ]
    step = tokens = seen = 0
    if os.path.exists(path):
        saved = torch.load(path, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        step, tokens, seen = saved["step"], saved["tokens"], saved["seen"]
        print(f"going on from step {step}", flush=True)
    elif args.start:
        model.load_state_dict(torch.load(args.start, map_location=device, weights_only=True)["model"])
    size = sum(p.numel() for p in model.parameters())
    held = Data([args.held])
    print(f"{size} parameters on {device}", flush=True)

    if args.compile:
        Parts.compile()

    def save():
        state = {"model": model.state_dict(), "optimisers": [o.state_dict() for o in optimisers], "step": step,
                 "tokens": tokens, "seen": seen, "config": config.dict()}
        torch.save(state, path + ".new")
        os.replace(path + ".new", path)

    started, mean = time.time(), None
    since = tokens
    log = open(os.path.join(args.out, "log.jsonl"), "a")
    while step < args.steps:
        # Batches are drawn anew when a run goes on.
        data = Data([path for pattern in args.data for path in sorted(glob.glob(pattern))])
        batches = Batches(data, args, args.seed * 100000 + step, step)
        print(f"{len(data)} requests, {len(batches)} steps to see them all", flush=True)
        loader = DataLoader(batches, batch_size=None, num_workers=args.workers, pin_memory=device.type == "cuda")
        for batch in loader:
            if step >= args.steps:
                break
            fall = max(1, int(args.steps * args.fall))
            scale = min(1.0, (step + 1) / 100, (args.steps - step) / fall)
            for part in (part for optimiser in optimisers for part in optimiser.param_groups):
                part["lr"] = args.rate * scale
            *what, at, target, weight = (x.to(device, non_blocking=True) for x in batch)
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(*what, at)
            loss = (F.cross_entropy(logits.float(), target, reduction="none") * weight).sum() / weight.sum()
            model.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
            step += 1
            scenes, _, tails, place, asked = batch[:5]
            tokens += scenes.numel() + tails.numel()
            seen += ((place == 0) & (asked >= 0)).sum().item()
            mean = loss.detach() if mean is None else 0.98 * mean + 0.02 * loss.detach()
            if step % 25 == 0:
                if not math.isfinite(mean.item()):
                    raise SystemExit(f"the loss is {mean.item()} at step {step}")
                print(f"step {step} loss {mean.item():.4f} {(tokens - since) / (time.time() - started):.0f} tokens/s", flush=True)
            if step % args.every == 0 or step == args.steps:
                exact, held_loss = held_out(model, held, device, args.batch)
                save()
                line = {"step": step, "tokens": tokens, "requests": seen, "rate": args.rate * scale, "loss": mean.item(), "held_exact": exact, "held_loss": held_loss,
                        "seconds": time.time() - started}
                log.write(json.dumps(line) + "\n")
                log.flush()
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
