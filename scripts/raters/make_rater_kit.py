"""rater_kit.html and key.csv: PIEs, control-PIEs and images as doubtful as the PIEs, for people to judge who do not know which is which."""

import base64
import hashlib
import io
import json

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup
from PIL import Image

from scripts.lib.audit.halves import everybody, tally_halves
from scripts.lib.audit.matched_sample import matched_sample
from scripts.lib.data.dataset import Examples, load_split, pixels_digest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.jobs.project import RATER_KIT_TEMPLATE
from scripts.lib.jobs.streams import generator, key
from scripts.lib.ledger.predictions import load_population
from scripts.lib.study.levels import CONTROL
from scripts.lib.study.raters import ANSWERS, QUESTIONS
from scripts.lib.tables.rater import GROUPS
from scripts.lib.tables.table import load_table, save_table


def choose(
    of_levels: np.ndarray, of_control: np.ndarray, margin: np.ndarray, images: int, seed: int
) -> dict[str, np.ndarray]:
    """Positions of the images of each of GROUPS, so many of each as there are and `images` at most.

    of_levels, of_control: bool[N], PIEs of any level and of the control; margin: [N], of the dense models' votes. PIEs and control-PIEs are
    drawn each from all there are, so an image that is both may be in both groups. The matched are neither.
    """
    drawn = {}
    for group, members in zip(GROUPS, (of_levels, of_control), strict=False):
        found = np.flatnonzero(members)
        drawn[group] = generator("raters", seed, group).permutation(found)[:images]
    matches = matched_sample(margin, drawn["pie"], ~(of_levels | of_control), generator("raters", seed, "matched"))
    return drawn | {"matched": matches}


def token_of(example: str, seed: int) -> str:
    """What stands for an example in the page: a hash of its id, which says nothing of its group."""
    return f"{key('rater', seed, example):032x}"[:16]


def key_table(
    chosen: dict[str, np.ndarray],
    examples: Examples,
    classes: list[str],
    levels_of: list[str],
    margin: np.ndarray,
    seed: int,
) -> pd.DataFrame:
    """Who is who: a row for each image and group that it is in, sorted by token."""
    rows = [
        {
            "image": token_of(examples.example[place], seed),
            "example": examples.example[place],
            "group": group,
            "level": {"pie": levels_of[place], "control_pie": CONTROL, "matched": "none"}[group],
            "label_name": classes[examples.label[place]],
            "dense_margin": int(margin[place]),
        }
        for group, places in chosen.items()
        for place in places.tolist()
    ]
    return pd.DataFrame(rows).sort_values(["image", "group"], ignore_index=True)


def kit_digest(cards: list[dict]) -> str:
    """What names a kit: the same images under the same labels and tokens are the same kit, however the page looks."""
    said = [(card["image"], card["label"], card["pixels"]) for card in cards]
    return hashlib.blake2b(json.dumps([said, list(QUESTIONS)]).encode(), digest_size=8).hexdigest()


def cards_of(table: pd.DataFrame, images: np.ndarray, examples: Examples) -> list[dict]:
    """What the page holds of each image, in the order of the tokens: token, label, picture as PNG, size, and the digest of its pixels.

    Raises InputError for an image that is not the one that the example table describes.
    """
    position = {example: place for place, example in enumerate(examples.example.tolist())}
    cards = []
    for row in table.drop_duplicates("image").itertuples():
        image = np.asarray(images[position[row.example]])
        digest = pixels_digest(image)
        if digest != examples.pixels[position[row.example]]:
            raise InputError(
                f"the test image {row.example} is not the one that the example table describes: delete data/, and snakemake makes it again."
            )
        file = io.BytesIO()
        Image.fromarray(image).save(file, format="PNG", optimize=True)
        picture = base64.b64encode(file.getvalue()).decode()
        cards.append(
            {
                "image": row.image,
                "label": row.label_name,
                "png": picture,
                "width": image.shape[1],
                "height": image.shape[0],
                "pixels": digest,
            }
        )
    return cards


def page_of(cards: list[dict], kit: str, study: str) -> str:
    """The page, which needs no server and asks for nothing. What comes from data cannot end the script that holds it."""
    shown = [{name: value for name, value in card.items() if name != "pixels"} for card in cards]
    data = {
        "kit": kit,
        "study": study,
        "questions": {name: question.asks for name, question in QUESTIONS.items()},
        "answers": ANSWERS,
        "cards": shown,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(RATER_KIT_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(study=study, images=len(cards), questions=QUESTIONS.values(), data=Markup(text)) + "\n"


def main(input, output, params) -> None:
    """Read the PIEs, the dense models' votes and the images; write the page and, beside it, who is who."""
    images, examples, manifest = load_split(input.images, input.examples, input.data, "test", mapped=True)
    pies = load_table(input.pies)
    found = {
        level: rows.set_index("example").pie.reindex(examples.example).to_numpy(dtype=bool)
        for level, rows in pies.groupby("level", sort=False)
        if level in (CONTROL, *params.levels)
    }
    dense = load_population(input.dense, "dense")["clean", 0].restricted_to(examples.example)
    margin = tally_halves(dense.votes, everybody(len(dense.seed)))[0].margin[0]
    of_levels = np.any([found[level] for level in params.levels], axis=0)
    if not of_levels.any():
        raise InputError(
            f"none of the levels {', '.join(params.levels)} has a PIE, so there is nothing to show to raters: name others in `raters.levels`."
        )
    levels_of = [";".join(level for level in params.levels if found[level][place]) for place in range(len(examples))]
    chosen = choose(of_levels, found[CONTROL], margin, params.images, params.seed)
    table = key_table(chosen, examples, manifest["classes"], levels_of, margin, params.seed)
    cards = cards_of(table, images, examples)
    kit = kit_digest(cards)
    for group, places in chosen.items():
        print(
            f"{group}: {len(places)} images, mean vote margin {margin[places].mean() if len(places) else 0:.2f} of {len(dense.seed)}"
        )
    print(f"{len(cards)} images to judge, kit {kit}")
    save_table(output.key, table.assign(kit=kit))
    write_text(output.page, page_of(cards, kit, params.study))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
