"""The sections of the report, in their order: which figures, pictures and tables stand together. A section is there if its head is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; everything by its name."""

    tables: tuple[str, ...]  # shown open
    figures: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()  # with their captions
    folded: tuple[tuple[str, str], ...] = ()  # tables with the line that opens them; an empty line: the table's title

    @property
    def head(self) -> str:
        """The table whose title is the heading."""
        return self.tables[0] if self.tables else self.folded[0][0]


SECTIONS: tuple[Section, ...] = (
    Section(("gate",)),
    Section(
        ("planted",),
        ("pie_rates",),
        (("exemplars", "Test images of each kind, with how many there are."),),
    ),
    # Networks compared one with one.
    Section(("pair_summary",), ("flips",), folded=(("flips", "Table: the images that flip"),)),
    Section(("pair_classes",), ("pair_classes",)),
    Section(("pair_groups",)),
    Section(("pair_cost", "cost"), ("pair_cost",)),
    Section(
        ("pair_robustness_summary",),
        ("robustness",),
        folded=(("pair_robustness", "Table: all corruptions and severities"),),
    ),
    # Populations.
    Section(("over_indexing",)),
    Section(("pie_summary",), ("pie_curve",), folded=(("pie_curve", ""),)),
    Section(("hardness",)),
    Section(("predictors",)),
    Section(("score_summary",), folded=(("scores", ""),)),
    Section(("class_summary",), ("class_impact",), folded=(("class_impact", "Table: all classes"),)),
    Section(("subgroups",)),
    # Both.
    Section(
        ("slices",),
        pictures=(
            (
                "slices",
                "Testing images of the slices that are told clearest from the others, those that change first (framed).",
            ),
        ),
    ),
    # Populations.
    Section(("rater",)),
    Section(("cost_and_forgetting", "cost"), ("cost",)),
    Section(
        ("robustness_summary",),
        ("robustness",),
        folded=(
            ("robustness", "Table: all corruptions and severities"),
            ("corrupted_pies", ""),
        ),
    ),
    Section(("calibration",), ("reliability",), folded=(("reliability", ""),)),
    Section((), ("layers",), folded=(("layers", "Table: all layers"),)),
    Section(("exemptions",)),
    Section(("natural",)),
    Section(("real",)),
    Section((), folded=(("pies", "Table"),)),
)

OF_POPULATIONS = (
    "Intervals over images take the trained models as they are; those of the class impact are over models and take the images as they are. Only the excess of "
    "PIEs over the control, the means of continuous scores, Hedges' g, top-1 under corruption and on natural sets, corruption errors and the rates of groups are "
    "over both.",
    "The verdicts of the findings are adjusted for the number of levels (Holm). Those of groups and the flags of classes are not corrected for how many they are; "
    "the control shows what they find where nothing was compressed, and p-values adjusted for the classes or images of a level stand beside them.",
    "In the table of PIEs they are chosen and scored on the same models, as in the paper, which exaggerates how hard they are; how hard they are for other models has "
    "a table of its own.",
    "The counts depend on K: the control's share of PIEs falls as K grows, so counts of studies with different K do not compare.",
)
OF_FILES = (
    "Intervals and tests are about other images of the same kind and these very networks. What the same compression would do to another training of the network is not "
    "known from one of each.",
    "That a change cannot be told is no proof that there is none: beside it stands the smallest one that these images would have shown.",
    "The verdicts are adjusted for the number of networks (Holm), the changes of classes and groups for how many they are (Benjamini and Hochberg).",
)
