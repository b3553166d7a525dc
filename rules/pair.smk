# Networks compared one with one: one file dense, one compressed, and the images.
rule compare_pairs:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/pair_summary.csv"),
        flips=shown("<results>/tables/flips.csv"),
    log:
        "<logs>/compare_pairs.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("pair/compare_pairs"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        beside=POPULATIONS.beside,
        significance=config["audit"]["significance"],
    message:
        "compare what the networks say of each image"
    script:
        "../scripts/pair/compare_pairs.py"


rule compare_pair_classes:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/pair_classes.csv"),
    log:
        "<logs>/compare_pair_classes.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("pair/compare_pair_classes"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        significance=config["audit"]["significance"],
    message:
        "compare the networks class by class"
    script:
        "../scripts/pair/compare_pair_classes.py"


rule compare_pair_groups:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        annotations=IMAGES.annotations,
    output:
        table=shown("<results>/tables/pair_groups.csv"),
    log:
        "<logs>/compare_pair_groups.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("pair/compare_pair_groups"),
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        subgroups=config["audit"]["subgroups"],
        smallest_group=config["audit"]["smallest_group"],
        significance=config["audit"]["significance"],
    message:
        "compare the networks on groups of images"
    script:
        "../scripts/pair/compare_pair_groups.py"


rule compare_pair_corruptions:
    input:
        ledger=STUDY.ledger(*IMAGES.suites_of_test_images),
        checked=STUDY.checked,
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/pair_robustness.csv"),
        summary=shown("<results>/tables/pair_robustness_summary.csv"),
    log:
        "<logs>/compare_pair_corruptions.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("pair/compare_pair_corruptions"),
        levels=list(POPULATIONS.levels),
        designs=POPULATIONS.designs,
        corruptions=IMAGES.corruptions,
        reference=config["corruptions"]["reference"],
        resamples=config["audit"]["resamples"],
        significance=config["audit"]["significance"],
    message:
        "compare the networks under corruption"
    script:
        "../scripts/pair/compare_pair_corruptions.py"


rule weigh_pair_cost:
    input:
        cost="<results>/tables/cost.csv",
        pairs="<results>/tables/pair_summary.csv",
        classes="<results>/tables/pair_classes.csv",
    output:
        table=shown("<results>/tables/pair_cost.csv"),
    log:
        "<logs>/weigh_pair_cost.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("pair/weigh_pair_cost"),
    message:
        "set the networks' cost against what they forget"
    script:
        "../scripts/pair/weigh_pair_cost.py"


rule draw_flips:
    input:
        table="<results>/tables/pair_summary.csv",
    output:
        figure=shown("<results>/figures/flips.svg"),
    log:
        "<logs>/draw_flips.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("pair/draw_flips"),
    message:
        "draw the images on which networks differ"
    script:
        "../scripts/pair/draw_flips.py"


rule draw_pair_classes:
    input:
        table="<results>/tables/pair_classes.csv",
    output:
        figure=shown("<results>/figures/pair_classes.svg"),
    log:
        "<logs>/draw_pair_classes.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("pair/draw_pair_classes"),
    message:
        "draw what each class loses"
    script:
        "../scripts/pair/draw_pair_classes.py"


rule draw_pair_cost:
    input:
        table="<results>/tables/pair_cost.csv",
    output:
        figure=shown("<results>/figures/pair_cost.svg"),
    log:
        "<logs>/draw_pair_cost.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("pair/draw_pair_cost"),
    message:
        "draw the networks' cost against their flips"
    script:
        "../scripts/pair/draw_pair_cost.py"
