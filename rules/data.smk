# Published files that the study asks for. No fingerprint of code: a file with its checksum is right whatever code fetched it.
rule download_data:
    output:
        file="downloads/{file}",
    log:
        "<logs>/download_data/{file}.log",
    wildcard_constraints:
        file=one_of(DOWNLOADS),
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    message:
        "download {wildcards.file}"
    script:
        "../scripts/data/download_data.py"


# The test and training images, and the table of what each of them is. Shards are written by the threads of one job and not by many jobs: it alone
# has looked at all pictures before it says which are left out, and decoders let other threads run.
rule prepare_data:
    input:
        IMAGES.data_files,
    output:
        images=expand("<results>/data/{split}.npy", split=IMAGES.in_arrays),
        shards=IMAGES.training_shards,
        examples="<results>/data/examples.parquet",
        manifest="<results>/data/manifest.json",
    log:
        "<logs>/prepare_data.log",
    conda:
        "../envs/environment.yaml"
    threads: 16 if IMAGES.training_shards else 4
    resources:
        mem_mb=memory(4000 if IMAGES.training_shards else 2000),
        runtime=minutes(1440 if IMAGES.training_shards else 120),
    params:
        code=code("data/prepare_data"),
        source=IMAGES.source,
        name=IMAGES.data.get("name", IMAGES.source),
        options=IMAGES.data,
        splits=IMAGES.in_arrays,
    message:
        "prepare the data: {params.name}"
    script:
        "../scripts/data/prepare_data.py"


# A further test set of the study's classes. A folder of pictures is too large to look through at each start, arrays are followed.
rule prepare_natural:
    input:
        arrays=of(IMAGES.natural_arrays),
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
        mem_mb=memory(2000),
        runtime=minutes(120),
    params:
        code=code("data/prepare_natural"),
        natural=of(IMAGES.natural_set),
        preparation=of(IMAGES.preparation),
    message:
        "prepare the natural test set {wildcards.natural}"
    script:
        "../scripts/data/prepare_natural.py"


# What is known of the test images beside their labels. Early, so that an odd file stops a study before models are trained.
rule join_annotations:
    input:
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
        files=IMAGES.joined_files,
    output:
        annotations="<results>/data/annotations.parquet",
    log:
        "<logs>/join_annotations.log",
    priority: 2
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("data/join_annotations"),
        joins=config["joins"],
        subgroups=config["audit"]["subgroups"],
        positive_class=config["audit"]["positive_class"],
        known_later=IMAGES.known_later,
    message:
        "join what is known of the test images"
    script:
        "../scripts/data/join_annotations.py"


rule check_image_quality:
    input:
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        annotations="<results>/data/image_quality.parquet",
    log:
        "<logs>/check_image_quality.log",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=minutes(120),
    params:
        code=code("data/check_image_quality"),
    message:
        "check the quality of the test images"
    script:
        "../scripts/data/check_image_quality.py"
