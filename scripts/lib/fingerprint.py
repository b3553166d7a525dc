"""What a rule's code is: a hash of the syntax trees of its script and of every project file the script imports.

Snakemake's own code trigger compares the modification time of the script alone, so a comment or a fresh checkout would train
everything again and a changed helper nothing. A fingerprint in a rule's params changes when the code does, and only then.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple


def fingerprint(root: Path, *scripts: str) -> str:
    """Twelve hexadecimal digits for some files (relative to the project's root) and all project files they import.

    Comments, blank lines, formatting and docstrings do not count. What is imported by a name that is made at run time has to
    be named.
    """
    digest = hashlib.sha256()
    for source in project_sources(root, *scripts):
        digest.update(f"{source}\n{_code(root, Path(source)).digest}\n".encode())
    return digest.hexdigest()[:12]


@cache
def project_sources(root: Path, *scripts: str) -> tuple[str, ...]:
    """The files and every project file that they import, directly or not, sorted."""
    found: set[str] = set()
    waiting = [Path(script) for script in scripts]
    while waiting:
        source = waiting.pop()
        if source.as_posix() in found:
            continue
        found.add(source.as_posix())
        waiting += _code(root, source).imports
    return tuple(sorted(found))


class Code(NamedTuple):
    """One file: the SHA-256 of its syntax tree, and the project files that its own import statements load."""

    digest: str
    imports: tuple[Path, ...]


@cache  # every rule asks for much the same files, and snakemake reads the rules at every start
def _code(root: Path, source: Path) -> Code:
    tree = ast.parse((root / source).read_text(encoding="utf-8"), filename=str(source))
    imports: list[Path] = []
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports += _files(root, source, node)
    return Code(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(imports))


def _files(root: Path, source: Path, node: ast.Import | ast.ImportFrom) -> list[Path]:
    """The project files that an import statement of `source` loads."""
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        package = source.parent.parts[: len(source.parent.parts) - node.level + 1] if node.level else ()
        parent = ".".join([*package, *([node.module] if node.module else [])])
        modules = [parent, *(f"{parent}.{alias.name}" for alias in node.names)]
    # Importing a.b.c also runs a/__init__.py and a/b/__init__.py.
    candidates = []
    for parts in (module.split(".") for module in modules):
        candidates += [Path(*parts).with_suffix(".py")]
        candidates += [Path(*parts[: depth + 1], "__init__.py") for depth in range(len(parts))]
    return [candidate for candidate in candidates if _is_file(root / candidate)]


_is_file = cache(Path.is_file)
