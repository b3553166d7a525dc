# The test and training images, and the table of what each of them is.
rule prepare_data:
    output:
        train="<results>/data/train.npy",
        test="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        manifest="<results>/data/manifest.json",
    log:
        "<logs>/prepare_data.log",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("prepare_data"),
        source=config["data"]["source"],
        options=config["data"][config["data"]["source"]],
    message:
        "prepare the data: {params.source}"
    script:
        "../scripts/prepare_data.py"
