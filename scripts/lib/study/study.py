"""A study: what its configuration says, checked before any job, and all that follows from it. Free of Snakemake."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.corruptions import CORRUPTIONS
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.config import check_config, left_out, with_defaults
from scripts.lib.study.downloads import with_downloads
from scripts.lib.study.extras import check_extras
from scripts.lib.study.factories import check_checkpoints
from scripts.lib.study.images import Images
from scripts.lib.study.joins import check_joins
from scripts.lib.study.levels import brought_models_of, is_brought
from scripts.lib.study.natural import check_natural
from scripts.lib.study.network_files import check_quantized_here, network_files
from scripts.lib.study.populations import Populations
from scripts.lib.study.prediction_files import check_examples_known, prediction_files
from scripts.lib.study.sharded_weights import parts_of_weights
from scripts.lib.study.sources import check_apart, check_files, check_trackable, expanded, splits_of
from scripts.lib.study.subgroups import check_subgroups
from scripts.lib.study.trained_networks import with_channels
from scripts.lib.study.training_shards import check_shards


@dataclass(frozen=True)
class Study:
    """A checked study; `load_study` makes it. Files are named as rules name them."""

    config: dict  # with every default filled in
    images: Images
    populations: Populations

    def calibration_data(self, level: str) -> dict[str, str | list[str]]:
        """The training split and what describes it, for the levels that are calibrated on it."""
        if "calibration" not in self.populations.quantization(level):
            return {}
        return {
            "images": self.images.training_images(),
            "examples": "<results>/data/examples.parquet",
            "data": "<results>/data/manifest.json",
        }

    def ledger(self, *suites: str) -> list[str]:
        """The predictions of all levels and cohorts for some suites."""
        return [
            f"<results>/predictions/{level}/{cohort}/{suite}.parquet"
            for level in self.populations.levels
            for cohort in self.populations.cohorts(level)
            for suite in suites
        ]

    @property
    def training_threads(self) -> int:
        """Threads of a job that trains: of each of its processes one that computes, as everywhere, or those that decode its pictures."""
        threads = self.config["training"]["readers"] if self.images.training_shards else 1
        return threads * self.populations.processes

    @property
    def epochs(self) -> list[str]:
        """What became of each epoch of the models that are trained here."""
        return [
            f"<results>/epochs/{level}/{cohort}.csv"
            for level in self.populations.trained
            for cohort in self.populations.cohorts(level)
        ]

    @property
    def checked(self) -> list[str]:
        """What the audit waits for where models were brought."""
        return (
            ["<results>/predictions/populations.json"] if any(map(is_brought, self.populations.levels.values())) else []
        )

    @property
    def tables(self) -> list[str]:
        """The tables that this study can have, in the order in which the report shows them."""
        return [
            *("pies", "pie_summary", "pie_curve", "hardness", "predictors", "scores", "score_summary"),
            *(["planted"] if self.images.splits else []),
            *("class_summary", "class_impact"),
            *([] if self.populations.predictions else ["cost_and_forgetting", "cost"]),
            *("robustness", "robustness_summary", "corrupted_pies"),
            *("subgroups", "over_indexing"),
            *(["natural"] if self.images.natural else []),
            *(["real"] if self.images.real else []),
        ]

    @property
    def figures(self) -> list[str]:
        """The figures that this study can have."""
        return [
            *(["pie_rates"] if self.images.splits else []),
            *("pie_curve", "class_impact"),
            *([] if self.populations.predictions else ["cost"]),
            "robustness",
            *(["training"] if self.populations.trained else []),
        ]

    @property
    def pictures(self) -> list[str]:
        """The pictures of images that this study can have."""
        return ["exemplars"] if self.images.splits else []

    @property
    def left_out(self) -> list[str]:
        """A sentence for each part of the report that this study cannot have."""
        return left_out(bool(self.images.splits), list(self.populations.predictions))


def load_study(config: dict, schema: dict[str, Any]) -> Study:
    """The study that a configuration describes.

    config: as merged from config.yaml and what the user names. schema: schemas/config.schema.yaml as a dict. Raises InputError, one
    sentence that names the key or file and the remedy, for whatever can be found wrong without reading images, weights or predictions.
    """
    check_config(config, schema)
    config = with_defaults(config, schema)
    config["network"] = with_channels(config["network"])
    source = config["data"]["source"]
    check_files(source, config["data"][source])
    config["data"] = config["data"] | {source: with_downloads(source, config["data"][source])}
    check_shards(source, config["data"][source], config["training"]["augmentation"])
    check_natural(config["natural"], list(CORRUPTIONS))
    check_subgroups(config["audit"]["subgroups"])
    check_joins(config["joins"])
    check_extras(config["extras"], bool(splits_of(source, config["data"][source])))
    _check_ids(config["corruptions"])
    predictions = {
        level["name"]: prediction_files(level["name"], level["predictions"])
        for level in config["levels"]
        if "predictions" in level
    }
    weights, levels = {}, []
    for level in config["levels"]:
        if "checkpoints" in level:
            name, here = level["name"], f"`levels`, `{level['name']}`, `checkpoints`"
            weights[name], network = network_files(here, level["checkpoints"])
            level = level | {"checkpoints": level["checkpoints"] | {"network": network}}
            check_checkpoints(
                f"config key {here}", level["checkpoints"], len(weights[name]), brought_models_of(config, name)
            )
        levels.append(level)
    config["levels"] = levels
    check_quantized_here(levels)
    check_apart(predictions | weights)
    parts = {path: parts_of_weights(path)[1:] for paths in weights.values() for path in paths}
    if source == "predictions":
        check_examples_known(config["data"][source], predictions["dense"])
    data = config["data"][source] | ({"dense": predictions["dense"]} if source == "predictions" else {})
    return Study(config, Images(config, data), Populations(config, predictions, weights, parts))


def _check_ids(corruptions: dict) -> None:
    """Raise InputError if the list of the examples to corrupt is not there."""
    if corruptions["subset"] != "listed":
        return
    path = str(expanded(corruptions["ids"]))
    if not Path(path).is_file():
        raise InputError(f"config key `corruptions.ids` is {path!r}, and there is no such file: correct the path.")
    check_trackable(f"config key `corruptions.ids` is {path!r}", [path])
