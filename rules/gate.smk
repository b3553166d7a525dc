# The gate: what the study promises of its compressed levels, judged, and a door that stays shut where a promise is not kept.
rule judge_promises:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        data="<results>/data/manifest.json",
        annotations=IMAGES.annotations if STUDY.promises_of("worst_group") else [],
        cost="<results>/tables/cost.csv" if STUDY.promises_of("latency", "bytes") else [],
        pies="<results>/tables/pie_summary.csv" if STUDY.promises_of("excess_pies") else [],
        robustness=STUDY.robustness_summary if STUDY.promises_of("mce", "corrupted_top1_loss") else [],
    output:
        table=shown("<results>/tables/gate.csv"),
        json="<results>/gate.json",
        markdown="<results>/gate.md",
        junit="<results>/gate.xml",
    log:
        "<logs>/judge_promises.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("gate/judge_promises"),
        study=config["study"],
        promises=STUDY.promises,
        inconclusive=config["audit"]["inconclusive"],
        designs=POPULATIONS.designs,
        subgroups=config["audit"]["subgroups"],
        smallest_group=config["audit"]["smallest_group"],
        significance=config["audit"]["significance"],
    message:
        "judge what was promised of the compressed levels"
    script:
        "../scripts/gate/judge_promises.py"


rule pass_gate:
    input:
        gate="<results>/gate.json",
        markdown="<results>/gate.md",
    output:
        passed="<results>/gate.passed",
    log:
        "<logs>/pass_gate.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("gate/pass_gate"),
    message:
        "pass the gate"
    script:
        "../scripts/gate/pass_gate.py"


rule gate:
    input:
        gate_of_study,
