"""Draw the rules of the demo's study, stage by stage, into rules.md: `make rulegraph`.

Arrows are those of `snakemake --rulegraph`, without the ones that a longer way of arrows implies. `all` is left out.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "rules.md"
HEAD = """# The rules

The rules of the demo's study, stage by stage; `rules/` and `scripts/` have the same stages. Behind each rule stand those whose files it reads. Where
Mermaid's pictures are drawn, as on GitHub, the arrows of one say the same. Made by `make rulegraph`; do not edit.

"""
STAGES = (
    "data",
    "corrupt",
    "train",
    "compress",
    "predict",
    "audit",
    "compare",
    "publish",
    "estimate",
    "plan",
    "share",
)  # as the Snakefile includes them


def arrows() -> set[tuple[str, str]]:
    """(rule that makes, rule that reads), as snakemake sees them."""
    command = [Path(sys.executable).with_name("snakemake"), "--rulegraph", "mermaid-js"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    rules = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]$", text, flags=re.MULTILINE))
    found = re.findall(r"^\s*(id\d+) --> (id\d+)$", text, flags=re.MULTILINE)
    return {(rules[made], rules[read]) for made, read in found if rules[read] != "all"}


def direct(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges of a graph without circles that no longer way implies."""
    after: dict[str, set[str]] = {}
    for start, end in edges:
        after.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        return {far for end in after.get(start, ()) for far in {end, *reached(end)}}

    return {(start, end) for start, end in edges if not any(end in reached(way) for way in after[start] if way != end)}


def stages() -> dict[str, str]:
    """The stage of each rule, in the order of the files."""
    return {
        rule: stage
        for stage in STAGES
        for rule in re.findall(r"^rule (\w+):", (ROOT / f"rules/{stage}.smk").read_text(), flags=re.MULTILINE)
    }


def drawn(edges: set[tuple[str, str]]) -> str:
    """The graph in Mermaid's words, a box for each stage."""
    stage_of = stages()
    shown = {rule for edge in edges for rule in edge}
    lines = ["flowchart LR"]
    for stage in STAGES:
        lines.append(
            f'  subgraph {stage}_rules["{stage}.smk"]'
        )  # stages and rules share names, and Mermaid's boxes must not
        lines += [f"    {rule}" for rule, its in stage_of.items() if its == stage and rule in shown]
        lines.append("  end")
    lines += [f"  {start} --> {end}" for start, end in sorted(edges)]
    return "\n".join(lines)


def listed(edges: set[tuple[str, str]]) -> str:
    """The same as a table, for readers without a picture."""
    shown = {rule for edge in edges for rule in edge}
    lines = ["| stage | rule | reads what these made |", "|---|---|---|"]
    for rule, stage in stages().items():
        if rule in shown:
            made = ", ".join(f"`{start}`" for start, end in sorted(edges) if end == rule)
            lines.append(f"| {stage} | `{rule}` | {made or '–'} |")
    return "\n".join(lines)


def page() -> str:
    """The text of rules.md."""
    edges = direct(arrows())
    return f"{HEAD}```mermaid\n{drawn(edges)}\n```\n\n{listed(edges)}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
