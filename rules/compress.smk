# What trained models become before they are used: quantized, or with the blocks that are left packed for kernels that skip the others;
# and what they are with some layers compressed only.
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
        mem_mb=memory(2000),
        runtime=minutes(30),
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
        mem_mb=memory(2000),
        runtime=minutes(30),
    params:
        code=code("compress/pack"),
        level=of(POPULATIONS.entry),
        arithmetic=of(POPULATIONS.arithmetic),
        execution=config["execution"],
    message:
        "pack {wildcards.level}, seeds {wildcards.cohort}"
    script:
        "../scripts/compress/pack.py"


rule blame_layers:
    input:
        uncompressed=of(POPULATIONS.uncompressed),
        compressed=of(POPULATIONS.networks),
        images=IMAGES.images("clean"),
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        votes="<results>/layers/{level}/{cohort}.parquet",
    log:
        "<logs>/blame_layers/{level}/{cohort}.log",
    wildcard_constraints:
        level=one_of(config["audit"]["layers"]["levels"]),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        gpu=POPULATIONS.gpus,
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        code=code("compress/blame_layers"),
        level=of(POPULATIONS.entry),
        device=config["training"]["device"],
        arithmetic=of(POPULATIONS.arithmetic),
        images=config["audit"]["layers"]["images"],
    message:
        "compress the layers of {wildcards.level} one by one, seeds {wildcards.cohort}"
    script:
        "../scripts/compress/blame_layers.py"


rule exempt_layers:
    input:
        votes=of(STUDY.layer_votes),
        uncompressed=of(STUDY.all_uncompressed),
        compressed=of(STUDY.all_compressed),
        images=IMAGES.images("clean"),
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        table="<results>/layers/{level}/exemptions.csv",
    log:
        "<logs>/exempt_layers/{level}.log",
    wildcard_constraints:
        level=one_of(config["audit"]["layers"]["levels"]),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        gpu=POPULATIONS.gpus,
        mem_mb=memory(4000),
        runtime=minutes(240),
    params:
        code=code("compress/exempt_layers"),
        level=of(POPULATIONS.entry),
        device=config["training"]["device"],
        arithmetic=of(POPULATIONS.arithmetic),
        images=config["audit"]["layers"]["images"],
        margin=config["audit"]["layers"]["margin"],
        significance=config["audit"]["significance"],
    message:
        "look for layers of {wildcards.level} to exempt"
    script:
        "../scripts/compress/exempt_layers.py"
