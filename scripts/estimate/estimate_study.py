"""How long a study takes and how much room it needs, before it is begun: earlier runs' times where there are any, a probe where not."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from scripts.lib.compression.smaller import sized
from scripts.lib.corrupted.layouts import as_jpeg
from scripts.lib.data.dataset import load_examples, load_manifest
from scripts.lib.estimate import probe, storage
from scripts.lib.estimate.adding import MEASURED, NOT_KNOWN, Entry, Seconds, computed, seen, share
from scripts.lib.estimate.benchmarks import seconds_of
from scripts.lib.estimate.page import page
from scripts.lib.jobs.files import replacing, write_text
from scripts.lib.jobs.job import logged
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.device import prepare_device
from scripts.lib.study.levels import checkpoints_of, is_quantized

PROBE = 30.0  # seconds for the steps and batches of all levels, besides what comes before the first of them
# Tables, figures and report of all predictions, on two cores: 20 s and so much a row of the ledger (docs/study.md, "How long, and how large").
AUDIT_START, AUDIT_ROW = 20.0, 2.7e-7


@dataclass(frozen=True)
class Counts:
    """How many images a study has."""

    train: int
    test: int
    chosen: int  # to be corrupted
    classes: int
    size: tuple[int, int]


def read_counts(input, params) -> Counts:
    """From the prepared data, or for published data sets from what is known of them."""
    known = dict(params.published)
    if not known:
        data = load_manifest(input.data)
        images = {
            split: len(load_examples(input.examples, split, data["sha256"]["examples"]))
            if split in params.splits
            else 0
            for split in ("train", "test")
        }
        known = images | {"classes": len(data["classes"]), "image_size": data["image_size"]}
    match params.corruptions["subset"]:
        case "all":
            chosen = known["test"]
        case "listed":
            chosen = sum(
                bool(line.strip()) for path in input.ids for line in Path(path).read_text("utf-8").splitlines()
            )
        case "first" | "sampled":
            chosen = min(known["test"], params.corruptions["per_class"] * known["classes"])
    return Counts(known["train"], known["test"], chosen, known["classes"], tuple(known["image_size"]))


@dataclass
class Probed:
    """What a probe found, by level: a model's training, an image's prediction, a model's quantization, and its parameters."""

    training: dict[str, Seconds]
    prediction: dict[str, Seconds]
    quantization: dict[str, Seconds]
    parameters: dict[str, int]


def probe_levels(params, counts: Counts, device: torch.device) -> Probed:
    """Time the levels that are trained here, and those that quantize them."""
    found = Probed({}, {}, {}, {})
    levels = params.levels
    a_part = PROBE / (2 * max(1, len(levels)))
    networks = {}
    for name, (entry, network, pruning) in params.trained.items():
        network, _ = sized(network, counts.classes, counts.size)
        found.training[name], model = probe.training_seconds(
            counts.train, counts.size, counts.classes, entry, network, params.training, pruning, device, a_part
        )
        networks[name] = model
        found.parameters[name] = sum(value.numel() for value in model.state_dict().values())
        print(f"{name}: a model takes {found.training[name].value:.1f} s", flush=True)
    for name, entry in levels.items():
        source = checkpoints_of(entry)
        if source not in networks:
            continue
        model = networks[source]
        if is_quantized(entry):
            found.quantization[name], model = probe.quantized(
                model, entry["method"], params.quantization[name], counts.size
            )
            found.parameters[name] = found.parameters[source]
        found.prediction[name] = probe.prediction_seconds(model.to(device), counts.size, device, a_part)
        print(f"{name}: {1 / found.prediction[name].value:,.0f} images/s", flush=True)
    return found


def entries_of(params, counts: Counts, found: Probed, start: Seconds) -> list[Entry]:
    """One entry for each kind of job. Times of earlier runs go before those of the probe."""
    ledger_rows = sum(row["models"] * seen_by(row, counts) for row in params.work if row["rule"] == "predict")
    entries = []
    for row in params.work:
        jobs = len(row["jobs"])
        measured = seconds_of(params.benchmarks, row["jobs"])
        if measured:
            a_job = seen(measured, MEASURED)
        else:
            once = seconds_by_probe(row, params, counts, found, ledger_rows)
            a_job = once if np.isnan(once.value) else once.times(1 / jobs).after(start)
        on_gpu = params.training["device"] == "cuda" and row["rule"] in ("train", "predict", "measure_cost")
        entries.append(Entry(row["rule"], row["what"], jobs, a_job, bytes_of(row, params, counts, found), on_gpu))
    return entries


def seen_by(row: dict, counts: Counts) -> int:
    """How many images each model of some jobs looks at."""
    return sum(times * getattr(counts, split) for split, times in row["images"].items())


def seconds_by_probe(row: dict, params, counts: Counts, found: Probed, ledger_rows: int) -> Seconds:
    """All jobs of one kind together, without their start."""
    level = row["level"]
    match row["rule"]:
        case "train":
            return found.training[level].times(row["models"])
        case "predict":
            return found.prediction[level].times(row["models"] * seen_by(row, counts))
        case "quantize":
            return found.quantization[level].times(row["models"])
        case "pack":
            return computed(0.0)  # nothing beside the start of the job
        case "corrupt" | "corrupt_to_folders":
            if row["what"] == "clean":
                return computed(0.0)  # copied
            options = {key: params.corruptions[key] for key in ("stream", "engine")}
            after = len if row["rule"] == "corrupt" else as_jpeg
            severities = params.corruptions["severities"]
            return probe.corruption_seconds(row["what"], severities, counts.size, options, after).times(counts.chosen)
        case "measure_cost":
            batches = params.cost["batch_sizes"]
            a_round = sum(max(0.02, batch * image.value) for batch in batches for image in found.prediction.values())
            return computed(params.cost["rounds"] * a_round)
        case "tables":
            return computed(AUDIT_START + AUDIT_ROW * ledger_rows)
        case _:
            return NOT_KNOWN


def bytes_of(row: dict, params, counts: Counts, found: Probed) -> float:
    """What all jobs of one kind write and keep."""
    level, models = row["level"], row["models"]
    match row["rule"]:
        case "prepare_data":
            if params.short_side:
                return storage.array_bytes(counts.test, counts.size) + storage.shard_bytes(
                    counts.train, params.short_side
                )
            return storage.array_bytes(counts.test + counts.train, counts.size)
        case "train":
            return storage.model_bytes(found.parameters[level], models)
        case "quantize":
            return storage.model_bytes(found.parameters[level], models, params.levels[level]["method"])
        case "pack":
            kept = 1 - params.levels[level]["sparsity"]
            return storage.model_bytes(found.parameters[level], models) * kept
        case "corrupt" | "corrupt_to_folders":
            return storage.corrupted_bytes(seen_by(row, counts), counts.size, row["rule"] == "corrupt")
        case "predict":
            kept = counts.classes if params.keep and "test" in row["images"] else 0  # of clean images only
            return storage.ledger_bytes(models, seen_by(row, counts), kept)
        case _:
            return 0.0


def save_entries(path: str, entries: list[Entry]) -> None:
    """One row for each kind of job; seconds of a job, what all of them take, and their shares."""
    seconds, disk = sum(entry.seconds for entry in entries), sum(entry.bytes for entry in entries)
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = "rule what jobs seconds seconds_low seconds_high known_by repeats hours share_of_time on_gpu bytes share_of_disk"
        writer.writerow(columns.split())
        for each in entries:
            a_job = each.a_job
            writer.writerow(
                [each.rule, each.what, each.jobs]
                + [f"{value:.6g}" for value in (a_job.value, a_job.low, a_job.high)]
                + [a_job.how, a_job.repeats, f"{each.seconds / 3600:.6g}", f"{share(each.seconds, seconds):.6g}"]
                + [int(each.on_gpu), round(each.bytes), f"{share(each.bytes, disk):.6g}"]
            )


def main(input, output, params, cores: int) -> None:
    """Count, time a little of everything that no earlier run has timed, and write estimate.csv and estimate.md."""
    device = prepare_device(params.training["device"])
    set_arithmetic(params.training["arithmetic"])
    counts = read_counts(input, params)
    found = probe_levels(params, counts, device)
    entries = entries_of(params, counts, found, probe.start_seconds())
    save_entries(output.table, entries)
    text = page(params.study, entries, cores, params.left_out)
    write_text(output.page, text)
    print(text)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.threads)  # noqa: F821
