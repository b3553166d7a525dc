"""slices.csv: groups of images that nobody named, found on one half of the test images and tested on the other; and who is in them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.annotations.column import load_columns
from scripts.lib.audit.modal import modal_labels
from scripts.lib.audit.model_variance import FEWEST
from scripts.lib.audit.pies import identified_exemplars
from scripts.lib.audit.slice_candidates import cluster_slices, description, kept_slices, ranks, statistic_slices
from scripts.lib.audit.slices import FOUND, NOTHING, Tested, alone, beside_control, beside_one_control, strata_of
from scripts.lib.data.dataset import load_manifest
from scripts.lib.data.feature_file import load_features
from scripts.lib.jobs.files import replacing
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.streams import generator
from scripts.lib.ledger.predictions import Votes, load_population, same_examples
from scripts.lib.tables.margins import load_probabilities
from scripts.lib.tables.pie_table import differences, excesses_of, same_order, uncompressed_of
from scripts.lib.tables.slices import Compared, completed, discovery_half, row_of, row_of_nothing, too_small
from scripts.lib.tables.table import load_table, save_table


class Audit:
    """What all levels are compared with: the dense models, and where there are such the control file or the control population."""

    def __init__(self, input, params) -> None:
        self.params = params
        self.dense = load_population(input.ledger, "dense")["clean", 0]
        self.before = modal_labels(self.dense.votes, params.tie_rule)
        _, first, second, _ = load_probabilities(input.ledger, "dense")
        self.sureness = (first - second).mean(axis=0)
        self.control = None
        if "control" in params.levels:
            self.control = self.changed(load_population(input.ledger, "control")["clean", 0])
        self.pies: dict[str, pd.DataFrame] = {}
        if input.pies:  # a control population: an excess is over its models
            control = load_population(input.ledger, "control")["clean", 0]
            table = load_table(input.pies)
            self.pies = dict(list(table.groupby("level")))
            same_order(input.pies, self.pies["control"], self.dense)
            self.reference = uncompressed_of(self.dense, control, table.design, params.tie_rule)

    def changed(self, votes: Votes) -> np.ndarray:
        """Whose modal label is another than the dense models', bool[N]."""
        same_examples(self.dense, votes, "the ledger")
        return identified_exemplars(self.before, modal_labels(votes.votes, self.params.tie_rule))

    def compared(self, level: str, votes: Votes) -> Compared:
        """A level's images against the dense models'."""
        changed = self.changed(votes)
        scores = changed.astype(np.float64)
        if self.pies:
            scores = differences(self.pies[level])
        elif self.control is not None:
            scores = changed.astype(np.float64) - self.control
        right = (self.dense.correct.mean(axis=0), votes.correct.mean(axis=0))
        return Compared(level, len(votes.seed), changed, self.control, scores, *right)

    def tested(
        self, about: Compared, votes: Votes, slices: np.ndarray, testing: np.ndarray
    ) -> Iterator[tuple[Tested, str]]:
        """What the testing images, bool[N], say of each slice, bool[G, N], and why they say nothing."""
        significance, count = self.params.significance, len(slices)
        strata = strata_of(self.sureness[testing])
        if self.pies and count:
            groups = np.concatenate([slices & testing, ~slices & testing])
            found = excesses_of(
                about.level,
                self.pies[about.level],
                self.reference,
                votes,
                groups,
                self.params.permutations,
                significance,
            )
        for place, inside in enumerate(slices):
            if too_small(inside, testing):
                yield NOTHING, "too few testing images"
            elif self.pies:
                tested = beside_control(found, place, count + place)
                few = "too few models to say" if found.halves.models < FEWEST else "nothing varies"
                yield tested, few if np.isnan(tested.p) else ""
            elif about.control is not None:
                files = about.changed[testing], about.control[testing]
                yield beside_one_control(*files, inside[testing], significance), ""
            else:
                yield alone(about.changed[testing], inside[testing], strata, significance), ""


def main(input, output, params) -> None:
    """Read features, statistics and the clean suite of all levels, write slices.csv and who is in which slice."""
    audit = Audit(input, params)
    dense, settings = audit.dense, params.slices
    features = load_features(input.features, dense.example)
    statistics = {name: column.values for name, column in load_columns([input.statistics], dense.example).items()}
    discovery = discovery_half(dense.example)
    testing = np.ones(len(dense.example), dtype=bool)
    testing[discovery] = False
    candidates = cluster_slices(features.values, discovery, settings["clusters"], generator("clusters"))
    candidates |= statistic_slices(statistics, discovery)
    names, inside = list(candidates), np.stack(list(candidates.values()))
    print(f"{len(discovery)} images to discover and {testing.sum()} to test; {len(names)} candidates")
    classes = load_manifest(input.data)["classes"]
    ranked = {name: ranks(values[discovery]) for name, values in statistics.items()}
    rows, members = [], []
    for level in params.levels:
        if level == "control":
            continue
        votes = load_population(input.ledger, level)["clean", 0]
        about = audit.compared(level, votes)
        kept = kept_slices(inside[:, discovery], about.scores[discovery], settings["most"], settings["smallest"])
        for place, (tested, reason) in zip(kept, audit.tested(about, votes, inside[kept], testing), strict=True):
            name, own = names[place], inside[place]
            said = description(own[discovery], dense.label[discovery], classes, ranked, name)
            rows.append(row_of(about, name, said, own, testing, tested, reason, params.significance))
            members.append(members_of(about, name, dense.example, own, testing))
        if not kept:
            rows.append(row_of_nothing(about, testing, params.significance))
    table = completed(rows, features.what)
    for level, part in table.groupby("level", sort=False):
        print(f"{level}: {part.verdict.str.startswith(FOUND).sum()} of {len(part)} slices change more than the others")
    save_table(output.table, table)
    save_members(output.members, members)


def members_of(
    about: Compared, name: str, example: np.ndarray, inside: np.ndarray, testing: np.ndarray
) -> pd.DataFrame:
    """Who is in a slice; example: str[N], inside, testing: bool[N]."""
    return pd.DataFrame(
        {
            "level": about.level,
            "slice": name,
            "example": example[inside],
            "testing": testing[inside],
            "changed": about.changed[inside],
            "score": about.scores[inside],
        }
    )


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("level", "slice", "example")),
        *((name, pa.bool_()) for name in ("testing", "changed")),
        ("score", pa.float64()),
    ]
)


def save_members(path: str, members: list[pd.DataFrame]) -> None:
    """Write who is in which slice, a row a level, slice and image; none where no slice was kept."""
    parts = [pa.Table.from_pandas(part, SCHEMA, preserve_index=False) for part in members]
    with replacing(path) as beside:
        pq.write_table(pa.concat_tables([SCHEMA.empty_table(), *parts]), beside, compression="zstd")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
