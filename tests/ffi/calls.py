#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the table of calls that the harness makes: what core/tables/abi.toml says of each function, in C.

calls.py SOURCE-FOLDER OUTPUT. A type or a form of argument that the harness does not know is an error: a function must not be left out.
"""
import re
import sys
import tomllib
from pathlib import Path

KINDS = ["options", "request", "response", "secret", "error", "attempts", "completion", "table", "transports"]
HANDLES = ["client", "call", "queue", "secret"]
NUMBERS = {"int32_t": 4, "uint32_t": 4, "int": 4, "int64_t": 8, "uint64_t": 8, "size_t": "sizeof(size_t)"}
SIGNED = {"int32_t", "int", "int64_t"}
# Their int32_t is no status, or not the status of this call.
NO_STATUS = {"plq_status_kind", "plq_status_phase", "plq_error_status", "plq_error_kind", "plq_error_phase", "plq_error_delivery",
             "plq_error_repeatable", "plq_error_http_status", "plq_response_http_status", "plq_completion_status"}


def number(c_type):
    return "FFI_" + ("I" if c_type in SIGNED else "U") + {4: "32", 8: "64"}.get(NUMBERS[c_type], "SIZE")


def kind_of(c_type):
    """The kind of an object behind a pointer, such as const plq_error *; None if it is none."""
    found = re.fullmatch(r"(?:const )?plq_(\w+) \*", c_type)
    return f"KIND_{found[1].upper()}" if found and found[1] in KINDS else None


def handle_of(c_type):
    found = re.fullmatch(r"plq_(\w+)_id", c_type)
    return f"KIND_{found[1].upper()}_ID" if found and found[1] in HANDLES else None


def pointed(c_type):
    return c_type.removesuffix("*").rstrip()


def argument(function, args, index):
    """role, kind, how wide what it points to is, how it is passed."""
    name, c_type, ownership = args[index]
    following = args[index + 1] if index + 1 < len(args) else (None, None, None)
    measured = following[1] in ("size_t", "uint32_t") and following[2] == "value"  # its length, or the room in it
    form = (ownership, c_type, measured)
    if ownership == "value" and c_type in NUMBERS:
        return "NUMBER", 0, 0, number(c_type)
    if ownership == "value" and handle_of(c_type):
        return "HANDLE", handle_of(c_type), 0, "FFI_U64"
    if ownership == "value" and c_type in ("plq_observer_fn", "plq_transport_entry_fn"):
        return ("OBSERVER" if c_type == "plq_observer_fn" else "ENTRY"), 0, 0, "FFI_POINTER"
    if ownership in ("borrowed", "owned") and kind_of(c_type):
        return ("OBJECT" if ownership == "borrowed" else "OWNED"), kind_of(c_type), 0, "FFI_POINTER"
    if form == ("owned", "uint8_t *", True):
        return "OWNED", "KIND_REPLY", 0, "FFI_POINTER"
    if form in (("borrowed", "const char *", True), ("copied", "const char *", True)):
        return "TEXT", 0, 1, "FFI_POINTER"
    if form == ("borrowed", "const uint8_t *", True):
        return "BYTES", 0, 1, "FFI_POINTER"
    if ownership == "borrowed" and c_type == "void *":
        return ("MEMORY" if measured else "CONTEXT"), 0, 1, "FFI_POINTER"
    if ownership == "out_value" and handle_of(pointed(c_type)):
        return "OUT_HANDLE", handle_of(pointed(c_type)), 8, "FFI_POINTER"
    if form in (("out_value", "char *", True), ("out_value", "uint8_t *", True), ("out_value", "int64_t *", True)):
        return "ROOM", 0, 8 if "64" in c_type else 1, "FFI_POINTER"
    if ownership == "out_value" and pointed(c_type) in NUMBERS:
        return "OUT_NUMBER", 0, NUMBERS[pointed(c_type)], "FFI_POINTER"
    if ownership == "out_borrowed" and c_type == "const char **":
        return "OUT_TEXT", 0, "sizeof(void *)", "FFI_POINTER"
    if ownership == "out_owned" and kind_of(pointed(c_type)):
        return "OUT_OBJECT", kind_of(pointed(c_type)), "sizeof(void *)", "FFI_POINTER"
    if ownership == "out_owned" and c_type == "uint8_t **" and following[:2] == [f"{name}_len", "size_t *"]:
        return "OUT_OBJECT", "KIND_REPLY", "sizeof(void *)", "FFI_POINTER"
    sys.exit(f"abi.toml: {function}: the harness does not know an argument of the form [{name}, {c_type}, {ownership}]")


def arguments(function, args):
    rows = []
    for index in range(len(args)):
        row = argument(function, args, index)
        if rows and (rows[-1][0] in ("TEXT", "BYTES", "MEMORY", "ROOM") or rows[-1][:2] == ("OWNED", "KIND_REPLY")):
            row = ("LENGTH", *row[1:])  # chosen with the pointer in front of it
        rows.append(row)
    return rows


def result(function, c_type):
    """what it is, kind, how it is passed."""
    if c_type == "void":
        return "RESULT_VOID", 0, "FFI_VOID"
    if c_type == "int32_t" and function not in NO_STATUS:
        return "RESULT_STATUS", 0, "FFI_I32"
    if c_type in NUMBERS:
        return "RESULT_NUMBER", 0, number(c_type)
    if c_type == "const char *":
        return "RESULT_TEXT", 0, "FFI_POINTER"
    if kind_of(c_type):
        return ("RESULT_BORROWED" if c_type.startswith("const") else "RESULT_OWNED"), kind_of(c_type), "FFI_POINTER"
    sys.exit(f"abi.toml: {function}: the harness does not know the result {c_type}")


def main():
    functions = tomllib.loads((Path(sys.argv[1]) / "core/tables/abi.toml").read_text())["function"]
    out = ["/* SPDX-License-Identifier: MIT */", "/* Made by tests/ffi/calls.py from core/tables/abi.toml. */"]
    for function in functions:
        name, args = function["name"], function["args"]
        out.append(f'{{"{name}", {", ".join(map(str, result(name, function["result"])))}, {len(args)}, {{')
        for (arg, _, _), (role, kind, width, passed) in zip(args, arguments(name, args)):
            out.append(f'  {{"{arg}", ROLE_{role}, {kind}, {width}, {passed}}},')
        out.append("}}," if args else "  {NULL, 0, 0, 0, 0}}},")
    Path(sys.argv[2]).write_text("\n".join(out) + "\n")


main()
