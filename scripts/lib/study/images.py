"""The images of a study: where they come from, what is known of them, how they are corrupted, and in which suites they are predicted.

Files are named as rules name them: `<results>` stands for the study's folder. What a method is asked about is called as the rules'
wildcards are: suite, corruption, natural.
"""

from dataclasses import dataclass
from functools import cached_property

from scripts.lib.corruptions import CORRUPTIONS, FAMILIES, official_tables
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.extras import EXTRAS
from scripts.lib.study.joins import joined_files
from scripts.lib.study.natural import natural_arrays
from scripts.lib.study.sources import expanded, splits_of, tracked_files
from scripts.lib.study.training_shards import in_shards, shard_files

CLEAN, NATURAL = "clean", "natural"
ARRAYS = "cifar-10-c"  # the layout in which a corruption is one array; in the other it is lists of JPEG files


@dataclass(frozen=True)
class Images:
    """The images of a checked study; `load_study` makes it."""

    config: dict  # with every default filled in
    # What the study says of its source; without images also the dense level's files, which list the examples.
    data: dict

    @property
    def source(self) -> str:
        """Where the images come from."""
        return self.config["data"]["source"]

    @property
    def splits(self) -> list[str]:
        """The splits of which there are images."""
        return splits_of(self.source, self.data)

    @property
    def data_files(self) -> list[str]:
        """The user's files whose change makes the data anew."""
        return tracked_files(self.source, self.data)

    @property
    def joined_files(self) -> list[str]:
        """The user's files that are joined to the test images."""
        return joined_files(self.config["joins"])

    @property
    def known_later(self) -> list[str]:
        """The columns of the annotations that jobs find out."""
        return [column for name in self._extras for column in EXTRAS[name]]

    @property
    def annotations(self) -> list[str]:
        """The files that say what is known of each test image: joined once, and what the extras find."""
        return [f"<results>/data/{name}.parquet" for name in ("annotations", *self._extras)]

    @property
    def _extras(self) -> list[str]:
        return [name for name in EXTRAS if self.config["extras"][name]]

    @property
    def real(self) -> list[str]:
        """The file of ReaL's labels, where the study joins them."""
        return [str(expanded(join["file"])) for join in self.config["joins"] if join.get("format") == "real"][:1]

    @property
    def training_shards(self) -> list[str]:
        """The files of the training split, where it is kept as JPEG pictures in shards."""
        return shard_files(self.data) if in_shards(self.source, self.data) else []

    @property
    def in_arrays(self) -> list[str]:
        """The splits that are kept as one array of images each."""
        return [split for split in self.splits if split != "train" or not self.training_shards]

    def training_images(self) -> str | list[str]:
        """The training split, an array or shards; InputError where the study names none."""
        if "train" not in self.splits:
            raise InputError(
                f"config key `data.{self.source}` names no training images, so nothing can be trained: name them, or ask for "
                "`snakemake corruptions` alone."
            )
        return self.training_shards or "<results>/data/train.npy"

    @cached_property
    def natural(self) -> dict[str, dict]:
        """Each natural test set's entry by its name."""
        return {natural["name"]: natural for natural in self.config["natural"]}

    def natural_set(self, natural: str) -> dict:
        """A natural set's entry in the study."""
        return self.natural[natural]

    def preparation(self, natural: str) -> dict:
        """How a natural set's pictures become images: as the set says, or else as the study's own pictures do."""
        given = self.natural[natural]
        study = {} if "images" in given else self.data
        own = given if "preparation" in given else study
        return {
            "preparation": own.get("preparation", "as_is"),
            "size": own.get("size"),
            "orientation": study.get("orientation", "as_stored"),
            "broken": study.get("broken", "stop"),
        }

    def natural_arrays(self, natural: str) -> list[str]:
        """The arrays or the list that a natural set is read from."""
        return natural_arrays(self.natural[natural])

    def natural_files(self, ending: str) -> list[str]:
        """The files of one kind that `prepare_natural` makes, set after set."""
        return [f"<results>/data/natural/{name}.{ending}" for name in self.natural]

    # Corruptions.

    @property
    def corruptions(self) -> list[str]:
        """The corruptions that the study names."""
        return self.config["corruptions"]["names"]

    @property
    def clean_and_corruptions(self) -> list[str]:
        """What is made of the corrupted images; `clean` are the same images at severity 0."""
        return [CLEAN, *self.corruptions] if self.corruptions and self.splits else []

    @property
    def ids(self) -> list[str]:
        """The user's list of the examples to corrupt, where there is one."""
        corruptions = self.config["corruptions"]
        return [str(expanded(corruptions["ids"]))] if corruptions["subset"] == "listed" else []

    @property
    def shards(self) -> list[str]:
        """The parts in which a corruption's JPEG files are made."""
        shards = self.config["corruptions"]["shards"]
        return [f"{shard:04d}-of-{shards:04d}" for shard in range(shards)]

    def corruption_tables(self, corruption: str) -> dict | None:
        """A corruption's official constants for all sizes; the other engine has its own, and clean images need none."""
        if self.config["corruptions"]["engine"] != "lacuna" or corruption == CLEAN:
            return None
        return official_tables(corruption)

    def corrupted(self, kind: str, corruptions: list[str]) -> list[str]:
        """What is made of some corruptions, shard after shard: their `files` (arrays, or lists of JPEGs) or their `manifests`."""
        if self.config["corruptions"]["layout"] == ARRAYS:
            ending = "npy" if kind == "files" else "json"
            return [f"<results>/corrupted/{corruption}.{ending}" for corruption in corruptions]
        ending = "sha256" if kind == "files" else "json"
        return [
            f"<results>/corrupted/shards/{corruption}/{shard}.{ending}"
            for corruption in corruptions
            for shard in self.shards
        ]

    def files_of_shards(self, corruption: str) -> list[str]:
        """The lists of JPEGs of a corruption, one a shard."""
        return self.corrupted("files", [corruption])

    def manifests_of_shards(self, corruption: str) -> list[str]:
        """What describes them."""
        return self.corrupted("manifests", [corruption])

    @property
    def in_shards(self) -> bool:
        """Whether corrupted images are JPEG files in shards."""
        return self.config["corruptions"]["layout"] != ARRAYS

    @property
    def shown_severity(self) -> int:
        """The severity at which the gallery shows corrupted images, the middle one of the study; 0 where it shows none."""
        if not self.corruptions or self.in_shards:
            return 0
        severities = sorted(self.config["corruptions"]["severities"])
        return severities[len(severities) // 2]

    def shown_corrupted(self, kind: str) -> list[str]:
        """The `files` or `manifests` of the corrupted images that the gallery shows."""
        return self.corrupted(kind, self.corruptions) if self.shown_severity else []

    def check_shown(self) -> None:
        """Raise InputError where there are no images to look at."""
        if not self.splits:
            raise InputError(
                "config key `data.source` is predictions, so there are no images to show: `snakemake gallery` needs a study with images."
            )

    def check_corrupted(self) -> None:
        """Raise InputError where there is nothing to corrupt."""
        if not self.corruptions:
            raise InputError("config key `corruptions.names` is empty: name the corruptions to make.")
        if not self.splits:
            raise InputError("config key `data.source` is predictions: name images to corrupt.")

    # Suites: what is predicted in one go.

    @property
    def suites(self) -> list[str]:
        """`clean`, the families of the study's corruptions, and `natural` where it names such sets."""
        families = (family for family in FAMILIES if set(FAMILIES[family]) & set(self.corruptions))
        return [CLEAN, *families, *([NATURAL] if self.natural else [])]

    @property
    def suites_of_test_images(self) -> list[str]:
        """The suites that show the study's own test images."""
        return [suite for suite in self.suites if suite != NATURAL]

    def corruptions_of(self, suite: str) -> list[str]:
        """The study's corruptions that belong to a suite, in the study's order."""
        return [corruption for corruption in self.corruptions if corruption in FAMILIES.get(suite, ())]

    @property
    def variants_of_suites(self) -> dict[str, list[tuple[str, int]]]:
        """What each suite has: (corruption, severity), in the study's order."""
        severities = self.config["corruptions"]["severities"]
        variants = {
            suite: [(corruption, severity) for corruption in self.corruptions_of(suite) for severity in severities]
            for suite in self.suites
        }
        return variants | {CLEAN: [(CLEAN, 0)]}

    @property
    def known_corruptions(self) -> list[str]:
        """All corruptions that there are, whether the study names them or not."""
        return list(CORRUPTIONS)

    def images(self, suite: str) -> str | list[str]:
        """The image files of a suite, or the lists of their shards."""
        if suite == CLEAN:
            return "<results>/data/test.npy"
        if suite == NATURAL:
            return [*self.natural_files("npy"), "<results>/data/test.npy"]
        if self.in_shards:
            return [f"<results>/corrupted/shards/{corruption}.json" for corruption in self.corruptions_of(suite)]
        return self.corrupted("files", self.corruptions_of(suite))

    def variants(self, suite: str) -> list[str]:
        """The manifests of a suite's corrupted or natural images; of shards their list says which."""
        if suite == NATURAL:
            return self.natural_files("json")
        return [] if self.in_shards else self.corrupted("manifests", self.corruptions_of(suite))

    def chosen(self, suite: str) -> str | list[str]:
        """The table of the examples that a suite shows, where these are not all test images."""
        if suite == NATURAL:
            return self.natural_files("parquet")
        return [] if suite == CLEAN else "<results>/corrupted/examples.csv"
