from scripts.lib.study.planned import predictions_there, written

# No input of the rule, which must not train what is missing.
THERE = of(lambda: predictions_there(STUDY, f"results/{config['study']}", PUBLISHED_COUNTS))


# How many models and images show how much, before they are made. Predictions of a few dense models are enough.
rule plan_study:
    output:
        table="<results>/plan.csv",
        page="<results>/plan.md",
    log:
        "<logs>/plan_study.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plan/plan_study"),
        study=config["study"],
        plan=config["plan"],
        models=config["population"]["models"],
        compares_files=STUDY.compares_files,
        levels=POPULATIONS.compressed,
        designs=POPULATIONS.designs,
        significance=config["audit"]["significance"],
        permutations=config["audit"]["permutations"],
        tie_rule=config["audit"]["tie_rule"],
        published=PUBLISHED_COUNTS,
        ledger=THERE,
        written=lambda wildcards: written(THERE(wildcards)),  # more of them make the plan anew
    message:
        "plan the study: how many models and images show how much"
    script:
        "../scripts/plan/plan_study.py"


# It has no output, so it says the plan whenever it is asked.
rule plan:
    input:
        page="<results>/plan.md",
    log:
        "<logs>/plan.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    message:
        "the plan"
    shell:
        "tee {log} < {input.page}"
