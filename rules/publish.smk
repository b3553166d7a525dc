# What people read: tables as pages, figures, the report.
rule render_tables:
    input:
        tables=expand("<results>/tables/{table}.csv", table=STUDY.tables),
    output:
        pages=expand("<results>/tables/{table}.md", table=STUDY.tables),
    log:
        "<logs>/render_tables.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/render_tables"),
        declaration=declaration(config),
    message:
        "write the tables as pages"
    script:
        "../scripts/publish/render_tables.py"


rule draw_pie_rates:
    input:
        table="<results>/tables/planted.csv",
    output:
        figure=shown("<results>/figures/pie_rates.svg"),
    log:
        "<logs>/draw_pie_rates.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_pie_rates"),
    message:
        "draw the PIE rate by kind and level"
    script:
        "../scripts/publish/draw_pie_rates.py"


rule draw_pie_curve:
    input:
        table="<results>/tables/pie_curve.csv",
    output:
        figure=shown("<results>/figures/pie_curve.svg"),
    log:
        "<logs>/draw_pie_curve.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_pie_curve"),
    message:
        "draw the PIE count over the number of models"
    script:
        "../scripts/publish/draw_pie_curve.py"


rule draw_training:
    input:
        epochs=STUDY.epochs,
    output:
        figure=shown("<results>/figures/training.svg"),
    log:
        "<logs>/draw_training.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_training"),
        levels=list(POPULATIONS.levels),
    message:
        "draw the training loss"
    script:
        "../scripts/publish/draw_training.py"


rule draw_class_impact:
    input:
        table="<results>/tables/class_impact.csv",
    output:
        figure=shown("<results>/figures/class_impact.svg"),
    log:
        "<logs>/draw_class_impact.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_class_impact"),
    message:
        "draw the class impact"
    script:
        "../scripts/publish/draw_class_impact.py"


rule draw_reliability:
    input:
        table="<results>/tables/reliability.csv",
    output:
        figure=shown("<results>/figures/reliability.svg"),
    log:
        "<logs>/draw_reliability.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_reliability"),
    message:
        "draw how often models are right that are about equally sure"
    script:
        "../scripts/publish/draw_reliability.py"


rule draw_cost:
    input:
        table="<results>/tables/cost_and_forgetting.csv",
    output:
        figure=shown("<results>/figures/cost.svg"),
    log:
        "<logs>/draw_cost.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_cost"),
    message:
        "draw cost against forgetting"
    script:
        "../scripts/publish/draw_cost.py"


rule draw_robustness:
    input:
        table=STUDY.robustness_summary,
    output:
        figure=shown("<results>/figures/robustness.svg"),
    log:
        "<logs>/draw_robustness.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_robustness"),
    message:
        "draw what is lost under corruption"
    script:
        "../scripts/publish/draw_robustness.py"


rule draw_layers:
    input:
        table="<results>/tables/layers.csv",
    output:
        figure=shown("<results>/figures/layers.svg"),
    log:
        "<logs>/draw_layers.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_layers"),
    message:
        "draw what each layer changes"
    script:
        "../scripts/publish/draw_layers.py"


rule draw_exemplars:
    input:
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
    output:
        figure=shown("<results>/figures/exemplars.png"),
    log:
        "<logs>/draw_exemplars.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/draw_exemplars"),
    message:
        "draw examples of every planted kind"
    script:
        "../scripts/publish/draw_exemplars.py"


rule write_report:
    input:
        tables=expand("<results>/tables/{table}.csv", table=STUDY.tables),
        figures=expand("<results>/figures/{figure}.svg", figure=STUDY.figures),
        pictures=expand("<results>/figures/{picture}.png", picture=STUDY.pictures),
        data="<results>/data/manifest.json",
        images="<results>/data/test.npy" if IMAGES.splits else [],
        examples="<results>/data/examples.parquet",
    output:
        report=shown("<results>/report.html"),
    log:
        "<logs>/write_report.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("publish/write_report"),
        template=[sha256(path) for path in REPORT],
        companions=(
            {"gallery.html": "the test images themselves, with what every level says of each"} if IMAGES.splits else {}
        ),
        # pages beside the report, with what it says of them
        study={key: value for key, value in config.items() if key != "plan"},  # which changes no number
        left_out=STUDY.left_out,
    message:
        "write the report"
    script:
        "../scripts/publish/write_report.py"
