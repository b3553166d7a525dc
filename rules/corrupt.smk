# ImageNet-C's corruptions of the test images, in one of the two layouts that are published.
rule choose_examples:
    input:
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
        ids=IMAGES.ids,
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
        layout=config["corruptions"]["layout"],
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
        mem_mb=memory(1000),
        runtime=minutes(240),
    params:
        code=code_of_corruption("corrupt/corrupt"),
        tables=of(IMAGES.corruption_tables),
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
        mem_mb=memory(1000),
        runtime=minutes(240),
    params:
        code=code_of_corruption("corrupt/corrupt_to_folders"),
        tables=of(IMAGES.corruption_tables),
        severities=config["corruptions"]["severities"],
        engine=config["corruptions"]["engine"],
        stream=config["corruptions"]["stream"],
        shards=len(IMAGES.shards),
    message:
        "corrupt the test images: {wildcards.corruption}, shard {wildcards.shard}"
    script:
        "../scripts/corrupt/corrupt_to_folders.py"


# With many shards and many models, naming each shard in each job that predicts takes most of the planning.
rule list_shards:
    input:
        files=of(IMAGES.files_of_shards),
        manifests=of(IMAGES.manifests_of_shards),
    output:
        shards="<results>/corrupted/shards/{corruption}.json",
    log:
        "<logs>/list_shards/{corruption}.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("corrupt/list_shards"),
    message:
        "list the shards of {wildcards.corruption}"
    script:
        "../scripts/corrupt/list_shards.py"


rule describe_corruptions:
    input:
        files=IMAGES.corrupted("files", IMAGES.clean_and_corruptions),
        manifests=IMAGES.corrupted("manifests", IMAGES.clean_and_corruptions),
        data="<results>/data/manifest.json",
        chosen="<results>/corrupted/examples.csv",
    output:
        manifest="<results>/corrupted/manifest.json",
        labels=["<results>/corrupted/labels.npy"] if config["corruptions"]["layout"] == "cifar-10-c" else [],
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
        layout=config["corruptions"]["layout"],
        severities=config["corruptions"]["severities"],
        engine=config["corruptions"]["engine"],
        stream=config["corruptions"]["stream"],
        subset=config["corruptions"]["subset"],
    message:
        "describe the corrupted images"
    script:
        "../scripts/corrupt/describe_corruptions.py"
