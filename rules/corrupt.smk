# ImageNet-C's corruptions of the test images, in one of the two layouts that are published.
rule choose_examples:
    input:
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
        ids=IDS,
    output:
        chosen="<results>/corrupted/examples.csv",
    log:
        "<logs>/choose_examples.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("corrupt/choose_examples"),
        subset=config["corruptions"]["subset"],
        per_class=config["corruptions"]["per_class"],
        layout=LAYOUT,
    message:
        "choose the test images to corrupt"
    script:
        "../scripts/corrupt/choose_examples.py"


# One file a corruption with all its severities.
rule corrupt:
    input:
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
        chosen="<results>/corrupted/examples.csv",
    output:
        images="<results>/corrupted/{corruption}.npy",
        manifest="<results>/corrupted/{corruption}.json",
    log:
        "<logs>/corrupt/{corruption}.log",
    benchmark:
        "<benchmarks>/corrupt/{corruption}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        code=code_of_corruption("corrupt/corrupt"),
        tables=tables_of,
        severities=config["corruptions"]["severities"],
        engine=config["corruptions"]["engine"],
        stream=config["corruptions"]["stream"],
    message:
        "corrupt the test images: {wildcards.corruption}"
    script:
        "../scripts/corrupt/corrupt.py"


# One JPEG an image, corruption and severity. Snakemake follows the lists of them; the files are beside these.
rule corrupt_to_folders:
    input:
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
        chosen="<results>/corrupted/examples.csv",
    output:
        files="<results>/corrupted/shards/{corruption}/{shard}.sha256",
        manifest="<results>/corrupted/shards/{corruption}/{shard}.json",
    log:
        "<logs>/corrupt_to_folders/{corruption}/{shard}.log",
    benchmark:
        "<benchmarks>/corrupt_to_folders/{corruption}/{shard}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
    params:
        code=code_of_corruption("corrupt/corrupt_to_folders"),
        tables=tables_of,
        severities=config["corruptions"]["severities"],
        engine=config["corruptions"]["engine"],
        stream=config["corruptions"]["stream"],
        shards=len(SHARDS),
    message:
        "corrupt the test images: {wildcards.corruption}, shard {wildcards.shard}"
    script:
        "../scripts/corrupt/corrupt_to_folders.py"


rule describe_corruptions:
    input:
        files=corrupted("files", CLEAN_AND_CORRUPTIONS),
        manifests=corrupted("manifests", CLEAN_AND_CORRUPTIONS),
        data="<results>/data/manifest.json",
        chosen="<results>/corrupted/examples.csv",
    output:
        manifest="<results>/corrupted/manifest.json",
        labels=["<results>/corrupted/labels.npy"] if LAYOUT == "cifar-10-c" else [],
    log:
        "<logs>/describe_corruptions.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("corrupt/describe_corruptions"),
        layout=LAYOUT,
        severities=config["corruptions"]["severities"],
        engine=config["corruptions"]["engine"],
        stream=config["corruptions"]["stream"],
        subset=config["corruptions"]["subset"],
    message:
        "describe the corrupted images"
    script:
        "../scripts/corrupt/describe_corruptions.py"
