# What trained models become before they are used: quantized, or with the blocks that are left packed for kernels that skip the others.
rule quantize:
    input:
        unpack(of(STUDY.calibration_data)),
        models=of(POPULATIONS.checkpoints),
    output:
        models="<results>/quantized/{level}/{cohort}.safetensors",
    log:
        "<logs>/quantize/{level}/{cohort}.log",
    wildcard_constraints:
        level=one_of(POPULATIONS.quantized),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("compress/quantize"),
        level=of(POPULATIONS.entry),
        arithmetic=of(POPULATIONS.arithmetic),
        quantization=of(POPULATIONS.quantization),
    message:
        "quantize {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/compress/quantize.py"


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
        code=code("compress/pack"),
        level=of(POPULATIONS.entry),
        arithmetic=of(POPULATIONS.arithmetic),
        execution=config["execution"],
    message:
        "pack {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/compress/pack.py"
