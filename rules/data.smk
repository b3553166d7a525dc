# The test and training images, and the table of what each of them is.
rule prepare_data:
    input:
        tracked_files(SOURCE, DATA),
    output:
        images=expand("<results>/data/{split}.npy", split=SPLITS),
        examples="<results>/data/examples.parquet",
        manifest="<results>/data/manifest.json",
    log:
        "<logs>/prepare_data.log",
    conda:
        "../envs/environment.yaml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        code=code("prepare_data"),
        source=SOURCE,
        name=DATA.get("name", SOURCE),
        options=DATA,
        splits=SPLITS,
    message:
        "prepare the data: {params.name}"
    script:
        "../scripts/prepare_data.py"
