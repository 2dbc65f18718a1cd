# SPDX-License-Identifier: MIT
"""Draws what report.as_json() wrote: each number beside what it may be. The same numbers make the same file."""
import sys

import matplotlib
import matplotlib.ticker

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402

# Light; and what each colour becomes where the reader wants it dark. Every colour is here once, and nowhere else.
PAPER, INK, PALE, GOOD, BAD = "#fdfdfc", "#21262c", "#d3d8de", "#2f7dbd", "#c4552d"
DARK = {PAPER: "#15191e", INK: "#dfe5ec", PALE: "#3a424c", GOOD: "#57a5e4", BAD: "#ee8458"}
SETTINGS = {
    "svg.hashsalt": "libplastiq", "svg.fonttype": "none", "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8,
    "figure.facecolor": PAPER, "axes.facecolor": PAPER, "savefig.facecolor": PAPER, "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": PALE,
}  # fmt: skip


def in_groups(rows):
    groups = list(dict.fromkeys(row["group"] for row in rows))
    return sorted(rows, key=lambda row: groups.index(row["group"]))


def label(row):
    return f"{row['group']}: {row['text']}"


def panel(axes, rows, title, share, said, end):
    """A bar for each row up to share(row), a stroke where its limit is, and the numbers behind. What is too long ends at `end`."""
    for place, row in enumerate(rows):
        value, limit = share(row)
        colour = GOOD if row["verdict"] == "reached" else BAD
        axes.barh(place, max(min(value, end), 0), height=0.62, color=colour, zorder=2)
        axes.plot([limit, limit], [place - 0.42, place + 0.42], color=INK, linewidth=2, solid_capstyle="butt", zorder=3)
        if value > end:
            axes.text(end, place, "… ", va="center", ha="right", color=PAPER, zorder=4)
        axes.text(max(min(value, end), limit) + 0.02 * end, place, said(row), va="center", zorder=4)
    axes.set_yticks(range(len(rows)), [label(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, end * 1.32)
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axes.tick_params(length=0)
    axes.xaxis.grid(True, color=PALE, linewidth=0.6, zorder=0)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def two_faced(svg):
    """Lets the drawing follow a reader who wants it dark. It has paper of its own, so it can be read where nobody asks."""
    rules = "".join(f'[style*="{kind}: {light}"]{{{kind}:{dark}!important}}' for light, dark in DARK.items() for kind in ("fill", "stroke"))
    head, rest = svg.split("<defs>", 1)
    return f"{head}<style>@media (prefers-color-scheme: dark){{{rules}}}</style>\n <defs>{rest}"


def draw(results, path):
    """results: what bench.json has."""
    rows = in_groups([row for row in results["rows"] if row["limit"] is not None and row["value"] is not None])
    ratios = [row for row in rows if row["how"] == "ratio"]
    others = [row for row in rows if row["how"] != "ratio"]
    with plt.rc_context(SETTINGS):
        heights = [max(len(part), 1) for part in (ratios, others)]
        figure, (above, below) = plt.subplots(2, 1, figsize=(11.5, 0.235 * sum(heights) + 1.7), height_ratios=heights, layout="constrained")
        panel(above, ratios, "libplastiq, as a multiple of what it is compared with", lambda row: (row["value"], row["limit"]),
              lambda row: f"{row['value_text']} of {row['limit_text']}, {row['against']}", 4)
        panel(below, others, "What libplastiq takes, as a share of what it may", lambda row: (row["value"] / row["limit"], 1),
              lambda row: f"{row['value_text']} of {row['limit_text']}", 4)
        below.xaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1))
        above.legend(handles=[Patch(color=GOOD, label="reached"), Patch(color=BAD, label="missed"), Line2D([], [], color=INK, linewidth=2, label="limit")],
                     loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=3, frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None, "Title": "libplastiq: what was measured, and what it may be"})
        plt.close(figure)
    svg = two_faced(path.read_text())
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


if __name__ == "__main__":
    import json
    from pathlib import Path

    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
