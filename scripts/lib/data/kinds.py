"""The kinds of exemplars that can be planted in a test set, as the paper's study of PIEs names them."""

TYPICAL = "typical"
PLANTED = ("mislabelled", "low_quality", "multiple_objects", "abstract", "lookalike")
