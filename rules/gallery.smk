# The images themselves: which changed, which way, and what every level says of each.
rule make_gallery:
    input:
        ledger=STUDY.ledger("clean"),
        checked=STUDY.checked,
        images="<results>/data/test.npy",
        examples="<results>/data/examples.parquet",
        data="<results>/data/manifest.json",
        annotations=IMAGES.annotations,
        scores=[] if STUDY.compares_files else "<results>/tables/scores.csv",
        corrupted=IMAGES.shown_corrupted("files"),
        variants=IMAGES.shown_corrupted("manifests"),
        chosen="<results>/corrupted/examples.csv" if IMAGES.shown_corrupted("files") else [],
    output:
        gallery="<results>/gallery.html",
    log:
        "<logs>/make_gallery.log",
    localrule: True
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        code=code("gallery/make_gallery"),
        page=[sha256(path) for path in GALLERY],
        study=config["study"],
        files=STUDY.compares_files,
        levels=POPULATIONS.compressed,
        tie_rule=config["audit"]["tie_rule"],
        severity=IMAGES.shown_severity,
    message:
        "make the gallery"
    script:
        "../scripts/gallery/make_gallery.py"


rule gallery:
    input:
        gallery_of_study,
