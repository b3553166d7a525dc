# Groups of test images that nobody named: what is in the images, what the dense network sees in them, and where most changes.
rule describe_images:
    input:
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        statistics="<results>/data/image_statistics.parquet",
    log:
        "<logs>/describe_images.log",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=minutes(60),
    params:
        code=code("slices/describe_images"),
    message:
        "describe the test images"
    script:
        "../scripts/slices/describe_images.py"


rule extract_features:
    input:
        models=POPULATIONS.first_dense_networks,
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        features="<results>/data/features.parquet",
    log:
        "<logs>/extract_features.log",
    benchmark:
        "<benchmarks>/extract_features.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        gpu=POPULATIONS.gpus,
        mem_mb=memory(4000),
        runtime=minutes(60),
    params:
        code=code("slices/extract_features"),
        device=config["training"]["device"],
        arithmetic=POPULATIONS.arithmetic("dense"),
    message:
        "see the test images as the dense network does"
    script:
        "../scripts/slices/extract_features.py"


rule find_slices:
    input:
        features="<results>/data/features.parquet",
        statistics="<results>/data/image_statistics.parquet",
        pies=[] if STUDY.compares_files else "<results>/tables/pies.csv",
        ledger=STUDY.ledger("clean"),
        data="<results>/data/manifest.json",
        checked=STUDY.checked,
    output:
        table=shown("<results>/tables/slices.csv"),
        members="<results>/slices/members.parquet",
    log:
        "<logs>/find_slices.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("slices/find_slices"),
        levels=POPULATIONS.compressed,
        slices=config["slices"],
        tie_rule=config["audit"]["tie_rule"],
        permutations=config["audit"]["permutations"],
        significance=config["audit"]["significance"],
    message:
        "find the slices that change most, and test them on other images"
    script:
        "../scripts/slices/find_slices.py"


rule draw_slices:
    input:
        table="<results>/tables/slices.csv",
        members="<results>/slices/members.parquet",
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        figure=shown("<results>/figures/slices.png"),
    log:
        "<logs>/draw_slices.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("slices/draw_slices"),
    message:
        "draw images of the slices"
    script:
        "../scripts/slices/draw_slices.py"
