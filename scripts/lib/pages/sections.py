"""The chapters and sections of the report, in their order: which figures, pictures and tables stand together. A section is there if its head is."""

from dataclasses import dataclass

# The chapters in their order. A chapter is there if one of its sections is.
PROMISES, IMAGES, GROUPS = "What was promised", "Which images", "Which classes and groups"
ROBUSTNESS, COST, SURE, METHOD = "Robustness", "Cost", "How sure", "Method and study"
CHAPTERS = (PROMISES, IMAGES, GROUPS, ROBUSTNESS, COST, SURE, METHOD)


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; everything by its name."""

    chapter: str
    tables: tuple[str, ...]
    figures: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()  # with their captions
    folded: tuple[tuple[str, str], ...] = ()  # tables with the line that opens them; an empty line: the table's title

    @property
    def head(self) -> str:
        """The table whose title is the heading."""
        return self.tables[0] if self.tables else self.folded[0][0]


SECTIONS: tuple[Section, ...] = (
    Section(PROMISES, ("gate",)),
    # Networks compared one with one.
    Section(IMAGES, ("pair_summary",), ("flips",), folded=(("flips", "Table: the images that flip"),)),
    Section(GROUPS, ("pair_classes",), ("pair_classes",)),
    Section(GROUPS, ("pair_groups",)),
    Section(COST, ("pair_cost", "cost"), ("pair_cost",)),
    Section(
        ROBUSTNESS,
        ("pair_robustness_summary",),
        ("robustness",),
        folded=(("pair_robustness", "Table: all corruptions and severities"),),
    ),
    # Populations.
    Section(IMAGES, ("pie_summary",)),
    Section(IMAGES, ("pies",)),
    Section(IMAGES, ("over_indexing",)),
    Section(IMAGES, ("score_summary",), folded=(("scores", ""),)),
    Section(
        GROUPS,
        ("planted",),
        ("pie_rates",),
        (("exemplars", "Test images of each kind, with how many there are."),),
    ),
    Section(GROUPS, ("class_summary",), ("class_impact",), folded=(("class_impact", "Table: all classes"),)),
    Section(GROUPS, ("subgroups",)),
    # Both.
    Section(
        GROUPS,
        ("slices",),
        pictures=(
            (
                "slices",
                "Testing images of the slices that are told clearest from the others, those that change first (framed).",
            ),
        ),
    ),
    # Populations.
    Section(IMAGES, ("rater",)),
    Section(COST, ("cost_and_forgetting", "cost"), ("cost",)),
    Section(
        ROBUSTNESS,
        ("robustness_summary",),
        ("robustness",),
        folded=(
            ("robustness", "Table: all corruptions and severities"),
            ("corrupted_pies", ""),
        ),
    ),
    Section(ROBUSTNESS, ("natural",)),
    Section(SURE, (), ("pie_curve",), folded=(("pie_curve", "Table: the count for each number of models"),)),
    Section(SURE, ("hardness",)),
    Section(SURE, ("predictors",)),
    Section(SURE, ("calibration",), ("reliability",), folded=(("reliability", ""),)),
    Section(SURE, ("real",)),
    # Which layer is to blame, and what it costs to spare it.
    Section(COST, (), ("layers",), folded=(("layers", "Table: all layers"),)),
    Section(COST, ("exemptions",)),
)

# Table, figure or picture -> its chapter.
CHAPTER_OF = {
    name: section.chapter
    for section in SECTIONS
    for name in (*section.tables, *section.figures, *(each for each, _ in (*section.pictures, *section.folded)))
}

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
