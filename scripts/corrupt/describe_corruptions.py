"""Finish a folder of corrupted images: labels or links, and the manifest that says what all of it is and vouches for it."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.lib.corrupted.layouts import ARRAYS, FOLDERS, VARIANTS, class_folders, listed_files
from scripts.lib.corrupted.subset import Chosen, load_chosen
from scripts.lib.corrupted.variants import CLEAN
from scripts.lib.corruptions import FAMILIES, OWN_SOURCE
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing, sha256, write_text
from scripts.lib.jobs.job import logged

SEED = "none but the names: 128 bits of blake2b over [dataset, corruption, severity, example id] seed each image"


@dataclass(frozen=True)
class Made:
    """What was made of one corruption: its files (one array, or a list of JPEGs for each shard) and their manifests."""

    corruption: str
    files: list[str]
    manifests: list[dict]

    @property
    def family(self) -> str:
        """The published archive that the corruption belongs to."""
        return next((family for family, members in FAMILIES.items() if self.corruption in members), CLEAN)


def read_made(files: list[str], manifests: list[str], chosen_sha256: str) -> list[Made]:
    """One entry a corruption; InputError unless every file is what its manifest says, made from the chosen examples."""
    made: dict[str, Made] = {}
    for file, path in zip(files, manifests, strict=True):
        manifest = load_manifest(path)
        if manifest["examples_sha256"] != chosen_sha256:
            raise InputError(f"{path} was made from other examples: delete it, and snakemake makes it again.")
        if sha256(file) != manifest["file_sha256"]:
            raise InputError(
                f"{file} is not the file that its manifest describes: delete it, and snakemake makes it again."
            )
        entry = made.setdefault(manifest["corruption"], Made(manifest["corruption"], [], []))
        entry.files.append(file)
        entry.manifests.append(manifest)
    return list(made.values())


def describe_constants(constants: dict | None, severity: int, image_size: int) -> dict:
    """Whose constants were used for a severity, and which they are; image_size: the shorter side, in pixels."""
    if severity == 0:
        return {}
    if constants is None:
        return {"table": "those of the package imagecorruptions: ImageNet-C, 224 pixels, at every size"}
    exact = constants["table"] == image_size
    why = "official" if exact else f"the nearest to {image_size} pixels, for which there is no official table"
    if constants["source"] == OWN_SOURCE:
        why = "published nowhere"
    return {
        "table": f"{constants['table']} pixels ({constants['source']}): {why}",
        "constants": constants["severities"][severity - 1],
    }


def describe(made: Made, layout: str, image_size: int) -> dict:
    """The entry of a corruption in the manifest."""
    constants, severities = made.manifests[0]["constants"], made.manifests[0]["severities"]
    entry: dict = {"family": made.family}
    if layout == ARRAYS:
        entry |= {"file": Path(made.files[0]).name, "sha256": made.manifests[0]["file_sha256"]}
    entry["severities"] = {
        str(severity): describe_constants(constants, severity, image_size) for severity in severities
    }
    if layout == FOLDERS:
        lines: dict[int, list[str]] = {severity: [] for severity in severities}
        for severity, digest, file in (line for path in made.files for line in listed_files(path)):
            lines[severity].append(f"{digest}  {file}\n")
        for severity, part in lines.items():
            # As `sha256sum` prints for the lines of one severity in shards/, shard after shard.
            digest = hashlib.sha256("".join(part).encode()).hexdigest()
            entry["severities"][str(severity)] |= {"files": len(part), "sha256": digest}
    return entry


def complete_folder(root: Path, made: Made, classes: list[str]) -> None:
    """Check that the listed files are there, remove what an earlier study left beside them, and give every class a folder.

    Readers number the classes by their folders, so one that was left out because the subset has no image of it would shift the
    labels of all after it, unnoticed. Raises InputError if a file is missing.
    """
    listed = {file for path in made.files for _, _, file in listed_files(path)}
    found = set()
    for parent, _, files in os.walk(root / made.corruption):
        within = Path(parent).relative_to(root).as_posix()
        found.update(f"{within}/{file}" for file in files)
    missing = sorted(listed - found)
    if missing:
        others = f", with {len(missing) - 1} others" if len(missing) > 1 else ""
        raise InputError(
            f"{root / missing[0]} is missing{others}: delete {root}/shards/{made.corruption}, and snakemake makes it again."
        )
    for file in found - listed:
        (root / file).unlink()
    if found - listed:
        print(f"{made.corruption}: removed {len(found - listed)} files of an earlier study")
    for parent, _, _ in os.walk(root / made.corruption, topdown=False):
        if not any(Path(parent).iterdir()):
            Path(parent).rmdir()
    for severity in made.manifests[0]["severities"]:
        for folder in classes:
            Path(root, made.corruption, str(severity), folder).mkdir(parents=True, exist_ok=True)


def link_family(root: Path, made: Made) -> None:
    """Make `{family}/{corruption}`, where some readers look, a link to `{corruption}`."""
    link, target = root / made.family / made.corruption, Path("..", made.corruption)
    if link.is_symlink() and link.readlink() == target:
        return
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=True)


def left_over(root: Path, everything: list[Made], layout: str) -> list[str]:
    """What lies in the folder and is not part of the benchmark: an earlier study made it."""
    names = {made.corruption for made in everything}
    own = {"examples.csv", "manifest.json"}
    if layout == FOLDERS:
        own |= {"shards", *names, *(made.family for made in everything)}
    else:
        own |= {"labels.npy", *(f"{name}.{ending}" for name in names for ending in ("npy", "json"))}
    return sorted(path.name for path in root.iterdir() if path.name not in own and not path.name.startswith("."))


def save_labels(path: str, chosen: Chosen, classes: int, severities: int) -> None:
    """Write the labels of all severities one after the other; uint8 as in CIFAR-10-C, int64 if there are more classes than that."""
    label = np.array(chosen.label, dtype=np.uint8 if classes <= 256 else np.int64)
    with replacing(path) as beside, beside.open("wb") as file:
        np.save(file, np.tile(label, severities))


def versions_of(everything: list[Made]) -> dict[str, list[str]]:
    """All versions of each package that took part."""
    used: dict[str, set[str]] = {}
    for manifest in (manifest for made in everything for manifest in made.manifests):
        for package, version in manifest["versions"].items():
            used.setdefault(package, set()).add(version)
    return {package: sorted(versions) for package, versions in sorted(used.items())}


def main(input, output, params) -> None:
    """Read the manifests of all corruptions; write labels.npy, or check the folders and link them; write manifest.json."""
    data, chosen, digest = load_manifest(input.data), load_chosen(input.chosen), sha256(input.chosen)
    everything = read_made(input.files, input.manifests, digest)
    root = Path(output.manifest).parent
    if params.layout == ARRAYS:
        save_labels(output.labels[0], chosen, len(data["classes"]), len(params.severities))
    else:
        for made in everything:
            complete_folder(root, made, class_folders(data["classes"]))
            if made.corruption != CLEAN:
                link_family(root, made)
    manifest = {
        "dataset": data["name"],
        "layout": params.layout,
        "variant": VARIANTS[params.layout],
        "engine": params.engine,
        "stream": params.stream,
        "seed": SEED,
        "image_size": data["image_size"],
        "subset": params.subset,
        "examples": len(chosen),
        "examples_sha256": digest,
        "severities": list(params.severities),
        **({"labels_sha256": sha256(output.labels[0])} if params.layout == ARRAYS else {}),
        "corruptions": {made.corruption: describe(made, params.layout, min(data["image_size"])) for made in everything},
        "versions": versions_of(everything),
        "data": {key: data[key] for key in ("source", "options", "converted", "broken", "pillow")},
        "classes": data["classes"],
        **({"class_folders": class_folders(data["classes"])} if params.layout == FOLDERS else {}),
    }
    write_text(output.manifest, json.dumps(manifest, indent=1) + "\n")
    variants = sum(len(entry["severities"]) for entry in manifest["corruptions"].values())
    for name in left_over(root, everything, params.layout):
        print(f"{root / name} is of an earlier study and no part of this benchmark: remove it if nothing needs it")
    print(f"{variants} variants of {len(chosen)} images in {root}, {VARIANTS[params.layout]}")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
