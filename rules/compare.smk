# The audit, continued: who pays. Kinds, classes and groups of images, corruptions and natural sets, and what speed costs.
rule compare_kinds:
    input:
        pies="<results>/tables/pies.csv",
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        examples="<results>/data/examples.parquet",
    output:
        table=shown("<results>/tables/planted.csv"),
    log:
        "<logs>/compare_kinds.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("compare/compare_kinds"),
        levels=POPULATIONS.compressed,
        significance=config["audit"]["significance"],
        permutations=config["audit"]["permutations"],
        tie_rule=config["audit"]["tie_rule"],
    message:
        "compare the PIE rates of planted kinds, head and tail"
    script:
        "../scripts/compare/compare_kinds.py"


rule score_labels:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
    output:
        annotations="<results>/data/label_quality.parquet",
    log:
        "<logs>/score_labels.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code("compare/score_labels"),
    message:
        "score how probable the dense models find each label"
    script:
        "../scripts/compare/score_labels.py"


rule compare_subgroups:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        annotations=IMAGES.annotations,
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/subgroups.csv"),
    log:
        "<logs>/compare_subgroups.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("compare/compare_subgroups"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        subgroups=config["audit"]["subgroups"],
        smallest_group=config["audit"]["smallest_group"],
        positive_class=config["audit"]["positive_class"],
        significance=config["audit"]["significance"],
    message:
        "compare accuracy and error rates on groups of images"
    script:
        "../scripts/compare/compare_subgroups.py"


rule compare_annotations:
    input:
        pies="<results>/tables/pies.csv",
        annotations=IMAGES.annotations,
    output:
        table=shown("<results>/tables/over_indexing.csv"),
    log:
        "<logs>/compare_annotations.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("compare/compare_annotations"),
        levels=POPULATIONS.compressed,
        subgroups=config["audit"]["subgroups"],
        significance=config["audit"]["significance"],
    message:
        "find what stands out among the PIEs"
    script:
        "../scripts/compare/compare_annotations.py"


rule compare_classes:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/class_impact.csv"),
        summary=shown("<results>/tables/class_summary.csv"),
    log:
        "<logs>/compare_classes.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("compare/compare_classes"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        significance=config["audit"]["significance"],
    message:
        "test which classes lose more than the average"
    script:
        "../scripts/compare/compare_classes.py"


rule measure_robustness:
    input:
        ledger=STUDY.ledger(*IMAGES.suites_of_test_images),
        checked=STUDY.checked,
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/robustness.csv"),
        summary=shown("<results>/tables/robustness_summary.csv"),
        pies=shown("<results>/tables/corrupted_pies.csv"),
    log:
        "<logs>/measure_robustness.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("compare/measure_robustness"),
        levels=list(POPULATIONS.levels),
        corruptions=IMAGES.corruptions,
        reference=config["corruptions"]["reference"],
        designs=POPULATIONS.designs,
        tie_rule=config["audit"]["tie_rule"],
        significance=config["audit"]["significance"],
        resamples=config["audit"]["resamples"],
    message:
        "measure what every corruption does to top-1, top-5 and PIEs"
    script:
        "../scripts/compare/measure_robustness.py"


rule measure_natural:
    input:
        ledger=STUDY.ledger("clean", "natural"),
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/natural.csv"),
    log:
        "<logs>/measure_natural.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("compare/measure_natural"),
        levels=list(POPULATIONS.levels),
        designs=POPULATIONS.designs,
        natural=list(IMAGES.natural),
        significance=config["audit"]["significance"],
    message:
        "measure top-1 and top-5 on natural test sets"
    script:
        "../scripts/compare/measure_natural.py"


rule measure_real:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        labels=IMAGES.real,
    output:
        table=shown("<results>/tables/real.csv"),
    log:
        "<logs>/measure_real.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("compare/measure_real"),
        designs=POPULATIONS.designs,
        significance=config["audit"]["significance"],
    message:
        "measure top-1 by all labels that fit"
    script:
        "../scripts/compare/measure_real.py"


rule weigh_cost:
    input:
        cost="<results>/tables/cost.csv",
        pies="<results>/tables/pie_summary.csv",
        classes="<results>/tables/class_impact.csv",
    output:
        table=shown("<results>/tables/cost_and_forgetting.csv"),
    log:
        "<logs>/weigh_cost.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("compare/weigh_cost"),
    message:
        "set cost against forgetting"
    script:
        "../scripts/compare/weigh_cost.py"


rule compare_layers:
    input:
        votes=STUDY.blamed,
        control=STUDY.control_ledger,
        exemptions=STUDY.exemptions,
    output:
        table=shown("<results>/tables/layers.csv"),
        exemptions=shown("<results>/tables/exemptions.csv"),
    log:
        "<logs>/compare_layers.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("compare/compare_layers"),
        significance=config["audit"]["significance"],
        tie_rule=config["audit"]["tie_rule"],
    message:
        "compare what the layers of compressed levels change"
    script:
        "../scripts/compare/compare_layers.py"
