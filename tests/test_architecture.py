"""The house: which rooms may know of which others, how long a file may be, and that every public function says what it does."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {"jobs", "corruptions", "audit"}  # these import nothing of the project but themselves

# Room -> the rooms that it may import, besides itself.
MAY_KNOW: dict[str, set[str]] = {
    "jobs": set(),
    "corruptions": set(),
    "audit": set(),
    "kernels": set(),
    "study": {"jobs", "corruptions"},
    "data": {"jobs", "study"},
    "annotations": {"jobs", "study", "data"},
    "corrupted": {"jobs", "study", "data", "corruptions"},
    "networks": {"jobs", "study", "data", "audit"},
    "compression": {"jobs", "study", "networks", "kernels"},
    "training": {"jobs", "data", "networks", "compression"},
    "estimate": {"jobs", "study", "data", "corruptions", "networks", "compression", "training"},
    "ledger": {"jobs", "study", "data"},
    "tables": {"jobs", "corruptions", "audit", "ledger"},
    "pages": {"jobs", "data", "tables"},
}
LONGEST = 400  # lines of a file; the Triton kernel is one function
LONG = {"kernels/gpu/triton_gemm.py"}
FOLDERS = ("scripts", "kernels", "rules", "benchmarks", "docs")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str | None:
    """The room of a module or file: `scripts/lib/audit/pies.py` and `scripts.lib.audit.pies` are in `audit`; None outside of all rooms."""
    if parts[0] == "kernels":
        return "kernels"
    return parts[2] if parts[:2] == ("scripts", "lib") and len(parts) > 2 else None


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of each import of the project's own modules, wherever in the file it stands."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            modules = [".".join([*above, *([node.module] if node.module else [])])]
            if modules[0] in ("scripts", "scripts.lib"):
                modules = [f"{modules[0]}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, module) for module in modules if module.split(".")[0] in ("scripts", "kernels"))


@pytest.mark.parametrize("room", MAY_KNOW)
def test_a_room_knows_only_the_rooms_below_it(room):
    files = [path for path in SOURCES if room_of(path.relative_to(ROOT).parts) == room]
    assert files
    forbidden = []
    for path in files:
        for line, module in imports_of(path):
            other = room_of(tuple(module.split(".")))
            if other != room and other not in MAY_KNOW[room]:
                forbidden.append(f"{path.relative_to(ROOT)}, line {line}: {room} must not import {module}")
    assert not forbidden, "\n".join(forbidden)


def test_the_table_of_arrows_has_every_room_and_no_circle():
    # A folder that was left may hold bytecode.
    rooms = {path.parent.name for path in (ROOT / "scripts/lib").glob("*/*.py")}
    assert rooms | {"kernels"} == set(MAY_KNOW) and not [path.name for path in (ROOT / "scripts/lib").glob("*.py")]
    assert all(not MAY_KNOW[room] for room in GROUND)
    left = dict(MAY_KNOW)
    while left:
        ground = [room for room, below in left.items() if not below & set(left)]
        assert ground, f"a circle among {sorted(left)}"
        for room in ground:
            del left[room]


def test_whoever_wants_to_contribute_reads_the_same_table():
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| ?([\w, ]*) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    said = {room: set(filter(None, below.strip().split(", "))) for room, below in rows}
    assert said | {"kernels": set()} == MAY_KNOW


def test_a_script_is_called_as_its_rule_and_lies_in_a_folder_called_as_the_file_of_rules():
    """And what two scripts share is in a room: no script imports another."""
    scripts = [path for path in (ROOT / "scripts").glob("*/*.py") if path.parent.name != "lib"]
    assert not list((ROOT / "scripts").glob("*.py"))
    for path in scripts:
        text = (ROOT / "rules" / f"{path.parent.name}.smk").read_text(encoding="utf-8")
        assert f"\nrule {path.stem}:\n" in text and f'"../scripts/{path.parent.name}/{path.name}"' in text, path
        assert all(room_of(tuple(module.split("."))) for _, module in imports_of(path)), f"{path} imports a script"


def test_no_file_is_long():
    files = [*SOURCES, *(ROOT / "rules").glob("*.smk"), ROOT / "Snakefile"]
    lines = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in files}
    assert {name: count for name, count in lines.items() if count > LONGEST and name not in LONG} == {}
    assert max(count for name, count in lines.items() if name.startswith("scripts/lib/pages/")) <= 250


def public_functions(path: Path) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Functions and classes of a module, and methods of its classes, whose names do not begin with an underscore."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (
                    method
                    for method in node.body
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
                )


@pytest.mark.parametrize("folder", ["scripts", "kernels"])
def test_what_is_public_says_what_it_does_and_what_types_it_takes(folder):
    bare = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in public_functions(path):
            if ast.get_docstring(node) is None and node.name not in explained(path.parent):
                bare.append(f"{path.relative_to(ROOT)}, line {node.lineno}: {node.name} has no docstring")
    assert not bare, "\n".join(bare)


@cache
def explained(folder: Path) -> set[str]:
    """Names that need no docstring wherever they are: of methods that torch calls, and those that an interface in the folder explains."""
    methods = {"forward", "extra_repr", "backward"}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases):
                methods |= {
                    each.name for each in node.body if isinstance(each, ast.FunctionDef) and ast.get_docstring(each)
                }
    return methods


def test_mathematics_of_arrays_says_their_shapes():
    """A public function of the audit that takes arrays names a shape, such as votes[K, N] or bool[N], in its docstring."""
    silent = []
    for path in (ROOT / "scripts/lib/audit").glob("*.py"):
        for node in public_functions(path):
            if not isinstance(node, ast.FunctionDef):
                continue
            arrays = [a for a in node.args.args if a.annotation and "ndarray" in ast.unparse(a.annotation)]
            said = ast.get_docstring(node) or ""
            if arrays and not any(word in said for word in ("[", "shape", "broadcast")):
                silent.append(f"{path.relative_to(ROOT)}, line {node.lineno}: {node.name}")
    assert not silent, "\n".join(silent)
