# What trained models become before they are used: the layers with blocks of zeros packed, so that kernels can skip the blocks.
rule pack:
    input:
        models="<results>/models/{level}/{cohort}.safetensors",
        data="<results>/data/manifest.json",
    output:
        packed="<results>/packed/{level}/{cohort}.safetensors",
        explanation="<results>/packed/{level}/{cohort}.md",
    log:
        "<logs>/pack/{level}/{cohort}.log",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("pack"),
        level=level_of,
        execution=config["execution"],
    message:
        "pack {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/pack.py"
