# The ledger: what every model of a cohort predicts for every example of a suite.
rule predict:
    input:
        models=of(POPULATIONS.networks),
        packed=of(POPULATIONS.packed),
        images=of(IMAGES.images),
        variants=of(IMAGES.variants),
        chosen=of(IMAGES.chosen),
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        ledger="<results>/predictions/{level}/{cohort}/{suite}.parquet",
    log:
        "<logs>/predict/{level}/{cohort}/{suite}.log",
    benchmark:
        "<benchmarks>/predict/{level}/{cohort}/{suite}.tsv"
    wildcard_constraints:
        level=one_of(POPULATIONS.modelled),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        gpu=POPULATIONS.gpus,
        mem_mb=memory(2000),
        runtime=minutes_to_predict,
    params:
        code=code("predict/predict"),
        device=config["training"]["device"],
        arithmetic=of(POPULATIONS.arithmetic),
        kernel=of(POPULATIONS.kernel_of),
        keep=of(STUDY.keeps_probabilities),
    message:
        "predict {wildcards.suite} with {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/predict/predict.py"


# Predictions from elsewhere: checked, and put into the ledger's order.
rule import_predictions:
    input:
        files=of(POPULATIONS.predictions_of),
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        ledger=expand("<results>/predictions/{{level}}/{{cohort}}/{suite}.parquet", suite=IMAGES.suites),
    log:
        "<logs>/import_predictions/{level}/{cohort}.log",
    benchmark:
        "<benchmarks>/import_predictions/{level}/{cohort}.tsv"
    wildcard_constraints:
        level=one_of(POPULATIONS.predictions),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=code("predict/import_predictions"),
        models=config["population"]["models"],
        brought_models=of(POPULATIONS.brought_models),
        kind=of(POPULATIONS.kind_of_arrays),
        sparsity=of(POPULATIONS.stated_sparsity),
        suites=IMAGES.variants_of_suites,
        known=list(CORRUPTIONS),
        keep=STUDY.keeps_probabilities("clean"),
    message:
        "import the predictions of {wildcards.level}"
    script:
        "../scripts/predict/import_predictions.py"


# Times depend on the machine and on what else it does, so this job takes all cores and measures on one of them.
rule measure_cost:
    input:
        models=POPULATIONS.first_networks,
        data="<results>/data/manifest.json",
    output:
        table=shown("<results>/tables/cost.csv"),
    log:
        "<logs>/measure_cost.log",
    conda:
        "../envs/environment.yaml"
    threads: all_cores
    resources:
        gpu=POPULATIONS.gpus,
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code("predict/measure_cost"),
        kernel=POPULATIONS.kernel,
        levels=POPULATIONS.levels,
        least_gain=config["execution"]["least_gain"],
        device=config["training"]["device"],
        cost=config["cost"],
        significance=config["audit"]["significance"],
    message:
        "measure what the networks of every level cost"
    script:
        "../scripts/predict/measure_cost.py"
