# The audit: from the ledger to tidy tables.
# What was brought is first held against all levels: pairs, and no model twice. What is made here cannot be wrong so.
rule check_populations:
    input:
        ledger=STUDY.ledger("clean"),
    output:
        populations="<results>/predictions/populations.json",
    log:
        "<logs>/check_populations.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("audit/check_populations"),
        designs=POPULATIONS.designs,
        brought=POPULATIONS.brought,
    message:
        "check who is who among the models"
    script:
        "../scripts/audit/check_populations.py"


rule find_pies:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/pies.csv"),
    log:
        "<logs>/find_pies.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("audit/find_pies"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        deals=config["audit"]["permutations"],
        tie_rule=config["audit"]["tie_rule"],
    message:
        "find the PIEs of every level"
    script:
        "../scripts/audit/find_pies.py"


rule summarize_pies:
    input:
        pies="<results>/tables/pies.csv",
        ledger=STUDY.ledger("clean"),
    output:
        table=shown("<results>/tables/pie_summary.csv"),
    log:
        "<logs>/summarize_pies.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("audit/summarize_pies"),
        levels=POPULATIONS.compressed,
        significance=config["audit"]["significance"],
        permutations=config["audit"]["permutations"],
        tie_rule=config["audit"]["tie_rule"],
    message:
        "hold the PIE counts against the control and against chance"
    script:
        "../scripts/audit/summarize_pies.py"


rule trace_pies:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/pie_curve.csv"),
    log:
        "<logs>/trace_pies.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("audit/trace_pies"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        subsets=config["audit"]["subsets"],
        tie_rule=config["audit"]["tie_rule"],
        significance=config["audit"]["significance"],
    message:
        "trace the PIE count over the number of models"
    script:
        "../scripts/audit/trace_pies.py"


rule score_examples:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/scores.csv"),
    log:
        "<logs>/score_examples.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("audit/score_examples"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        tie_rule=config["audit"]["tie_rule"],
    message:
        "score how differently the populations vote on every example"
    script:
        "../scripts/audit/score_examples.py"


rule summarize_scores:
    input:
        scores="<results>/tables/scores.csv",
        ledger=STUDY.ledger("clean"),
    output:
        table=shown("<results>/tables/score_summary.csv"),
    log:
        "<logs>/summarize_scores.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("audit/summarize_scores"),
        levels=POPULATIONS.compressed,
        significance=config["audit"]["significance"],
    message:
        "hold the scores against the control's"
    script:
        "../scripts/audit/summarize_scores.py"


rule measure_hardness:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/hardness.csv"),
        predictors=shown("<results>/tables/predictors.csv"),
    log:
        "<logs>/measure_hardness.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("audit/measure_hardness"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        tie_rule=config["audit"]["tie_rule"],
        significance=config["audit"]["significance"],
        splits=config["audit"]["splits"],
    message:
        "measure how hard PIEs are for models that did not choose them"
    script:
        "../scripts/audit/measure_hardness.py"


rule measure_calibration:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/calibration.csv"),
        reliability=shown("<results>/tables/reliability.csv"),
    log:
        "<logs>/measure_calibration.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("audit/measure_calibration"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        significance=config["audit"]["significance"],
    message:
        "measure how sure the models are beside how often they are right"
    script:
        "../scripts/audit/measure_calibration.py"
