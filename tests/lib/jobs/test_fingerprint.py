"""The fingerprint changes when code does, and only then."""

import pytest

from scripts.lib.jobs.fingerprint import _code, _files, _is_there, fingerprint, project_sources

FILES = {
    "scripts/train.py": "from scripts.lib.maths import double\nimport numpy as np\n\nprint(double(2))\n",
    "scripts/lib/maths.py": '"""Maths."""\nfrom scripts.lib import units\n\n\ndef double(x):\n    """Twice."""\n    return 2 * x * units.ONE\n',
    "scripts/lib/units.py": "ONE = 1\n",
    "scripts/lib/package/__init__.py": "from .inner import f\n",
    "scripts/lib/package/inner.py": "def f(): return 1\n",
    "scripts/other.py": "import scripts.lib.package.inner\n",
}


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def after(project, name, text, script="scripts/train.py"):
    """The fingerprint with one file changed, as a fresh snakemake sees it."""
    (project / name).write_text(text)
    for cached in (project_sources, _code, _files, _is_there):
        cached.cache_clear()
    return fingerprint(project, script)


def test_follows_imports_of_every_form(project):
    assert project_sources(project, "scripts/train.py") == (
        "scripts/lib/maths.py",
        "scripts/lib/units.py",
        "scripts/train.py",
    )
    assert project_sources(project, "scripts/other.py") == (
        "scripts/lib/package/__init__.py",
        "scripts/lib/package/inner.py",
        "scripts/other.py",
    )


@pytest.mark.parametrize(
    "name, text",
    [
        (
            "scripts/train.py",
            "# why\nfrom scripts.lib.maths import double\n\nimport numpy as np\n\n\nprint(\n    double(2)\n)\n",
        ),
        (
            "scripts/lib/maths.py",
            '"""Other words."""\nfrom scripts.lib import units\ndef double(x):\n    """More words."""\n    return 2 * x * units.ONE\n',
        ),
    ],
)
def test_comments_formatting_and_docstrings_do_not_count(project, name, text):
    assert after(project, "scripts/train.py", FILES["scripts/train.py"]) == after(project, name, text)


@pytest.mark.parametrize("name", ["scripts/train.py", "scripts/lib/maths.py", "scripts/lib/units.py"])
def test_code_counts_wherever_it_is(project, name):
    before = after(project, name, FILES[name])
    assert before != after(project, name, FILES[name].replace("2", "3").replace("ONE = 1", "ONE = 2"))
    assert before == after(project, name, FILES[name])


def test_what_is_not_imported_does_not_count(project):
    before = after(project, "scripts/train.py", FILES["scripts/train.py"])
    assert before == after(project, "scripts/other.py", "x = 1\n")


def test_what_is_imported_by_name_can_be_named(project):
    alone = fingerprint(project, "scripts/train.py")
    assert fingerprint(project, "scripts/train.py", "scripts/lib/package/inner.py") != alone


@pytest.mark.parametrize("kept", ["", "{}", "[]", '{"source": "0", "digest": "0", "modules": []}'])
def test_what_was_kept_of_another_file_is_not_believed(project, kept):
    before = after(project, "scripts/train.py", FILES["scripts/train.py"])
    beside = list((project / "scripts/__pycache__").glob("train.*.syntax.json"))
    assert len(beside) == 1
    beside[0].write_text(kept)
    assert after(project, "scripts/train.py", FILES["scripts/train.py"]) == before
    assert beside[0].read_text() != kept


def test_a_moved_package_has_imports_of_its_own(project):
    before = fingerprint(project, "scripts/other.py")
    (project / "scripts/lib/package").rename(project / "scripts/package")
    (project / "scripts/package/inner.py").write_text("def f(): return 2\n")
    assert after(project, "scripts/other.py", "import scripts.package.inner\n", "scripts/other.py") != before
    assert "scripts/package/inner.py" in project_sources(project, "scripts/other.py")


def test_a_folder_that_cannot_be_written_costs_time_only(project):
    (project / "scripts/__pycache__").write_text("a file where the folder should be")
    assert fingerprint(project, "scripts/train.py") == after(project, "scripts/train.py", FILES["scripts/train.py"])
