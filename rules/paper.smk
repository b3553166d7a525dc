# For a paper: every table as LaTeX and HTML, every figure as PDF. Made where it is asked for, by `snakemake paper`.
rule typeset_tables:
    input:
        tables=expand("<results>/tables/{table}.csv", table=STUDY.tables),
    output:
        tex=expand("<results>/paper/{table}.tex", table=STUDY.tables),
        html=expand("<results>/paper/{table}.html", table=STUDY.tables),
        document="<results>/paper/tables.tex",
    log:
        "<logs>/typeset_tables.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("paper/typeset_tables"),
        declaration=declaration(config),
    message:
        "typeset the tables"
    script:
        "../scripts/paper/typeset_tables.py"


rule convert_figures:
    input:
        figures=expand("<results>/figures/{figure}.svg", figure=STUDY.figures),
    output:
        figures=expand("<results>/paper/{figure}.pdf", figure=STUDY.figures),
    log:
        "<logs>/convert_figures.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("paper/convert_figures"),
    message:
        "convert the figures to PDF"
    script:
        "../scripts/paper/convert_figures.py"


rule paper:
    input:
        rules.typeset_tables.output,
        rules.convert_figures.output,
