# What trained models become before they are used: quantized, or with the blocks that are left packed for kernels that skip the others.
rule quantize:
    input:
        unpack(calibration_data),
        models=checkpoints,
    output:
        models="<results>/quantized/{level}/{cohort}.safetensors",
    log:
        "<logs>/quantize/{level}/{cohort}.log",
    wildcard_constraints:
        level="|".join(map(re.escape, QUANTIZED)) or "none",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("compress/quantize"),
        level=level_of,
        arithmetic=arithmetic_of,
        calibration=calibration_of,
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
        level=level_of,
        arithmetic=arithmetic_of,
        execution=config["execution"],
    message:
        "pack {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/compress/pack.py"
