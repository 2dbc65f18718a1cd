# SPDX-License-Identifier: MIT
"""Manual pages from the pages in docs, so that there is one text. Knows the Markdown that is written here, no more.

A table becomes a list whose tags are the first column; the column `meaning` comes first, the others with their heading in front.
"""
import re

# Pages that link to each other, by the last part of a link.
REFERENCES = {"command-line.md": ("plastiq", 1), "emulator.md": ("plastiq-emulator", 1), "conformance.md": ("plastiq-transport-check", 1),
              "options.md": ("plastiq-options", 5), "README.md": ("libplastiq", 3)}
# What other manuals call these sections.
SECTIONS = {"Exit codes": "EXIT STATUS"}


def escape(text):
    """Text as it is: no character of it means anything to roff, and a hyphen can be pasted into a shell."""
    for character, code in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti")):
        text = text.replace(character, code)
    return text.replace("…", "...").replace("→", "\\(->").replace("·", "\\(bu")


def link(match):
    text, name = match[1], match[2].split("#")[0].rsplit("/", 1)[-1]
    page = REFERENCES.get(name)
    if page is None:
        return text
    shown = f"**{page[0]}**({page[1]})"
    return shown if text.endswith(".md") else f"{text} ({shown})"


def inline(text, bold="B"):
    """Code and **strong** become bold, *emphasis* italic, and a link its text, or the manual page that it leads to."""
    out = []
    for i, part in enumerate(re.split(r"`([^`]*)`", re.sub(r"\[([^\]]*)\]\(([^)]*)\)", link, text))):
        part = escape(part.replace("\\|", "|"))
        if i % 2:
            out.append(f"\\f{bold}{part}\\fR")
        else:
            part = re.sub(r"\*\*([^*]+)\*\*", r"\\fB\1\\fR", part)
            out.append(re.sub(r"\*([^*\s][^*]*)\*", r"\\fI\1\\fR", part))
    return "".join(out)


def lines_of(text):
    """A line of text must not begin as a request does."""
    return re.sub(r"^(?=[.'])", r"\\&", text)


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def sentence(text):
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+ ", text) else text


def table(rows):
    head, out = cells(rows[0]), []
    for row in rows[2:]:
        tag, *rest = cells(row)
        named = [(name, text) for name, text in zip(head[1:], rest) if text]
        named.sort(key=lambda pair: pair[0] != "meaning")
        said = [sentence(text) if name in ("", "meaning") or len(head) == 2 else f"{name[:1].upper() + name[1:]}: {text}" for name, text in named]
        body = " ".join(text if text.endswith((".", "?", "!")) or i + 1 == len(said) else text + "." for i, text in enumerate(said))
        out += [".TP", lines_of(inline(tag)), lines_of(inline(body)) or "\\&"]
    return out + [".PP"]


def convert(markdown, sections=None):
    """The body of a page: what stands before the first heading is its description. `sections`: only these, and the description ends with
    its example."""
    out, paragraph, lines, wanted = [".SH DESCRIPTION"], [], re.sub(r"<!--.*?-->\n", "", markdown, flags=re.S).split("\n"), True
    at = 0

    def flush():
        if paragraph:
            out.append(lines_of(inline(" ".join(paragraph))))
            paragraph.clear()

    while at < len(lines):
        line = lines[at]
        at += 1
        heading = re.match(r"(##+) (.*)", line)
        if heading:
            flush()
            name = heading[2]
            if heading[1] == "##":
                wanted = sections is None or name in sections
                title = SECTIONS.get(name, name if name.startswith("plastiq ") else name.upper())
            if wanted:
                out.append(f'.SH "{escape(title)}"' if heading[1] == "##" else f'.SS "{inline(name)}"')
        elif line.startswith("# ") or not wanted:
            continue
        elif line.startswith("```"):
            flush()
            end = lines.index("```", at)
            out += [".PP", ".RS 4", ".EX", *(lines_of(escape(code)) for code in lines[at:end]), ".EE", ".RE", ".PP"]
            at = end + 1
            wanted = sections is None or len([other for other in out if other.startswith(".SH")]) > 1
        elif line.startswith("|"):
            flush()
            end = next((i for i in range(at, len(lines)) if not lines[i].startswith("|")), len(lines))
            out += table(lines[at - 1:end])
            at = end
        elif re.match(r"- |\d+\. ", line):
            flush()
            out.append(".IP \\(bu 3" if line.startswith("-") else f".IP {line.split()[0]} 4")
            paragraph.append(line.split(" ", 1)[1])
        elif not line:
            flush()
            out.append(".PP")
        else:
            paragraph.append(line.strip())
    flush()
    return out


def tidy(lines):
    """Without paragraphs that are empty."""
    out = []
    for i, line in enumerate(lines):
        following = next((other for other in lines[i + 1:] if other != ".PP"), ".SH")
        if line == ".PP" and (out[-1][:3] in (".PP", ".SH", ".SS") or following[:3] in (".SH", ".SS", ".TP", ".IP")):
            continue
        out.append(line)
    return out


def page(name, section, what, source, synopsis, body, see_also):
    out = [f'.\\" SPDX-License-Identifier: MIT\n.\\" Made by tools/generate from {source}: change that.',
           f'.TH {name.upper()} {section} "" libplastiq', ".SH NAME", f"{escape(name)} \\- {escape(what)}", ".SH SYNOPSIS"]
    for i, line in enumerate(synopsis):
        out += [".br"] * (i > 0) + [lines_of(inline(line))]
    out += body + [".SH SEE ALSO"]
    out += [f".BR {escape(other)} ({number})" + ("," if i + 1 < len(see_also) else "") for i, (other, number) in enumerate(see_also)]
    return "\n".join(tidy(out)) + "\n"
