"""A study: what its configuration says, checked before any job, and all that follows from it. Free of Snakemake."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.lib.corruptions import CORRUPTIONS
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.blamed_layers import check_blamed_layers, exemptible
from scripts.lib.study.config import check_config, with_defaults
from scripts.lib.study.downloads import with_downloads
from scripts.lib.study.extras import check_extras
from scripts.lib.study.factories import check_checkpoints
from scripts.lib.study.images import CLEAN, Images
from scripts.lib.study.joins import check_joins
from scripts.lib.study.left_out import left_out
from scripts.lib.study.levels import CONTROL, brought_models_of, compares_files, is_brought
from scripts.lib.study.natural import check_natural
from scripts.lib.study.network_files import check_quantized_here, network_files
from scripts.lib.study.populations import Populations
from scripts.lib.study.prediction_files import check_examples_known, prediction_files
from scripts.lib.study.promises import batch_size_of, check_promises, levels_of
from scripts.lib.study.sharded_weights import parts_of_weights
from scripts.lib.study.slices import check_slices
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

    def keeps_probabilities(self, suite: str) -> bool:
        """Whether the ledger of a suite keeps the probabilities of all classes."""
        return suite == CLEAN and self.config["audit"]["probabilities"] == "all"

    @property
    def control_ledger(self) -> list[str]:
        """The control's predictions of the clean test images; none without a control."""
        if CONTROL not in self.populations.levels:
            return []
        return self._of_cohorts(CONTROL, f"<results>/predictions/{CONTROL}/{{cohort}}/clean.parquet")

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
    def blamed(self) -> list[str]:
        """What every model of the levels whose layers are to be blamed predicts with some of them compressed."""
        return [file for level in self.config["audit"]["layers"]["levels"] for file in self.layer_votes(level)]

    def layer_votes(self, level: str) -> list[str]:
        """The same of a level."""
        return [f"<results>/layers/{level}/{cohort}.parquet" for cohort in self.populations.cohorts(level)]

    @property
    def exemptions(self) -> list[str]:
        """The sets of layers to exempt that were tried, of each level of which there are some."""
        return [f"<results>/layers/{level}/exemptions.csv" for level in exemptible(self.config)]

    def all_uncompressed(self, level: str) -> list[str]:
        """The trained models of all cohorts in which a level's layers are compressed."""
        return self._of_cohorts(level, self.populations.uncompressed(level))

    def all_compressed(self, level: str) -> list[str]:
        """The models of all cohorts that a level predicts with."""
        return self._of_cohorts(level, self.populations.networks(level))

    def _of_cohorts(self, level: str, file: str) -> list[str]:
        return [file.format(cohort=cohort) for cohort in self.populations.cohorts(level)]

    @property
    def checked(self) -> list[str]:
        """What the audit waits for where models were brought."""
        return (
            ["<results>/predictions/populations.json"] if any(map(is_brought, self.populations.levels.values())) else []
        )

    @property
    def compares_files(self) -> bool:
        """Whether networks are compared one with one, and nothing is said of populations."""
        return compares_files(self.config)

    @property
    def promises(self) -> list[dict]:
        """What the study promises, `levels` and `batch_size` filled in."""
        return [
            {**promise, "levels": levels_of(promise, self.config), "batch_size": batch_size_of(promise, self.config)}
            for promise in self.config["audit"]["accept"]
        ]

    def promises_of(self, *metrics: str) -> list[dict]:
        """The promises about some metrics."""
        return [promise for promise in self.promises if promise["metric"] in metrics]

    def check_promised(self) -> None:
        """Raise InputError where nothing is promised."""
        if not self.promises:
            raise InputError(
                "config key `audit.accept` is empty, so there is nothing to hold the levels to: add a promise, such as {metric: top1_loss, margin: 0.01}."
            )

    @property
    def tables(self) -> list[str]:
        """The tables that this study can have, in the order in which the report shows them."""
        return [
            *(["gate"] if self.promises else []),
            *(self._tables_of_files if self.compares_files else self._tables_of_populations),
            *("calibration", "reliability"),
            *(["layers"] if self.blamed else []),
            *(["exemptions"] if exemptible(self.config) else []),
            *(["slices"] if self.has_slices else []),
        ]

    @property
    def _tables_of_files(self) -> list[str]:
        return [
            *("pair_summary", "flips", "pair_classes", "pair_groups"),
            *([] if self.populations.predictions else ["pair_cost", "cost"]),
            *(["pair_robustness", "pair_robustness_summary"] if self.images.corruptions else []),
        ]

    @property
    def _tables_of_populations(self) -> list[str]:
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
    def robustness_summary(self) -> str:
        """The table of what the corruptions come to."""
        return f"<results>/tables/{'pair_' if self.compares_files else ''}robustness_summary.csv"

    @property
    def figures(self) -> list[str]:
        """The figures that this study can have."""
        timed = not self.populations.predictions
        of_files = [
            *("flips", "pair_classes"),
            *(["pair_cost"] if timed else []),
            *(["robustness"] if self.images.corruptions else []),
        ]
        of_populations = [
            *(["pie_rates"] if self.images.splits else []),
            *("pie_curve", "class_impact"),
            *(["cost"] if timed else []),
            "robustness",
        ]
        return [
            *(of_files if self.compares_files else of_populations),
            "reliability",
            *(["training"] if self.populations.trained else []),
            *(["layers"] if self.blamed else []),
        ]

    @property
    def pictures(self) -> list[str]:
        """The pictures of images that this study can have."""
        exemplars = ["exemplars"] if self.images.splits and not self.compares_files else []
        return [*exemplars, *(["slices"] if self.has_slices else [])]

    @property
    def has_slices(self) -> bool:
        """Whether the study looks for groups of images that nobody named."""
        return self.config["slices"]["clusters"] > 0

    @property
    def left_out(self) -> list[str]:
        """A sentence for each part of the report that this study cannot have."""
        return left_out(
            bool(self.images.splits),
            list(self.populations.predictions),
            self.compares_files,
            [*(["natural"] if self.images.natural else []), *(["ReaL's labels"] if self.images.real else [])],
        )


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
    check_blamed_layers(config)
    check_joins(config["joins"])
    check_slices(config, splits_of(source, config["data"][source]))
    check_promises(config)
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
