# Populations: models of one level that differ only in their seed, trained a cohort at a time and pruned as they train.
rule train:
    input:
        images=training_images,
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        models="<results>/models/{level}/{cohort}.safetensors",
    log:
        "<logs>/train/{level}/{cohort}.log",
    benchmark:
        "<benchmarks>/train/{level}/{cohort}.tsv"
    wildcard_constraints:
        level=choice(TRAINED),
    priority: 1  # the longest jobs first, so that the short ones fill the gaps at the end
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=2000,
        runtime=60,
    params:
        code=code("train/train"),
        level=trained_as_of,
        network=config["network"],
        training=config["training"],
        pruning=pruning_of,
    message:
        "train {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/train/train.py"


# Models that were trained elsewhere: checked, and which file is which model. The weights stay where they are.
rule import_checkpoints:
    input:
        weights=weights_of,
        beside=beside_weights,
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        models="<results>/models/{level}/{cohort}.safetensors",
    log:
        "<logs>/import_checkpoints/{level}/{cohort}.log",
    benchmark:
        "<benchmarks>/import_checkpoints/{level}/{cohort}.tsv"
    wildcard_constraints:
        level=choice(CHECKPOINTS),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("train/import_checkpoints"),
        checkpoints=brought_networks_of,
        factory=factory_of,
    message:
        "check the checkpoints of {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/train/import_checkpoints.py"
