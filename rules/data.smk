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


# A further test set of the study's classes. A folder of pictures is too large to look through at each start, arrays are followed.
rule prepare_natural:
    input:
        arrays=arrays_of,
        data="<results>/data/manifest.json",
    output:
        images="<results>/data/natural/{natural}.npy",
        examples="<results>/data/natural/{natural}.parquet",
        manifest="<results>/data/natural/{natural}.json",
    log:
        "<logs>/prepare_natural/{natural}.log",
    conda:
        "../envs/environment.yaml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        code=code("prepare_natural"),
        natural=natural_of,
        preparation=preparation_of,
    message:
        "prepare the natural test set {wildcards.natural}"
    script:
        "../scripts/prepare_natural.py"
