"""Four images and three models a population, whose tables can be worked out by hand."""

import numpy as np

from scripts.lib.ledger.predictions import Votes
from scripts.lib.tables.pies import pies_of


def votes_of(predictions, label):
    """Votes with the given predictions [K][N]; ranks two to five are the classes after it."""
    label = np.array(label)
    top = (np.array(predictions)[:, :, None] + np.arange(5)) % 10
    example = np.array([f"test/{i}" for i in range(len(label))])
    return Votes(example, label, np.arange(len(top)), top[:, :, 0], (top == label[:, None]).any(axis=2))


def pies_table(populations, dense, deals=50, tie_rule="largest", paired=()):
    """pies.csv of these levels; the dense population is its own control where none is among them."""
    populations = {"control": dense} | populations
    designs = {level: "paired" if level in paired else "independent" for level in populations}
    table = pies_of(dense, populations, designs, deals, tie_rule)
    return {level: rows for level, rows in table.groupby("level")}


def margins_of(votes):
    """Logit margins that fit the votes: 1 where they are right, and -1 where they are not."""
    return np.where(votes.correct, 1.0, -1.0)


LABEL = [0, 1, 2, 3]
DENSE = votes_of([[0, 1, 2, 4], [0, 1, 2, 4], [0, 1, 5, 3]], LABEL)
PRUNED = votes_of([[0, 2, 2, 3], [0, 2, 5, 3], [0, 1, 5, 3]], LABEL)
