# ImageNet-C's corruptions of the test images, one file a corruption with all its severities.
rule corrupt:
    input:
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        images="<results>/corrupted/{corruption}.npy",
        manifest="<results>/corrupted/{corruption}.json",
    log:
        "<logs>/corrupt/{corruption}.log",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code_of_corruption,
        constants=constants_of,
        severities=config["corruptions"]["severities"],
        engine=config["corruptions"]["engine"],
        stream=config["corruptions"]["stream"],
        examples_per_class=config["corruptions"]["examples_per_class"],
    message:
        "corrupt the test images: {wildcards.corruption}"
    script:
        "../scripts/corrupt.py"
