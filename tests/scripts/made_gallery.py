"""A study of sixty images whose PIEs are known, as files, and its gallery."""

from types import SimpleNamespace as Names

import numpy as np
import pyarrow as pa

from scripts.audit import score_examples
from scripts.gallery import make_gallery
from scripts.lib.annotations.column import column_of, save_columns
from scripts.lib.corrupted.subset import Chosen, save_chosen
from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.jobs.files import sha256
from scripts.lib.ledger.predictions import block, save_ledger

N, K, SIDE = 60, 4, 8
CLASSES = ["<script>alert(1)</script>", "b & 'c'", "d"]
LABEL = np.arange(N) % 3
IDS = np.array([f"test/{number:02d}" for number in range(N)])
# What all four models of a level say; the dense ones err on image 7.
SAYS = {
    "dense": np.where(np.arange(N) == 7, (LABEL + 1) % 3, LABEL),
    "control": np.where(np.arange(N) < 3, (LABEL + 1) % 3, np.where(np.arange(N) == 7, (LABEL + 1) % 3, LABEL)),
    "pruned": np.where(np.arange(N) % 5 == 0, (LABEL + 2) % 3, LABEL),
}
DARK = np.arange(N) < 20
CORRUPTED = 4  # the first images
LEVELS = ["control", "pruned"]


def make_files(folder, says=SAYS) -> Names:
    """The rule's input below a folder; image 1 of level `pruned` is a tie of two labels, by two models each."""
    folder.mkdir(exist_ok=True)
    made = Names(ledger=[], variants=[], corrupted=[])
    images = np.random.default_rng(1).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    made.images = folder / "test.npy"
    np.save(made.images, images)
    columns = {"example": IDS, "split": np.full(N, "test"), "label": LABEL, "shown": LABEL}
    columns |= {"kind": np.full(N, "typical"), "class_frequency": np.full(N, 9)}
    columns |= {"pixels": np.array([pixels_digest(image) for image in images])}
    made.examples, made.data = folder / "examples.parquet", folder / "manifest.json"
    save_examples(made.examples, columns)
    save_manifest(made.data, {"classes": CLASSES, "sha256": {"examples": sha256(made.examples)}})
    for level, said in says.items():
        rows = []
        for seed in range(K):
            own = said.copy()
            if level == "pruned":
                own[1] = (LABEL[1] + (seed < 2)) % 3
            probability = np.full((N, 3), 0.05, np.float32)
            probability[np.arange(N), own] = 0.9
            rows.append(block(IDS, LABEL, seed, "clean", 0, probability))
        made.ledger.append(folder / f"{level}.parquet")
        save_ledger(made.ledger[-1], rows, {"level": level, "classes": CLASSES, "suite": "clean"})
    made.annotations = [folder / "annotations.parquet"]
    light = pa.array([None if number == 59 else float(number) for number in range(N)])
    dark = pa.array(["dark" if each else "light" for each in DARK])
    columns = [column_of("light", light, "made", False, False), column_of("sky", dark, "made", False, True)]
    save_columns(made.annotations[0], IDS, columns)
    made.scores = folder / "scores.csv"
    designs = dict.fromkeys(LEVELS, "independent")
    score_examples.main(made, Names(table=made.scores), Names(levels=LEVELS, designs=designs, tie_rule="largest"))
    made.chosen = folder / "examples.csv"
    files = [f"{LABEL[number]}/{number}.JPEG" for number in range(CORRUPTED)]
    save_chosen(made.chosen, Chosen(IDS[:CORRUPTED].tolist(), LABEL[:CORRUPTED].tolist(), files), CLASSES)
    for corruption in ("fog", "gaussian_noise"):
        made.corrupted.append(folder / f"{corruption}.npy")
        made.variants.append(folder / f"{corruption}.json")
        np.save(made.corrupted[-1], np.concatenate([images[:CORRUPTED] // 2, 255 - images[:CORRUPTED]]))
        about = {"corruption": corruption, "severities": [1, 3], "layout": "cifar-10-c"}
        about |= {"examples_sha256": sha256(made.chosen), "file_sha256": sha256(made.corrupted[-1])}
        save_manifest(made.variants[-1], about)
    return made


def make_page(input, page, tie_rule="largest", files=False) -> None:
    """The gallery of such files, at this path."""
    params = Names(study="made <b>", files=files, levels=LEVELS, tie_rule=tie_rule, severity=3)
    make_gallery.main(input, Names(gallery=page), params)
