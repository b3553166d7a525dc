"""What a rule's code is: a hash of the syntax trees of its script and of every project file the script imports.

Snakemake's own code trigger compares the modification time of the script alone, so a comment or a fresh checkout would train
everything again and a changed helper nothing. A fingerprint in a rule's params changes when the code does, and only then.
"""

import ast
import hashlib
import json
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text


def fingerprint(root: Path, *scripts: str) -> str:
    """Twelve hexadecimal digits for some files (relative to the project's root) and all project files they import.

    Comments, blank lines, formatting and docstrings do not count. What is imported by a name that is made at run time has to
    be named.
    """
    digest = hashlib.sha256()
    for source in project_sources(root, *scripts):
        digest.update(f"{source}\n{_code(root, source).digest}\n".encode())
    return digest.hexdigest()[:12]


@cache
def project_sources(root: Path, *scripts: str) -> tuple[str, ...]:
    """The files and every project file that they import, directly or not, sorted."""
    found: set[str] = set()
    waiting = list(scripts)
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            waiting += _code(root, source).imports
    return tuple(sorted(found))


class Code(NamedTuple):
    """One file: the SHA-256 of its syntax tree, and the project files that its own import statements load."""

    digest: str
    imports: tuple[str, ...]  # relative to the project's root


@cache  # every rule asks for much the same files, and snakemake reads the rules at every start
def _code(root: Path, source: str) -> Code:
    """The file's code, out of `__pycache__` where it was put for these very bytes at this place: to parse all files takes longer than to start."""
    path = root / source
    content = path.read_bytes()
    key = hashlib.sha256(f"{source}\n".encode() + content).hexdigest()
    kept = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.syntax.json"
    try:
        found = json.loads(kept.read_bytes())
        known = found["source"] == key
    except (OSError, ValueError, TypeError, KeyError):
        known = False
    if not known:
        digest, modules = _syntax(content, Path(source))
        found = {"source": key, "digest": digest, "modules": modules}
        with suppress(OSError, InputError):  # somebody else's folder, or a full disk: then it is parsed again
            write_text(kept, json.dumps(found))
    return Code(
        found["digest"], tuple(dict.fromkeys(file for module in found["modules"] for file in _files(root, module)))
    )


def _syntax(content: bytes, source: Path) -> tuple[str, list[str]]:
    """SHA-256 of the syntax tree without docstrings, and the modules that the import statements may load, sorted."""
    tree = ast.parse(content, filename=str(source))
    modules: set[str] = set()
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            package = source.parent.parts[: len(source.parent.parts) - node.level + 1] if node.level else ()
            parent = ".".join([*package, *([node.module] if node.module else [])])
            modules.update([parent, *(f"{parent}.{alias.name}" for alias in node.names)])
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), sorted(modules)


@cache  # most files import much the same
def _files(root: Path, module: str) -> tuple[str, ...]:
    """The project files that importing a module runs; importing a.b.c also runs a/__init__.py and a/b/__init__.py."""
    parts = module.split(".")
    if not _is_there(root / parts[0]):  # it is no module of ours
        return ()
    packages = ("/".join([*parts[: depth + 1], "__init__.py"]) for depth in range(len(parts)))
    return tuple(file for file in ("/".join(parts) + ".py", *packages) if _is_there(root / file))


_is_there = cache(Path.exists)
