"""What the forge runs is there: workflows parse, and each script and target they call exists."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLE = ROOT / "examples" / "green_valley"
OF_A_CUSTOMER = EXAMPLE / ".github" / "workflows" / "checks.yml"


def steps(file: Path):
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for job in content["jobs"].values():
        yield from job["steps"]


def commands(files=WORKFLOWS):
    return [step["run"] for file in files for step in steps(file) if "run" in step]


@pytest.mark.parametrize(
    "file", [*WORKFLOWS, OF_A_CUSTOMER], ids=lambda file: str(file.relative_to(ROOT))
)
def test_a_workflow_parses_has_few_rights_and_a_time_limit(file):
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert content["permissions"]["contents"] == "read"
    assert all(job["timeout-minutes"] for job in content["jobs"].values())


def test_every_make_target_that_a_workflow_calls_is_in_the_makefile():
    targets = {target for run in commands() for target in re.findall(r"make ([a-z-]+)", run)}
    assert {"lint", "env", "site"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.M)] == []


def test_a_customers_workflow_calls_the_check_of_its_makefile():
    assert commands([OF_A_CUSTOMER]) == ['make check BASE="origin/${BASE}"']
    makefile = (EXAMPLE / "Makefile").read_text(encoding="utf-8")
    assert "\ncheck: env ##" in makefile
    assert (ROOT / ".ci" / "review_is_there.py").is_file()
    assert "$(CORE)/.ci/review_is_there.py $(BASE)" in makefile


def test_every_script_that_a_workflow_calls_is_there_and_may_be_run():
    scripts = {script for run in commands() for script in re.findall(r"\.ci/[a-z_]+", run)}
    assert scripts
    assert [s for s in scripts if not os.access(ROOT / s, os.X_OK)] == []


def test_a_diff_that_cannot_be_made_is_a_comment_that_says_why(tmp_path):
    file = tmp_path / "diff.md"
    done = subprocess.run(
        [str(ROOT / ".ci" / "diff_comment"), "no-such-branch", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = file.read_text(encoding="utf-8")
    if ".venv" in done.stderr:
        pytest.skip("no .venv here: `make env` makes it")
    assert done.returncode == 2
    assert "could not be made" in said
    assert "no-such-branch" in said or "not a git repository" in said


@pytest.mark.long
def test_the_comment_on_a_change_is_what_the_diff_says_of_it(tmp_path):
    file = tmp_path / "diff.md"
    done = subprocess.run(
        [str(ROOT / ".ci" / "diff_comment"), "HEAD", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    said = file.read_text(encoding="utf-8")
    # of a clean tree no call changes; one with changes is told as it is
    assert done.returncode in {0, 70}, done.stderr[-2000:]
    assert said.startswith("## ")
    assert "- data: `fixture (120 personas, seed 7)`" in said
    assert "could not be made" not in said
