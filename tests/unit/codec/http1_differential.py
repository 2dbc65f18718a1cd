#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the HTTP/1 parser and the core's validator with a second reading of the same rules: the grammar of RFC 9112 as regular
expressions over a whole response. Responses are made from parts, good ones and bad ones, from a fixed seed.

http1_differential.py PROGRAM [COUNT [SEED]]: the program is http1_answer.c. The first response on which they differ is printed.
"""
import random
import re
import subprocess
import sys

# ---- the rules ----

VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: " + VALUE + rb")?\r\n", re.S)
FIELD = re.compile(rb"(" + TOKEN + rb"):(" + VALUE + rb")\r\n", re.S)
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;" + VALUE + rb")?\r\n", re.S)
DIGITS = re.compile(rb"[0-9]+")
TIMEOUT = re.compile(rb"timeout=([0-9]+)", re.I)


class Ended(Exception):
    """The response is over, well or not."""


class Response:
    def __init__(self, data, method, max_head, max_body):
        self.data, self.at, self.method = data, 0, method
        self.head_left, self.max_body, self.wire = max_head, max_body, max_head + 2 * max_body
        self.body, self.status, self.version, self.closes, self.timeouts, self.fields = b"", 0, 0, False, [], 0
        self.complete = False

    def outcome(self):
        try:
            self.read()
            self.complete, verdict = True, "PLQ_OK"
        except Ended as ended:
            verdict = ended.args[0]
        reusable = self.complete and not self.closes and self.version == 11 and self.at == len(self.data)
        return verdict, self.at, int(reusable), self.status, self.version, min(self.timeouts, default=-1), self.body

    def line(self, limit, too_long, cut):
        end = self.data.find(b"\n", self.at, self.at + limit)
        if end < 0:
            raise Ended(too_long if len(self.data) - self.at >= limit else cut)
        found, self.at = self.data[self.at:end + 1], end + 1
        return found

    def head_line(self, cut, over):
        line = self.line(8192, "PLQ_E_LIMIT_LINE", cut)
        if len(line) > self.head_left:
            raise Ended(over)
        self.head_left -= len(line)
        if self.at > self.wire:
            raise Ended("PLQ_E_LIMIT_WIRE")
        return line

    def section(self, cut, over):
        """Yields (name, value) up to the empty line."""
        while (line := self.head_line(cut, over)) != b"\r\n":
            if not (match := FIELD.fullmatch(line)):
                raise Ended("PLQ_E_PROTOCOL_FIELD")
            self.fields += 1
            if self.fields > 100:
                raise Ended("PLQ_E_LIMIT_FIELDS")
            yield match[1].lower(), match[2].strip(b" \t")

    def connection(self, value):
        for option in filter(None, (part.strip(b" \t") for part in value.split(b","))):
            self.closes |= option.lower() == b"close" or not re.fullmatch(TOKEN, option)

    def read(self):
        interim, length, chunked = 0, None, False
        cut = "PLQ_E_TRUNCATED_HEAD" if self.data else "PLQ_E_TRUNCATED_NO_RESPONSE"
        while True:
            first = self.data[self.at : self.at + 7]
            foreign = "PLQ_E_PROTOCOL_STATUS_LINE" if first != b"HTTP/1."[: len(first)] else cut
            if not (match := STATUS_LINE.fullmatch(self.head_line(foreign, "PLQ_E_LIMIT_HEAD"))):
                raise Ended("PLQ_E_PROTOCOL_STATUS_LINE")
            self.version, self.status = 10 + int(match[1]), int(match[2])
            if self.status == 101:
                raise Ended("PLQ_E_PROTOCOL_UPGRADE")
            if self.status >= 200:
                break
            interim += 1
            if interim > 8:
                raise Ended("PLQ_E_LIMIT_INTERIM")
            for name, value in self.section(cut, "PLQ_E_LIMIT_HEAD"):
                if name == b"connection":
                    self.connection(value)
        for name, value in self.section(cut, "PLQ_E_LIMIT_HEAD"):
            if name == b"content-length":
                if length is not None or not DIGITS.fullmatch(value) or int(value) >= 1 << 64:
                    raise Ended("PLQ_E_PROTOCOL_CONTENT_LENGTH")
                length = int(value)
            elif name == b"transfer-encoding":
                if chunked or self.version == 10 or value.lower() != b"chunked":
                    raise Ended("PLQ_E_PROTOCOL_TRANSFER_ENCODING")
                chunked = True
            elif name == b"content-encoding":
                if any(part.strip(b" \t").lower() not in (b"", b"identity") for part in value.split(b",")):
                    raise Ended("PLQ_E_PROTOCOL_ENCODING")
            elif name == b"connection":
                self.connection(value)
            elif name == b"keep-alive":
                for part in value.split(b","):
                    if (match := TIMEOUT.fullmatch(part.strip(b" \t"))) and int(match[1]) < 1 << 40:
                        self.timeouts.append(int(match[1]) * 1000)
            if chunked and length is not None:
                raise Ended("PLQ_E_PROTOCOL_TE_CL")
        if self.method == "HEAD" or self.status in (204, 304):
            self.closes |= self.status == 204 and (chunked or bool(length))
        elif chunked:
            self.read_chunks()
        elif length is not None:
            if length > self.max_body:
                raise Ended("PLQ_E_LIMIT_BODY")
            self.take(length, "PLQ_E_TRUNCATED_BODY")
        else:
            self.closes = True
            self.take(min(len(self.data) - self.at, self.max_body), None)
            if self.at < len(self.data):
                raise Ended("PLQ_E_LIMIT_BODY")

    def take(self, count, cut):
        part = self.data[self.at:self.at + count]
        self.body += part
        self.at += len(part)
        if len(part) < count:
            raise Ended(cut)

    def read_chunks(self):
        cut = "PLQ_E_TRUNCATED_CHUNK"
        while True:
            if not (match := CHUNK_LINE.fullmatch(self.line(256, "PLQ_E_LIMIT_CHUNK_EXTENSION", cut))):
                raise Ended("PLQ_E_PROTOCOL_CHUNK")
            size = int(match[1], 16)
            if size > self.max_body - len(self.body):
                raise Ended("PLQ_E_LIMIT_BODY")
            if self.at + (size + 2 if size else 0) > self.wire:
                raise Ended("PLQ_E_LIMIT_WIRE")
            if size == 0:
                break
            self.take(size, cut)
            for byte in b"\r\n":
                if self.at == len(self.data):
                    raise Ended(cut)
                if self.data[self.at] != byte:
                    raise Ended("PLQ_E_PROTOCOL_CHUNK")
                self.at += 1
        for _ in self.section(cut, "PLQ_E_LIMIT_TRAILER"):
            pass


# ---- responses ----

def some(rng, good, bad):
    """One of the good ones; at times a bad one."""
    return rng.choice(good if rng.random() < 0.97 else bad)


def status_line(rng, code):
    version = some(rng, [b"HTTP/1.1 "] * 4 + [b"HTTP/1.0 "], [b"HTTP/1.2 ", b"HTTP/2.0 ", b"http/1.1 ", b" HTTP/1.1 ", b"HTTP/1.1", b"\r\nHTTP/1.1 "])
    return version + code + some(rng, [b" OK", b" ", b"", b" a\tb \xff"], [b"\tOK", b"x", b" \x00", b" a\rb", b"0"]) + end(rng)


def end(rng):
    return some(rng, [b"\r\n"], [b"\n", b"\r\r\n", b"\r", b" \r\n", b""])


def field(rng):
    name = some(rng, [b"Content-Length", b"Transfer-Encoding", b"Connection", b"Keep-Alive", b"Content-Encoding", b"Date", b"X-A", b"C", b"Content-Lengths"],
                [b"", b"A B", b"Content-Length ", b" Content-Length", b"\xc3\xa4", b"X\x00", b"\tX", b"Connection\t", b"Transfer-Encoding\r"])
    value = some(rng, {b"Content-Length": [b"5", b"0", b"11", b"0005"], b"Transfer-Encoding": [b"chunked", b"Chunked"],
                       b"Connection": [b"close", b"keep-alive", b"x, CLOSE", b"", b"a,,b", b"closed"], b"Content-Encoding": [b"identity", b"", b"identity, Identity"],
                       b"Keep-Alive": [b"timeout=5", b"max=3, timeout=7", b"timeout=", b"x"]}.get(name, [b"v", b"", b"a: b", b"\xe4"]),
                 [b"-1", b"5,5", b"gzip", b"chunked, chunked", b"18446744073709551615", b"18446744073709551616", b"a\x00b", b"a\rb", b"\x7f", b"close x", b"+5", b"5 5"])
    name = rng.choice([name, name, name.lower(), name.upper()])
    return name + b":" + rng.choice([b" ", b"", b"\t", b"  "]) + value + rng.choice([b"", b"", b" ", b"\t "]) + end(rng)


def fields(rng, most):
    return b"".join(field(rng) for _ in range(rng.randrange(most + 1)))


def chunk(rng, data):
    size = b"%x" % len(data)
    extension = some(rng, [b"", b"", b"", b";a=b", b" ;a", b";", b";a=\"b;c\""], [b" ", b"x", b";\x00", b";" + b"x" * 300, b";\r", b",a", b"\t"])
    return some(rng, [size, size.upper(), b"0" + size], [b"", b"0" * 9 + size, b"-" + size, b"g", b" " + size]) + extension + end(rng) + data + end(rng)


def body(rng):
    """Chunks, or what may or may not fit a Content-Length."""
    kind = rng.random()
    if kind < 0.5:
        chunks = b"".join(chunk(rng, rng.choice([b"x", b"hello", b"\r\n", b"0\r\n\r\n", b"y" * 30])) for _ in range(rng.randrange(5)))
        return chunks + some(rng, [b"0", b"00", b"0;x"], [b"", b"-0"]) + end(rng) + fields(rng, 1) * (rng.random() < 0.2) + end(rng)
    return b"hello" if kind < 0.8 else rng.choice([b"", b"hello world", b"\r\n", b"x"])


def response(rng):
    code = some(rng, [b"200"] * 6 + [b"204", b"304", b"404", b"503", b"205"], [b"099", b"600", b"20", b"2x0", b"101", b"2000"])
    data = b"".join(status_line(rng, b"10%d" % rng.choice([0, 2, 3])) + fields(rng, 2) + end(rng) for _ in range(rng.choice([0, 0, 0, 1, 2, 9])))
    framing = rng.choice([b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
    data += status_line(rng, code) + fields(rng, 1) + framing + fields(rng, 2) * (rng.random() < 0.3) + end(rng) + body(rng)
    if rng.random() < 0.02:
        data = data.replace(b"X-A:", b"X-A:" + b"x" * rng.choice([8180, 8185, 8186, 8187, 8188, 9000]))
    if rng.random() < 0.02:
        data = data.replace(b"Date:", b"Date:\r\n" * rng.choice([97, 98, 99, 100, 101]))
    if rng.random() < 0.1 and data:
        at = rng.randrange(len(data))
        data = data[:at] + rng.choice([b"", b"\r", b"\n", b"\x00", b" ", bytes([rng.randrange(256)])]) + data[at + rng.randrange(2):]
    if rng.random() < 0.1:
        data = data[:rng.randrange(len(data) + 1)]
    return data + rng.choice([b"", b"", b"", b"", b"x", b"HTTP/1.1 200 OK\r\n"])


def main():
    program, arguments = sys.argv[1], sys.argv[2:]
    count = int(arguments[0]) if arguments else 40000
    seed = int(arguments[1]) if arguments[1:] else 1
    rng = random.Random(seed)
    cases = []
    for _ in range(count):
        limits = (32768, 1048576) if rng.random() < 0.7 else (rng.randrange(1, 300), rng.randrange(1, 60))
        cases.append((response(rng), rng.choice(["POST", "POST", "POST", "HEAD"]), *limits))
    asked = "".join(f"{method} {head} {most} {data.hex()}.\n" for data, method, head, most in cases)
    done = subprocess.run([program], input=asked, capture_output=True, text=True)
    answers = done.stdout.splitlines()
    if done.returncode != 0 or len(answers) != count:
        sys.exit(f"{program} ended with {done.returncode} after {len(answers)} of {count} answers\n{done.stderr}")
    seen = {}
    for case, answer in zip(cases, answers):
        verdict, taken, *rest, got_body = answer.rstrip(".").split(" ")
        got = (verdict, int(taken), *map(int, rest), bytes.fromhex(got_body))
        want = Response(*case).outcome()
        seen[want[0]] = seen.get(want[0], 0) + 1
        ok = got == want if want[0] == "PLQ_OK" else (got[0], got[2], got[6]) == (want[0], want[2], want[6])
        if not ok:
            sys.exit(f"{case[1]}, {case[2]} and {case[3]} bytes allowed:\n{case[0]!r}\nthe parser says {got}\nthe grammar    {want}")
    print(*(f"{number:6} {verdict}" for verdict, number in sorted(seen.items())), sep="\n")
    if len(seen) < 20 or seen["PLQ_OK"] < count / 10:
        sys.exit("these responses try too little")


if __name__ == "__main__":
    main()
