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
include: "rules/compare.smk"
include: "rules/slices.smk"
include: "rules/raters.smk"
include: "rules/pair.smk"
include: "rules/gate.smk"
include: "rules/gallery.smk"
include: "rules/publish.smk"
include: "rules/paper.smk"
include: "rules/across.smk"
include: "rules/estimate.smk"
include: "rules/plan.smk"
include: "rules/share.smk"


rule all:
    default_target: True
    input:
        "<results>/report.html",
        "<results>/gallery.html" if IMAGES.splits else [],
        rules.describe_corruptions.output if IMAGES.clean_and_corruptions else [],
        expand("<results>/tables/{table}.{kind}", table=STUDY.tables, kind=["csv", "md"]),
        expand("<results>/figures/{figure}.svg", figure=STUDY.figures),


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
        POPULATIONS.all_networks,


rule predictions:
    input:
        STUDY.ledger(*IMAGES.suites),


rule tables:
    input:
        expand("<results>/tables/{table}.{kind}", table=STUDY.tables, kind=["csv", "md"]),


rule figures:
    input:
        expand("<results>/figures/{figure}.svg", figure=STUDY.figures),
        expand("<results>/figures/{picture}.png", picture=STUDY.pictures),
