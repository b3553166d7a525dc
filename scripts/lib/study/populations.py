"""The levels of a study and their populations: which models there are, where they come from, and how they are made.

Files are named as rules name them: `<results>` stands for the study's folder, and `{cohort}` is left open where a file is one of a
cohort. What a method is asked about is called as the rules' wildcards are: level, cohort.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.project import ROOT
from scripts.lib.study.cohorts import cohort_name, cohorts, seeds_of
from scripts.lib.study.factories import module_file
from scripts.lib.study.levels import (
    CONTROL,
    DENSE,
    brought_models_of,
    checkpoints_of,
    design_of,
    is_brought,
    is_quantized,
    is_smaller,
    quantization_of,
    trained_as,
)
from scripts.lib.study.prediction_files import kind_of
from scripts.lib.study.pruned_levels import has_blocks, prunes, settings_of
from scripts.lib.study.sources import expanded
from scripts.lib.study.training_settings import settings_of_result

# What is not Python and decides what the kernels compute.
KERNEL_FILES = ("cpu/block_sparse.cpp", "gpu/configs.json")


@dataclass(frozen=True)
class Populations:
    """The levels of a checked study; `load_study` makes it."""

    config: dict  # with every default filled in
    predictions: dict[str, list[str]]  # level -> its files of predictions, in the order of their numbers
    weights: dict[str, list[str]]  # level -> its files of weights
    parts: dict[str, list[Path]]  # file of weights -> the further files that it names

    @cached_property
    def levels(self) -> dict[str, dict]:
        """Each level's entry by its name, in the study's order."""
        return {level["name"]: level for level in self.config["levels"]}

    @property
    def compressed(self) -> list[str]:
        """All levels but the dense one; the control is among them."""
        return [level for level in self.levels if level != "dense"]

    @property
    def trained(self) -> list[str]:
        """The levels whose models are trained here."""
        return [name for name, level in self.levels.items() if checkpoints_of(level) == name and not is_brought(level)]

    @property
    def quantized(self) -> list[str]:
        """The levels whose models are quantized here."""
        return [name for name, level in self.levels.items() if is_quantized(level)]

    @property
    def imported(self) -> list[str]:
        """The levels whose weights were made elsewhere."""
        return list(self.weights)

    @property
    def modelled(self) -> list[str]:
        """The levels of which there are networks, and not predictions only."""
        return [name for name in self.levels if name not in self.predictions]

    @property
    def brought(self) -> list[str]:
        """The levels besides the dense one whose models were made elsewhere."""
        return [name for name, level in self.levels.items() if is_brought(level) and name != "dense"]

    @property
    def designs(self) -> dict[str, str]:
        """`paired` for levels made of the dense checkpoints, `independent` for those trained from seeds of their own."""
        return {name: design_of(level) for name, level in self.levels.items()}

    @property
    def beside(self) -> str | None:
        """The level whose flips are harmless by what it is, where networks are compared one with one: the control, or dense networks in half precision."""
        if CONTROL in self.levels:
            return CONTROL
        return next((name for name, level in self.levels.items() if level["method"] == "float16"), None)

    def cohorts(self, level: str) -> list[str]:
        """The cohorts of a level; predictions from elsewhere are one."""
        models = self.config["population"]["models"]
        if level in self.predictions:
            return [cohort_name(range(models))]
        return cohorts(models, self.config["population"]["cohort"])

    def entry(self, level: str) -> dict:
        """The level's entry in the study."""
        return self.levels[level]

    def entry_for_training(self, level: str) -> dict:
        """The level's entry as far as training goes."""
        return trained_as(self.levels[level])

    @property
    def training(self) -> dict:
        """How networks are trained, as far as it decides what they become."""
        return settings_of_result(self.config["training"])

    def pruning(self, level: str) -> dict:
        """The pruning settings, for the levels that they concern."""
        entry = self.entry_for_training(level)
        return settings_of(entry, self.config["pruning"]) if prunes(entry) else {}

    def network(self, level: str) -> dict:
        """The network that a level trains: the study's, with fewer channels where the level says so, or where it shall be as large as a pruned one."""
        entry, network = self.levels[level], self.config["network"]
        if not is_smaller(entry):
            return network
        if "width" in entry:
            return network | {"width": entry["width"]}
        pruned = self.levels[entry["as"]]
        return network | {"equal": entry["equal"], "as": pruned, "pruning": settings_of(pruned, self.config["pruning"])}

    def arithmetic(self, level: str) -> str:
        """How to compute with a level's models: those that were trained elsewhere, and may be large, as fast as this machine can."""
        entry = self.levels[level]
        brought = is_brought(entry) or is_brought(self.levels[checkpoints_of(entry)])
        return "fastest" if brought else self.config["training"]["arithmetic"]

    def quantization(self, level: str) -> dict:
        """How a level is quantized, for the levels that are."""
        return quantization_of(self.levels[level], self.config["quantization"])

    @property
    def gpus(self) -> int:
        """How many GPUs a job that predicts takes, and each process of one that trains."""
        return int(self.config["training"]["device"] == "cuda")

    @property
    def processes(self) -> int:
        """How many processes train a model."""
        return self.config["training"]["processes"]

    @cached_property
    def kernel(self) -> dict[str, str]:
        """Digests of what is not Python and decides what the kernels compute."""
        return {Path(name).name: sha256(ROOT / "kernels" / name)[:12] for name in KERNEL_FILES}

    def kernel_of(self, level: str) -> dict[str, str]:
        """The same for the levels that the kernels predict."""
        return self.kernel if has_blocks(self.levels[level]) else {}

    # Models that were made elsewhere.

    def weights_of(self, level: str, cohort: str) -> list[str]:
        """The user's files of weights of a cohort."""
        return [self.weights[level][seed] for seed in seeds_of(cohort)]

    def beside_weights(self, level: str, cohort: str) -> list[str]:
        """What is read with a cohort's files of weights: the parts that an index names, and the names of the network's classes."""
        parts = [str(part) for path in self.weights_of(level, cohort) for part in self.parts[path]]
        classes = self.levels[level]["checkpoints"].get("classes")
        return parts + ([str(expanded(classes))] if isinstance(classes, str) else [])

    def brought_network(self, level: str) -> dict:
        """How a level's brought networks are built; their weights are inputs."""
        return {key: value for key, value in self.levels[level]["checkpoints"].items() if key != "weights"}

    def factory(self, level: str) -> str | None:
        """The digest of the user's own module that builds a level's networks; what it imports is not followed."""
        path = module_file(self.levels[level]["checkpoints"]["network"])
        return sha256(path) if path else None

    def predictions_of(self, level: str) -> list[str]:
        """The files of a level's predictions that came from elsewhere."""
        return self.predictions[level]

    def kind_of_arrays(self, level: str) -> str | None:
        """Whether the level's arrays hold logits or probabilities."""
        return kind_of(self.levels[level]["predictions"])

    def brought_models(self, level: str) -> int:
        """How many models the level's files hold; the first K are audited."""
        return brought_models_of(self.config, level)

    def stated_sparsity(self, level: str) -> float | None:
        """The sparsity that the study states for a level whose weights are not here."""
        return self.levels[level].get("sparsity")

    # Files.

    def checkpoints(self, level: str) -> str:
        """The trained models of a cohort that a level uses: its own or another level's."""
        return f"<results>/models/{checkpoints_of(self.levels[level])}/{{cohort}}.safetensors"

    def uncompressed(self, level: str) -> str:
        """The trained models of a cohort in which a level's layers are compressed one by one: of a pruned level the dense ones."""
        return self.checkpoints(level if level in self.quantized else DENSE)

    def networks(self, level: str) -> str:
        """The models of a cohort that a level predicts with, as trained or quantized."""
        return f"<results>/{'quantized' if level in self.quantized else 'models'}/{level}/{{cohort}}.safetensors"

    def packed(self, level: str) -> str | list[str]:
        """The packed weights of a cohort, where the level has blocks."""
        return f"<results>/packed/{level}/{{cohort}}.safetensors" if has_blocks(self.levels[level]) else []

    @property
    def all_networks(self) -> list[str]:
        """The models of all levels of which there are networks, and of all their cohorts."""
        return [self.networks(level).format(cohort=cohort) for level in self.modelled for cohort in self.cohorts(level)]

    @property
    def first_networks(self) -> list[str]:
        """The models of the first cohort of each level."""
        return [self.networks(level).format(cohort=self.cohorts(level)[0]) for level in self.levels]
