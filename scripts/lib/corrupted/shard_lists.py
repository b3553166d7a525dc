"""The shards of one corruption in one small file, so that every job that predicts depends on that file and not on each of the shards."""

import json
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256, write_text


def write_shard_list(path: str | Path, files: list[str], manifests: list[str]) -> None:
    """Write the shards' files and manifests with their SHA-256, whose change changes the list; all lie below the list's folder."""
    folder = Path(path).parent
    shards = [
        {
            "file": Path(file).relative_to(folder).as_posix(),
            "manifest": Path(manifest).relative_to(folder).as_posix(),
            "file_sha256": sha256(file),
            "manifest_sha256": sha256(manifest),
        }
        for file, manifest in zip(files, manifests, strict=True)
    ]
    write_text(path, json.dumps(shards, indent=1) + "\n")


def read_shard_lists(paths: list[str]) -> tuple[list[str], list[str]]:
    """The files and the manifests of all shards in some lists; InputError if a list is damaged, or if a shard is another by now."""
    files, manifests = [], []
    for path in paths:
        try:
            shards = json.loads(Path(path).read_text(encoding="utf-8"))
            folder = Path(path).parent
            for shard in shards:
                file, manifest = str(folder / shard["file"]), str(folder / shard["manifest"])
                if sha256(manifest) != shard["manifest_sha256"]:
                    raise InputError(
                        f"{manifest} is not the one that {path} lists: delete {path}, and snakemake makes it again."
                    )
                files.append(file)
                manifests.append(manifest)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    return files, manifests
