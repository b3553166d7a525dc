"""What a study cannot have, in sentences for its report."""


def left_out(images: bool, predictions: list[str], compares_files: bool, sets: list[str]) -> list[str]:
    """A sentence for each part of the report that a study cannot have.

    predictions: the levels of which there are no networks. compares_files: whether networks are compared one with one. sets: further test sets and labels
    that the study names and only populations are held against.
    """
    sentences = []
    if not images:
        sentences.append(
            "The pictures of images and the table of their kinds are left out: the study has predictions and no images."
        )
    if predictions:
        sentences.append(
            f"What the networks cost is left out: of {', '.join(predictions)} there are predictions and no networks."
        )
    if compares_files:
        sentences.append(
            "All that is said of populations is left out (PIEs by the modal labels of many models, their excess over a control, hardness, what compression in "
            "general does): the networks of this study are compared one with one, and what is found is of these files."
        )
        if sets:
            sentences.append(f"Not compared, because only populations are: {', '.join(sets)}.")
    return sentences
