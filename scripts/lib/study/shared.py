"""What leaves a study: the tables that its model card and its metrics are made of, where it has them."""

EXPORTED = (
    *("pie_summary", "score_summary", "class_summary", "class_impact", "robustness_summary", "natural", "real"),
    *("pair_summary", "pair_classes", "pair_robustness_summary", "pair_cost"),
    *("cost_and_forgetting", "cost"),
)
