#!/usr/bin/env python3
"""Writes chats.json: conversations as Python's jinja2 renders them with the built-in chat templates.

    make_chats.py > chats.json

Needs jinja2, set up as the `transformers` library sets it up for chat templates.
"""
import datetime
import json
from pathlib import Path

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

TEMPLATES = Path(__file__).parents[2] / "src/prompt/chat/templates"


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def main():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = datetime.datetime(2025, 1, 1).strftime
    parameters = {
        "type": "object",
        "properties": {
            "devices": {"type": "array", "items": {"type": "string", "enum": ["hall light", "é"]}, "description": "devices"},
            "percent": {"type": "number", "minimum": 0, "maximum": 100, "description": "percent"},
        },
        "required": ["devices", "percent"],
    }
    tools = [
        {"type": "function", "function": {"name": "set_level", "description": "sets it's <level>", "parameters": parameters}},
        {"type": "function", "function": {"name": "list", "description": "lists", "parameters": {"type": "object",
                                                                                             "properties": {}, "required": []}}},
    ]
    system = {"role": "system", "content": " You keep a house.\nBe brief. "}
    user = {"role": "user", "content": 'turn it on & "dim"\n'}
    talk = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi there"}, user]
    called = lambda tool, **arguments: {"type": "function", "function": {"name": tool, "arguments": arguments}}
    done = lambda tool, content: {"role": "tool", "name": tool, "content": content}
    one = [user, {"role": "assistant", "content": "", "tool_calls": [called("set_level", devices=["é"], percent=30)]},
           done("set_level", '{"was": 5}'), {"role": "assistant", "content": "Done."}, user]
    two = [user, {"role": "assistant", "content": "", "tool_calls": [called("set_level", devices=["é"]), called("list")]},
           done("set_level", {"is": {"type": "on", "level": [30, True]}}), done("list", "none"), user]
    cases = []
    for path in sorted(TEMPLATES.glob("*.jinja")):
        template = env.from_string(path.read_text())
        for messages, declared in [([user], None), ([system, user], None), ([system, user], tools), ([user], tools),
                                   ([system, *talk], None), ([system, *one], tools), (two, None)]:
            # Not all families have calls and results in their conversations, and only one has results that are no text.
            called_at = "tool_calls" in path.read_text()
            if messages[-len(one):] == one and not called_at or messages is two and path.name != "function-gemma.jinja":
                continue
            expected = template.render(messages=messages, tools=declared, documents=None, add_generation_prompt=True,
                                       enable_thinking=False, bos_token="<s>", eos_token="</s>")
            cases.append(dict(template=path.name, messages=messages, tools=declared, expected=expected))
    print(json.dumps(cases, ensure_ascii=False, indent=1))


main()
