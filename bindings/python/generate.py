#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes what the library's tables in core/tables decide for this package: raw declarations, options, events, operations.

The results are committed, so that a wheel can be built without the tables. generate.py writes them; generate.py --check fails if
any differs.
"""

import re
import sys
import textwrap
from pathlib import Path

import tomllib

HERE = Path(__file__).resolve().parent
TABLES = HERE.parents[1] / "core/tables"
MADE = "Made by bindings/python/generate.py from core/tables/{0}: change that."
# Those of plugins, and the one that would have the library call into Python.
LEFT_OUT = {"plq_transport_register_static", "plq_client_observe"}
EVENT_TYPES = {"i32": "int", "i64": "int", "u64": "int", "str": "str"}
OPTION_KINDS = {"choice": "text", "ms": "int"}
OPTION_TYPES = {
    "text": "str",
    "path": "str | os.PathLike[str]",
    "secret": "str | bytes | bytearray",
    "bool": "bool",
    "int": "int",
    "ms": "int",
    "list": "str | Sequence[str] | Sequence[int]",
}


def load(name):
    with open(TABLES / name, "rb") as file:
        return tomllib.load(file)


def python_head(*tables, doc):
    return (
        "# SPDX-License-Identifier: MIT\n# "
        + MADE.format(" and ".join(tables))
        + f'\n"""{doc}"""\n\nfrom __future__ import annotations\n\n'
    )


def camel(name):
    return "".join(part.capitalize() for part in re.split(r"[._]", name))


def text_block(text, indent, width=116):
    pad = " " * indent
    return textwrap.fill(text, width, initial_indent=pad, subsequent_indent=pad)


# ---- C ----


def declarations(abi, status):
    functions = [f for f in abi["function"] if f["name"] not in LEFT_OUT]
    types = {argument[1] for f in functions for argument in f["args"]} | {f["result"] for f in functions}
    own = {name for text in types for name in re.findall(r"\bplq_\w+\b", text)}
    out = [
        "/* SPDX-License-Identifier: MIT */",
        "/* " + MADE.format("abi.toml and status.toml") + " The compiler checks it against the headers. */",
    ]
    out += [f"typedef uint64_t {name};" for name in sorted(own) if name.endswith("_id")]
    out += [f"typedef struct {name} {name};" for name in sorted(own) if not name.endswith("_id")]
    for f in functions:
        arguments = ", ".join(f"{kind}{'' if kind.endswith('*') else ' '}{name}" for name, kind, _ in f["args"]) or "void"
        out.append(f"{f['result']}{'' if f['result'].endswith('*') else ' '}{f['name']}({arguments});")
    out += [f"#define {name} ..." for name in ("PLQ_ABI_MAJOR", "PLQ_ABI_MINOR", "PLQ_MESSAGE_VERSION", "PLQ_NO_AMBIENT")]
    out += [f"#define {'PLQ_OK' if key == 'ok' else 'PLQ_E_' + key.upper()} ..." for key in status["status"]]
    return "\n".join(out) + "\n"


# ---- options ----


def options(table):
    out = python_head("options.toml", doc="Options of a client, for type checkers.")
    out += "import os\nfrom collections.abc import Sequence\nfrom typing import Literal, TypedDict\n\n\n"
    out += 'class Options(TypedDict, total=False):\n    """Every option that a client takes by keyword. docs/options.md has defaults and limits."""\n'
    for option in table["option"]:
        kind = (
            "Literal[" + ", ".join(f'"{choice}"' for choice in option["choices"]) + "]"
            if option["type"] == "choice"
            else OPTION_TYPES[option["type"]]
        )
        out += f"\n    {option['name']}: {kind} | None\n" + text_block('"""' + option["doc"] + '"""', 4) + "\n"
    kinds = "".join(f'    "{option["name"]}": "{OPTION_KINDS.get(option["type"], option["type"])}",\n' for option in table["option"])
    return out + f"\n\nKINDS = {{\n{kinds}}}\n"


# ---- events ----


def events(table):
    out = python_head(
        "events.toml", doc="What observers are told. An event is a plain dict: its name under ``event``, its fields under theirs."
    )
    out += "from collections.abc import Callable\nfrom typing import Any, Literal, Protocol, TypedDict, Union, overload\n\n\n"
    out += "class _Common(TypedDict):\n"
    out += "".join(
        f"    {row['name']}: {EVENT_TYPES[row['type']]}\n" + text_block('"""' + row["doc"] + '"""', 4) + "\n" for row in table["common"]
    )
    for event in table["event"]:
        out += f"\n\nclass {camel(event['name'])}(_Common):\n" + text_block('"""' + event["doc"] + '"""', 4) + "\n\n"
        out += f'    event: Literal["{event["name"]}"]\n'
        out += "".join(
            f"    {name}: {EVENT_TYPES[kind]}\n" + text_block('"""' + doc + '"""', 4) + "\n" for name, kind, doc in event["field"]
        )
    classes = [camel(event["name"]) for event in table["event"]]
    out += (
        "\n\nEvent = Union["
        + ", ".join(classes)
        + "]\n\nNAMES = (\n"
        + "".join(f'    "{event["name"]}",\n' for event in table["event"])
        + ")\n"
    )
    out += '\n\nclass Observation(Protocol):\n    """An observer that is told of events until it is stopped, or its ``with`` block is left."""\n\n'
    out += (
        "    def stop(self) -> None: ...\n    def __enter__(self) -> Observation: ...\n    def __exit__(self, *exc: object) -> None: ...\n"
    )
    out += "\n\nclass Observable:\n    # What a client has on top of the overloads.\n"
    out += (
        "    def _observe(self, event: str | None, function: Callable[[Any], object]) -> Observation:\n        raise NotImplementedError\n"
    )
    for event in table["event"]:
        out += f'\n    @overload\n    def observe(self, event: Literal["{event["name"]}"], function: Callable[[{camel(event["name"])}], object]) -> Observation: ...\n'
    out += "\n    @overload\n    def observe(self, event: None, function: Callable[[Event], object]) -> Observation: ...\n"
    out += '''
    def observe(self, event: str | None, function: Callable[[Any], object]) -> Observation:
        """Tells a function of one kind of event, or with None of all, for calls that begin from now on.

        It is called with a dict, in the order in which things happened, when the call that it belongs to is over, on the thread
        that made the call or in its event loop. What it raises is logged (logger "plastiq") and does not change the call. No
        token, secret, header or body is in an event.
        """
        return self._observe(event, function)
'''
    return out


# ---- operations ----


def all_fields(table):
    by_name = {row["name"]: row for row in table["operation"]}
    for row in table["operation"]:
        origin = by_name[row["like"]] if "like" in row else row
        life = row.get("life_ms")
        yield (
            row,
            origin["field"],
            [dict(result, **({"life_ms": life} if life and result["type"] == "secret" else {})) for result in origin["result"]],
        )


def field_type(field):
    if field["rule"] == "choice":
        return "Literal[" + ", ".join(f'"{choice}"' for choice in field["choices"]) + "] | None"
    return {
        "uuid": "str | uuid.UUID | None",
        "uuid4": "str | uuid.UUID | None",
        "ip": "str | ipaddress.IPv4Address | ipaddress.IPv6Address | None",
    }.get(field["rule"], "str | None")


COMMON = (
    ("headers", "Headers | None", "Further headers: a mapping, or a list of Header where some are sensitive."),
    ("extra", "Mapping[str, Any] | None", "Members of the body that the library does not know."),
    ("timeout_ms", "int | None", "Deadline of this call, repeats included, in place of the client's; -1: none."),
    ("max_repeats", "int | None", "How often this call is repeated at most, in place of the client's."),
    ("with_attempts", "bool", "Puts what happened in each attempt into the response. An error has it always."),
)
CANCEL = ("cancel", "CancelToken | None", "Cancels the call from another thread.")


def method(row, fields, results, group, is_async):
    name = row["name"].partition(".")[2]
    common = COMMON if is_async else (*COMMON, CANCEL)
    result = camel(row["name"]) + "Response"
    out = f"\n    {'async ' if is_async else ''}def {name}(\n        self,\n        *,\n"
    out += "".join(f"        {f['name'].replace('.', '_')}: {field_type(f)} = None,\n" for f in fields)
    out += "".join(f"        {key}: {kind} = {'False' if kind == 'bool' else 'None'},\n" for key, kind, _ in common)
    out += f"    ) -> {result}:\n"
    out += text_block('"""' + row["doc"], 8) + "\n\n"
    for key, doc in [(f["name"].replace(".", "_"), f["doc"]) for f in fields] + [(key, doc) for key, _, doc in common]:
        out += textwrap.fill(f":param {key}: {doc}", 116, initial_indent=" " * 8, subsequent_indent=" " * 12) + "\n"
    out += '        """\n        params: dict[str, Any] = {}\n'
    for f in fields:
        key = f["name"].replace(".", "_")
        out += f'        if {key} is not None:\n            params["{f["name"]}"] = {key}\n'
    wait = "await " if is_async else ""
    extra = "" if is_async else ", cancel"
    out += f'        message = build("{row["name"]}", params, headers, extra, timeout_ms, max_repeats, with_attempts)\n'
    out += f"        return {wait}self._client._run(message, {result}{extra})\n"
    return out


def operations(table):
    rows = list(all_fields(table))
    out = python_head("operations.toml", doc="Operations of the API, by name and with types.")
    out += "import ipaddress\nimport uuid\nfrom collections.abc import Mapping\nfrom typing import TYPE_CHECKING, Any, Literal\n\n"
    out += "from ._message import Headers, Response, build\nfrom ._secret import Secret\n\n"
    out += "if TYPE_CHECKING:\n    from ._aio import AsyncClient\n    from ._client import CancelToken, Client\n\n\n"
    for row, _, results in rows:
        out += (
            f"class {camel(row['name'])}Response(Response):\n"
            + text_block(f'"""What ``{row["name"]}`` answered."""', 4)
            + "\n\n    __slots__ = ()\n"
        )
        for result in results:
            kind = {"secret": "Secret", "text": "str"}[result["type"]]
            life = f" It lives {result['life_ms'] // 1000} seconds." if "life_ms" in result else ""
            out += f"\n    @property\n    def {result['name']}(self) -> {kind}:\n" + text_block(f'"""{result["doc"]}{life}"""', 8) + "\n"
            out += f'        value: {kind} = self.results["{result["name"]}"]\n        return value\n'
        out += "\n\n"
    groups = {}
    for row, fields, results in rows:
        groups.setdefault(row["name"].partition(".")[0], []).append((row, fields, results))
    for group, members in groups.items():
        for is_async in (False, True):
            name = ("Async" if is_async else "") + camel(group)
            out += f'class {name}:\n    """Operations ``{group}.*``{", in an event loop" if is_async else ""}."""\n\n    __slots__ = ("_client",)\n\n'
            out += f"    def __init__(self, client: {'AsyncClient' if is_async else 'Client'}) -> None:\n        self._client = client\n"
            out += "".join(method(row, fields, results, group, is_async) for row, fields, results in members) + "\n\n"
    return out.rstrip("\n") + "\n"


def main():
    abi, status = load("abi.toml"), load("status.toml")
    files = {
        "native/declarations.h": declarations(abi, status),
        "src/plastiq/_options.py": options(load("options.toml")),
        "src/plastiq/events.py": events(load("events.toml")),
        "src/plastiq/_operations.py": operations(load("operations.toml")),
    }
    stale = [name for name, text in files.items() if not (HERE / name).is_file() or (HERE / name).read_text() != text]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"bindings/python/{name} is not what the tables say: run bindings/python/generate.py")
        return 1 if stale else 0
    for name in stale:
        (HERE / name).write_text(files[name])
        print(f"wrote bindings/python/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
