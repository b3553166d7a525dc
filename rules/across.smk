# Several finished studies side by side: snakemake compare --config studies="[a, b]"
# What it reads are params and no inputs: nothing of a finished study is made again for the sake of a comparison.
rule compare_studies:
    output:
        table=COMPARISON.format("csv"),
        markdown=COMPARISON.format("md"),
        page=COMPARISON.format("html"),
    log:
        COMPARISON.format("log").replace("results/", "logs/", 1),
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("across/compare_studies"),
        studies=config["studies"],
        read=digests_of_studies,
    message:
        "compare the studies"
    script:
        "../scripts/across/compare_studies.py"


rule compare:
    input:
        rules.compare_studies.output,
