# Populations: models of one level that differ only in their seed, trained a cohort at a time and pruned as they train.
rule train:
    input:
        images=of(IMAGES.training_images),
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        models="<results>/models/{level}/{cohort}.safetensors",
        epochs="<results>/epochs/{level}/{cohort}.csv",
    log:
        "<logs>/train/{level}/{cohort}.log",
    benchmark:
        "<benchmarks>/train/{level}/{cohort}.tsv"
    wildcard_constraints:
        level=one_of(POPULATIONS.trained),
    priority: 1  # the longest jobs first, so that the short ones fill the gaps at the end
    conda:
        "../envs/environment.yaml"
    threads: STUDY.training_threads
    resources:
        gpu=POPULATIONS.gpus * POPULATIONS.processes,
        mem_mb=memory(2000 * POPULATIONS.processes),
        runtime=minutes_to_train,
    params:
        code=code("train/train"),
        level=of(POPULATIONS.entry_for_training),
        network=of(POPULATIONS.network),
        training=POPULATIONS.training,
        pruning=of(POPULATIONS.pruning),
    message:
        "train {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/train/train.py"


# Models that were trained elsewhere: checked, and which file is which model. The weights stay where they are.
rule import_checkpoints:
    input:
        weights=of(POPULATIONS.weights_of),
        beside=of(POPULATIONS.beside_weights),
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
        level=one_of(POPULATIONS.weights),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code("train/import_checkpoints"),
        checkpoints=of(POPULATIONS.brought_network),
        factory=of(POPULATIONS.factory),
    message:
        "check the checkpoints of {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/train/import_checkpoints.py"
