"""Puts the written requests together anew: other tools beside other devices, other values in the same sentence, two sentences in one.

usage: mix.py WRITTEN OUT [--worlds 300] [--seed 1]

WRITTEN holds agents (NAME.toml) and their requests (NAME.jsonl); OUT gets as many of both, for `pintail render --agent --cases`. Each
world of OUT has the devices of one written world and tools of one to three others. Every answer stays right by construction:

- A value is put in the place of another only where it stood literally, once: a text by a text of a parameter that is called
  alike, a number by one in range, a choice by another, a device by one of its kind.
- Tools of two worlds stand together only if they ask for different sorts of arguments and share no word.
- Requests to refuse stay where they share no word with the tools. A request to a tool that is not there any more is one to refuse,
  if nothing that is there takes such arguments.
- Two requests are joined only if each is one call and stands for itself; free text ends a sentence, or comes last.
"""

import argparse
import collections
import glob
import json
import math
import os
import random
import re
import tomllib

BUILTIN = {"on", "off", "toggle", "open", "close", "stop", "read", "set_level", "change_level", "set_value", "blink", "wait", "list"}
# Words that make a sentence lean on another one, or on what was not said.
LEANS = re.compile(r"\b(rest|else|other|others|only|except|but|too|also|again|it|them|they|that|this|these|those|one|ones|same|instead|then|both)\b", re.I)
JOINS = [" and ", ", ", " then ", " and then ", ". ", "; ", ", and ", ", then ", " plus ", " and also ", ", also ", " & ", " "]
AFTER_TEXT = [". ", "; ", ", then "]
# Words that name things found anywhere: what is asked for with them may be asked of the devices.
GENERAL = {"light", "lamp", "lamps", "every", "door"}
COMMON = set("the a an of to for and or in on with at by from as is it be this that all one set new add put make give tell say number name text "
             "note time minutes seconds".split())


def words(text):
    """Content words, cut to five letters so that forms of a word count as one."""
    return {w[:5] for w in re.findall(r"[a-z]{3,}", text.lower().replace("_", " ")) if w not in COMMON}


def tool_words(name, tool):
    texts = [name, tool.get("description", "")]
    for key, field in parameters(tool).items():
        texts += [key, field.get("description", ""), *map(str, field.get("enum", []))]
    return words(" ".join(texts))


def parameters(tool):
    return tool.get("parameters", {}).get("properties", {})


def sort_of(field):
    if "enum" in field:
        return "choice"
    return {"string": "text", "integer": "number", "number": "number", "boolean": "flag"}[field["type"]]


def asks_for(tool):
    """The sorts of arguments that a tool asks for: what tells it from another when only arguments are said."""
    return frozenset(sort_of(f) for f in parameters(tool).values()) or frozenset(["nothing"])


class World:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.doc = tomllib.load(file)
        self.devices, self.tools = self.doc.get("devices", {}), self.doc.get("tools", {})
        self.names = {n: [n.replace("_", " "), *d.get("aliases", [])] for n, d in self.devices.items()}
        self.areas = {d["area"].lower() for d in self.devices.values() if d.get("area")}
        self.requests, self.tool_requests, self.refused = [], collections.defaultdict(list), []
        with open(path[:-5] + ".jsonl", encoding="utf-8") as file:
            for line in file:
                case = json.loads(line)
                used = [c["tool"] for c in case["calls"]]
                if not used:
                    self.refused.append(case)
                elif all(u in BUILTIN for u in used):
                    self.requests.append(case)
                elif len(used) == 1:
                    self.tool_requests[used[0]].append(case)


def occurs_once(value, text):
    found = [m.start() for m in re.finditer(r"(?<!\w)" + re.escape(value) + r"(?!\w)", text)]
    return found[0] if len(found) == 1 else None


def replaced(case, at, old, new):
    return case["text"][:at] + new + case["text"][at + len(old):]


def with_other_values(rng, case, tool, pools):
    """The request to a tool with some of its arguments said otherwise."""
    case = json.loads(json.dumps(case))
    arguments = case["calls"][0]["arguments"]
    for key, field in parameters(tool).items():
        value = arguments.get(key)
        if value is None or isinstance(value, bool) or rng.random() < 0.3:
            continue
        at = occurs_once(str(value), case["text"])
        if at is None:
            continue
        sort = sort_of(field)
        if sort == "choice":
            new = rng.choice(field["enum"])
        elif sort == "number":
            least, most = field.get("minimum"), field.get("maximum")
            # A number in words or with a unit of its own is left as it was said.
            if least is None or most is None or re.match(r"\s?(%|[a-z]*g\b|k|min|hour|half)", case["text"][at + len(str(value)):]):
                continue
            # Half of them small: people say those oftener.
            least, most = math.ceil(least), math.floor(most)
            new = rng.randint(least, most if rng.random() < 0.5 else max(least, min(most, 60)))
            if new == 0 or any(str(new) == str(v) for v in arguments.values()):
                continue
        else:
            pool = pools[key if key in pools and len(pools[key]) > 20 else field_pool(key, value)]
            new = rng.choice(pool)
            if len(new) > field.get("maxLength", 200):
                continue
            # What stands beside the text must not go on in it.
            if any(occurs_once(str(v), new) is not None for k, v in arguments.items() if k != key):
                continue
        case["text"] = replaced(case, at, str(value), str(new))
        arguments[key] = new
    if any(isinstance(v, str) and occurs_once(v, case["text"]) is None for k, v in arguments.items() if sort_of(parameters(tool)[k]) == "text"):
        return None
    return case


def field_pool(key, value):
    """Texts are exchanged with those of a parameter called alike; where there are few, with those of about the length."""
    count = len(value.split())
    upper = value[:1].isupper()
    return ("*", min(count, 4) if count < 4 else 4 + min((count - 4) // 4, 2), upper and count < 4)


def with_other_device(rng, case, world):
    """A request that names one device, with another one of its kind."""
    call = case["calls"][0]
    named = call["arguments"].get("devices", [])
    if len(case["calls"]) != 1 or len(named) != 1:
        return case
    name = named[0]
    said = [n for n in world.names[name] if occurs_once(n.lower(), case["text"].lower()) is not None]
    if not said or any(area in case["text"].lower() for area in world.areas):
        return case
    device = world.devices[name]
    alike = [n for n, d in world.devices.items() if d["kind"] == device["kind"] and d.get("levels") == device.get("levels") and d.get("range") == device.get("range") and d.get("unit") == device.get("unit")]
    other = rng.choice(alike)
    old = max(said, key=len)
    new = rng.choice(world.names[other])
    if other == name or any(area in new.lower() for area in world.areas):
        return case
    at = occurs_once(old.lower(), case["text"].lower())
    out = json.loads(json.dumps(case))
    out["text"] = replaced(case, at, old, new.lower() if old.lower() == case["text"][at:at + len(old)] else new)
    out["calls"][0]["arguments"]["devices"] = [other]
    return out


def stands_alone(case):
    return len(case["calls"]) == 1 and len(case["text"]) < 70 and not LEANS.search(case["text"]) and case["category"] != "blink"


def ends_with_text(case, tools):
    """Whether free text is the end of the sentence."""
    call = case["calls"][0]
    fields = parameters(tools.get(call["tool"], {}))
    tail = case["text"].rstrip(" .!?").lower()
    return any(isinstance(v, str) and sort_of(fields[k]) == "text" and (tail.endswith(v.lower()) or len(tail) - tail.rfind(v.lower()) - len(v) < 3) for k, v in call["arguments"].items() if k in fields)


def begins_with_text(case, tools):
    call = case["calls"][0]
    fields = parameters(tools.get(call["tool"], {}))
    return any(isinstance(v, str) and sort_of(fields[k]) == "text" and 0 <= case["text"].find(v) < 3 for k, v in call["arguments"].items() if k in fields)


def joined(rng, first, second, tools, lower):
    """Two requests as one sentence, or nothing where it could be read in two ways."""
    if begins_with_text(second, tools):
        joins = [". "]
    elif ends_with_text(first, tools):
        joins = AFTER_TEXT
    else:
        joins = JOINS
    join = rng.choice(joins)
    a, b = first["text"].strip(), second["text"].strip()
    if a.endswith("?") or a.endswith("!"):
        join = " "
    elif a.endswith("."):
        a = a[:-1]
    if a.endswith(":") or b.startswith(("and ", "then ")):
        return None
    head = b.split()[0]
    if join != ". " and head[:1].isupper() and head.lower() in lower and not begins_with_text(second, tools):
        b = b[0].lower() + b[1:]
    if join in (" ", " & ") and ends_with_text(first, tools):
        join = ". "
    return {"text": a + join + b, "calls": first["calls"] + second["calls"], "category": "several"}


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def agent(name, devices, tools):
    lines = ["format = 1", "[agent]", f"name = {toml(name)}", 'description = "put together"']
    for table, entries in (("devices", devices), ("tools", tools)):
        for key, entry in entries.items():
            lines.append(f"[{table}.{toml(key)}]")
            lines += [f"{toml(k)} = {toml(v)}" for k, v in entry.items()]
    return "\n".join([*lines, "[states.work]", 'prompt = "You help."']) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("written")
    parser.add_argument("out")
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    worlds = [World(path) for path in sorted(glob.glob(os.path.join(args.written, "*.toml")))]
    with_tools = [w for w in worlds if w.tools]
    pools, lower = collections.defaultdict(list), set()
    for world in worlds:
        for name, cases in world.tool_requests.items():
            for case in cases:
                for key, value in case["calls"][0]["arguments"].items():
                    field = parameters(world.tools[name]).get(key)
                    if field and sort_of(field) == "text":
                        pools[key].append(value)
                        pools[field_pool(key, value)].append(value)
        for case in world.requests + world.refused:
            lower.update(w for w in re.findall(r"[a-z]+", case["text"]))
    os.makedirs(args.out, exist_ok=True)
    total = collections.Counter()
    for number in range(args.worlds):
        home = rng.choice(worlds)
        used = set()
        for device, names in home.names.items():
            used |= words(" ".join(names))
        tools, requests, gone = {}, {}, []
        for guest in rng.sample(with_tools, rng.choice([1, 1, 2, 2, 3])):
            names = list(guest.tools)
            kept = rng.sample(names, max(1, round(len(names) * rng.choice([1, 0.8, 0.6, 0.4]))))
            before = dict(tools)
            for name in kept:
                tool, own = guest.tools[name], tool_words(name, guest.tools[name])
                if name in tools or name in BUILTIN or len(own & used) > 1 or len(tools) >= 10:
                    continue
                if any(asks_for(t) & asks_for(tool) - {"flag"} and (asks_for(t) == asks_for(tool) or tool_words(n, t) & own) for n, t in before.items()):
                    continue
                tools[name], requests[name] = tool, guest.tool_requests[name]
            gone += [(guest.tools[name], case) for name in names if name not in tools for case in guest.tool_requests[name]]
        tools = dict(rng.sample(list(tools.items()), len(tools)))
        every = set().union(*(tool_words(n, t) for n, t in tools.items())) if tools else set()
        out = []
        plain = [c for c in home.requests if not (words(c["text"]) & every) or c["category"] == "group"]
        single = [with_other_device(rng, c, home) for c in plain if len(c["calls"]) == 1]
        out += rng.sample(single, min(len(single), 24)) + rng.sample([c for c in plain if len(c["calls"]) > 1], min(12, sum(len(c["calls"]) > 1 for c in plain)))
        said = []
        for name, cases in requests.items():
            for case in rng.sample(cases, min(len(cases), 16)):
                other = with_other_values(rng, case, tools[name], pools)
                if other:
                    said.append(other)
        said = rng.sample(said, min(len(said), 56))
        out += said
        refused = [c for c in home.refused if not (words(c["text"]) & every)]
        out += rng.sample(refused, min(len(refused), 24))
        sorts = {s for t in tools.values() for s in asks_for(t)}
        # A tool that is not there: nothing that is may take what was said; free text takes anything.
        for tool, case in rng.sample(gone, min(len(gone), 10)):
            text = words(case["text"])
            if len(text) > 1 and not text & (every | used | GENERAL) and not sorts & (asks_for(tool) | {"text"}) - {"nothing"}:
                out.append({"text": case["text"], "calls": [], "category": "refuse"})
        alone = [c for c in single if stands_alone(c) and c["calls"][0]["tool"] not in ("list", "wait")]
        tool_alone = [c for c in said if stands_alone(c)]
        for _ in range(32):
            first, second = rng.choice([(alone, tool_alone), (tool_alone, alone), (alone, tool_alone), (tool_alone, alone), (alone, alone), (tool_alone, tool_alone)])
            if not first or not second:
                continue
            a, b = rng.choice(first), rng.choice(second)
            if a is b or (a["calls"][0]["tool"] == b["calls"][0]["tool"] and a["calls"][0]["tool"] not in ("on", "off", "read")):
                continue
            both = joined(rng, a, b, tools, lower)
            if both:
                out.append(both)
        # A sentence that stands twice with different calls tells nothing.
        seen = collections.defaultdict(set)
        for case in out:
            seen[case["text"].lower()].add(json.dumps(case["calls"]))
        out = [c for c in out if len(seen[c["text"].lower()]) == 1]
        rng.shuffle(out)
        base = os.path.join(args.out, f"mix{number:04}")
        with open(base + ".toml", "w", encoding="utf-8") as file:
            file.write(agent(f"mix{number}", home.devices, tools))
        with open(base + ".jsonl", "w", encoding="utf-8") as file:
            for case in out:
                file.write(json.dumps(case, ensure_ascii=False) + "\n")
        for case in out:
            total[case["category"]] += 1
    print(f"{sum(total.values())} requests in {args.worlds} worlds: " + ", ".join(f"{k} {v}" for k, v in total.most_common()))


if __name__ == "__main__":
    main()
