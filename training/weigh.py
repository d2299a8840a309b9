"""Fits the weights of what speaks against a reading (src/turn/signs), and how far the model's probabilities are to be trusted.

usage: weigh.py PINTAIL [--model FILE.gguf] [--drawn COUNT] AGENT.toml:CASES.jsonl ...

A conditional logistic regression: of the readings that the model was close to, each weighs its probability to the power of TRUST times a
factor for each sign, and all that was not looked at weighs UNSEEN times what is left of the probability. Fitted is how likely the right
reading is among them, on recorded requests (the sets for looking) and as many drawn ones as wanted; prints factors, and by how much
the likeliest reading is right more often, on requests that were not fitted to (five folds).
"""

import argparse
import json
import math
import subprocess

import torch

MARK = "readings="


def canonical(calls):
    """Neighbours that do the same to devices count as one call, as in the program."""
    out = []
    for call in calls:
        rest = {name: value for name, value in call["arguments"].items() if name != "devices"}
        devices = call["arguments"].get("devices")
        if not isinstance(devices, list):
            out.append(call)
            continue
        before = out[-1] if out and out[-1].get("rest") == rest and out[-1]["tool"] == call["tool"] else None
        if before and not set(before["devices"]) & set(devices):
            before["devices"] = sorted(before["devices"] + devices)
        else:
            out.append({"tool": call["tool"], "devices": sorted(devices), "rest": rest})
    return json.dumps(out, sort_keys=True)


def judged(program, arguments):
    """Requests with their readings and those that are right."""
    run = subprocess.run([program, "-vvv", "eval", *arguments, "--json"], capture_output=True, text=True, check=True)
    logged = [json.loads(line.split(MARK, 1)[1]) for line in run.stderr.splitlines() if MARK in line]
    at, out = 0, []
    for line in run.stdout.splitlines()[:-1]:
        case = json.loads(line)
        # A request is read once or more, first as a whole; one in another language is logged in English and left out.
        found = next((i for i in range(at, len(logged)) if logged[i]["text"] == case["text"]), None)
        if found is None:
            continue
        at = found + 1
        right = {canonical(case["expected"])} | ({canonical(case["calls"])} if case["arguments"] else set())
        out.append((logged[found]["readings"], right))
    return out


class Fit:
    def __init__(self, cases, names):
        self.names = names
        rows = [(case, reading) for case, (readings, _) in enumerate(cases) for reading in readings]
        number = torch.float64
        self.of = torch.tensor([case for case, _ in rows])
        self.signs = torch.tensor([[reading["signs"][name] for name in names] for _, reading in rows], dtype=number)
        self.log = torch.tensor([max(reading["p"], 1e-9) for _, reading in rows], dtype=number).log()
        self.right = torch.tensor([canonical(reading["calls"]) in cases[case][1] for case, reading in rows])
        seen = torch.zeros(len(cases), dtype=number).index_add(0, self.of, self.log.exp())
        self.rest = (1 - seen).clamp(min=1e-4).log()

    def loss(self, weights):
        factors, trust, unseen = weights[:-2], weights[-2], weights[-1]
        weight = (self.signs @ factors + trust * self.log).exp()
        rest = (trust * self.rest + unseen).exp()
        total = torch.zeros_like(rest).index_add(0, self.of, weight) + rest
        right = torch.zeros_like(rest).index_add(0, self.of, weight * self.right)
        there = torch.zeros_like(rest).index_add(0, self.of, self.right.double()) > 0
        return -(torch.where(there, right, rest) / total).clamp(min=1e-9).log().mean()

    def solve(self):
        weights = torch.zeros(len(self.names) + 2, dtype=torch.float64)
        weights[-2] = 1.0
        before = weights.clone()
        weights.requires_grad_()
        optimiser = torch.optim.LBFGS([weights], max_iter=200, line_search_fn="strong_wolfe")

        def closure():
            optimiser.zero_grad()
            loss = self.loss(weights) + 2e-4 * ((weights - before) ** 2).sum()
            loss.backward()
            return loss

        optimiser.step(closure)
        return weights.detach()


def share(cases, names, weights):
    """Of how many cases the likeliest calls are the right ones."""
    factors, trust = weights[:-2].tolist(), weights[-2].item()
    good = 0
    for readings, right in cases:
        together = {}
        for reading in readings:
            weight = math.exp(sum(f * reading["signs"][name] for f, name in zip(factors, names))) * reading["p"] ** trust
            calls = canonical(reading["calls"])
            together[calls] = together.get(calls, 0.0) + weight
        good += max(together, key=together.get) in right
    return good / len(cases)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--drawn", type=int, default=0)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--model", help="another model than the agents' own")
    args = parser.parse_args()
    model = ["-m", args.model] if args.model else []
    recorded = [case for pair in args.sets for case in judged(args.program, pair.split(":", 1) + model)]
    drawn = judged(args.program, ["--drawn", str(args.drawn), "--seed", str(args.seed), *model]) if args.drawn else []
    names = sorted(recorded[0][0][0]["signs"])
    weights = Fit(recorded + drawn, names).solve()
    for name, weight in zip(names + ["TRUST", "UNSEEN"], weights):
        print(f"{name:12}{weight.item() if name == 'TRUST' else weight.exp().item():.3f}")
    without = torch.zeros_like(weights)
    without[-2] = 1.0
    before = after = 0.0
    for fold in range(5):
        kept, left = [c for i, c in enumerate(recorded) if i % 5 != fold], recorded[fold::5]
        before += share(left, names, without) * len(left)
        after += share(left, names, Fit(kept + drawn, names).solve()) * len(left)
    print(f"likeliest right of {len(recorded)}: {before / len(recorded):.3f} without signs, {after / len(recorded):.3f} with them")


if __name__ == "__main__":
    main()
