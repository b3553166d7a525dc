from scripts.lib.study.shared import EXPORTED

EXPORTED_TABLES = [table for table in EXPORTED if table in STUDY.tables]


# What leaves a study: for a model card, for a tracker of experiments, for labelling tools.
rule export_card:
    input:
        tables=expand("<results>/tables/{table}.csv", table=EXPORTED_TABLES),
    output:
        card="<results>/model_card.md",
        metrics="<results>/metrics.json",
        left_out="<results>/metrics_left_out.json",
    log:
        "<logs>/export_card.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("share/export_card"),
        study=config["study"],
        dataset=IMAGES.data.get("name", IMAGES.source),
        tables=EXPORTED_TABLES,
    message:
        "write the model card and the metrics"
    script:
        "../scripts/share/export_card.py"


rule list_changed_images:
    input:
        changed=f"<results>/tables/{'flips' if STUDY.compares_files else 'pies'}.csv",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        table="<results>/changed_images.csv",
    log:
        "<logs>/list_changed_images.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("share/list_changed_images"),
        compares_files=STUDY.compares_files,
        source=IMAGES.source,
        options=IMAGES.data,
    message:
        "list the changed images with the files of their pictures"
    script:
        "../scripts/share/list_changed_images.py"


rule share:
    input:
        rules.export_card.output,
        rules.list_changed_images.output,
