# What does an image classifier forget when it is compressed? The contents page: settings, rules, targets.
from snakemake.utils import min_version

min_version("9.27")


configfile: Path(workflow.basedir) / "config.yaml"


include: "rules/common.smk"


pathvars:
    results=f"results/{config['study']}",
    logs=f"logs/{config['study']}",
    benchmarks=f"results/{config['study']}/benchmarks",


include: "rules/data.smk"
include: "rules/corrupt.smk"
include: "rules/train.smk"
include: "rules/compress.smk"
include: "rules/predict.smk"
include: "rules/audit.smk"
include: "rules/publish.smk"


rule all:
    default_target: True
    input:
        "<results>/report.html",
        rules.describe_corruptions.output if CLEAN_AND_CORRUPTIONS else [],
        expand("<results>/tables/{table}.{kind}", table=TABLES, kind=["csv", "md"]),
        expand("<results>/figures/{figure}.svg", figure=FIGURES),


rule demo:
    input:
        rules.all.input,


rule data:
    input:
        rules.prepare_data.output,


rule corruptions:
    input:
        benchmark_of_corruptions,


rule models:
    input:
        [expand(networks_of(level), cohort=cohorts_of(level)) for level in MODELLED],


rule predictions:
    input:
        ledger(*SUITES),


rule tables:
    input:
        expand("<results>/tables/{table}.{kind}", table=TABLES, kind=["csv", "md"]),


rule figures:
    input:
        expand("<results>/figures/{figure}.svg", figure=FIGURES),
        expand("<results>/figures/{picture}.png", picture=PICTURES),
