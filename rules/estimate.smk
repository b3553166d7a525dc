from scripts.lib.study.counts import published_counts
from scripts.lib.study.work import finished_jobs, levels_to_train, not_counted, work_of

PUBLISHED_COUNTS = published_counts(IMAGES.source, IMAGES.data, IMAGES.splits)
BENCHMARKS = f"results/{config['study']}/benchmarks"


# Before anything is begun: how long a study takes and how much room it needs. It alone has the machine, as cores and threads are what it counts with.
rule estimate_study:
    input:
        data=[] if PUBLISHED_COUNTS else "<results>/data/manifest.json",
        examples=[] if PUBLISHED_COUNTS else "<results>/data/examples.parquet",
        ids=IMAGES.ids,
    output:
        table="<results>/estimate.csv",
        page="<results>/estimate.md",
    log:
        "<logs>/estimate_study.log",
    conda:
        "../envs/environment.yaml"
    threads: all_cores
    resources:
        gpu=POPULATIONS.gpus,
        mem_mb=memory(4000),
        runtime=minutes(30),
    params:
        code=code("estimate/estimate_study"),
        study=config["study"],
        work=work_of(STUDY),
        left_out=not_counted(STUDY),
        published=PUBLISHED_COUNTS,
        splits=IMAGES.splits,
        short_side=IMAGES.data["shards"]["short_side"] if IMAGES.training_shards else 0,
        levels=POPULATIONS.levels,
        trained=levels_to_train(STUDY),
        quantization={level: POPULATIONS.quantization(level) for level in POPULATIONS.quantized},
        training=config["training"],
        corruptions=config["corruptions"],
        cost=config["cost"],
        keep=STUDY.keeps_probabilities("clean"),
        benchmarks=BENCHMARKS,
        finished=lambda wildcards: finished_jobs(work_of(STUDY), BENCHMARKS),  # more of them make the estimate anew
    message:
        "estimate the study: time a little of everything"
    script:
        "../scripts/estimate/estimate_study.py"


# It has no output, so it says the estimate whenever it is asked.
rule estimate:
    input:
        page="<results>/estimate.md",
    log:
        "<logs>/estimate.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    message:
        "the estimate"
    shell:
        "tee {log} < {input.page}"
