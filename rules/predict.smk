# The ledger: what every model of a cohort predicts for every example of a suite.
rule predict:
    input:
        models="<results>/models/{level}/{cohort}.safetensors",
        packed=packed_of,
        images=images_of,
        variants=variants_of,
        chosen=chosen_of,
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        ledger="<results>/predictions/{level}/{cohort}/{suite}.parquet",
    log:
        "<logs>/predict/{level}/{cohort}/{suite}.log",
    benchmark:
        "<benchmarks>/predict/{level}/{cohort}/{suite}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        gpu=GPU,
        mem_mb=2000,
        runtime=60,
    params:
        code=code("predict"),
        device=config["training"]["device"],
        kernel=KERNEL,
    message:
        "predict {wildcards.suite} with {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/predict.py"
