"""Our own YAML files, read at every start of snakemake and so by the fast parser where PyYAML was built with it."""

from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """What a file says; both loaders build plain values only."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
