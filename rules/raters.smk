# People judge images without knowing which of them compression changed, and what they say becomes a table.
rule make_rater_kit:
    input:
        pies="<results>/tables/pies.csv",
        dense=STUDY.dense_ledger,
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        page="<results>/rater_kit.html",
        key="<results>/raters/key.csv",
    log:
        "<logs>/make_rater_kit.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("raters/make_rater_kit"),
        template=sha256(RATER_KIT_TEMPLATE),
        study=config["study"],
        levels=STUDY.rated_levels,
        images=config["raters"]["images"],
        seed=config["raters"]["seed"],
    message:
        "make the page for raters"
    script:
        "../scripts/raters/make_rater_kit.py"


rule measure_raters:
    input:
        answers=STUDY.rater_answers,
        key="<results>/raters/key.csv",
    output:
        table="<results>/tables/rater.csv",
    log:
        "<logs>/measure_raters.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("raters/measure_raters"),
        resamples=config["audit"]["resamples"],
        significance=config["audit"]["significance"],
    message:
        "measure what raters say, and how far they agree"
    script:
        "../scripts/raters/measure_raters.py"


rule rater_kit:
    input:
        rater_kit_of_study,
