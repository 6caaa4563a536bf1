"""What stands upstream is audited and nothing of it is removed; no training knows of a certificate."""

import polars as pl
import pytest
import yaml

from jz3.core.artifacts import In, InDir, OutDir
from jz3.curation.audit import as_questions, audit, audit_metrics
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.hit import Hit
from tests.conftest import ROOT
from tests.curation.rows import items, passages, problem, problems
from tests.curation.test_decontaminate import QUESTION, params


@pytest.fixture(autouse=True, scope="module")
def own_store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        yield


ITEMS = items(
    QUESTION, "Another question about nine trains, of which six leave before noon on any given day."
)


def audited(frames, directory):
    found = audit(frames, ITEMS, params(), OutDir(CertificateManifest, directory))
    return found, InDir(CertificateManifest, directory).manifest(), In(Hit, directory / "hits.parquet").read()


def test_a_passage_that_holds_a_question_stands_in_the_certificate_with_both_texts(tmp_path):
    texts = passages(clean="Lattices have bounds.", leaked=f"Exercise. {QUESTION} Solve it.")
    found, manifest, hits = audited(as_questions([texts]), tmp_path / "passages")
    assert (found.rows, found.hit_rows, found.hit_items) == (2, 1, 1)
    assert (manifest.certified, manifest.rows) == ("passages", 2)
    assert hits.select("row_id", "row_text", "item_text").rows() == [
        ("leaked", f"Exercise. {QUESTION} Solve it.", QUESTION)
    ]


def test_a_kd_problem_with_other_numbers_is_reported_and_is_no_hit(tmp_path):
    rows = problems(problem("a", QUESTION.replace("12", "13").replace("6", "7").replace("5", "4")))
    found, _, _ = audited([rows], tmp_path / "kd")
    assert found.hits_by_class["number_masked"] + found.hit_rows > 0
    assert found.rows == 1


def test_every_row_stays_and_a_lost_one_is_noticed(tmp_path):
    rows = problems(problem("a", QUESTION), problem("b"))
    found, _, _ = audited([rows], tmp_path / "kd")
    numbers = audit_metrics({"kd": found}, 2)
    assert (numbers.rows.read, numbers.rows.kept, numbers.sets["kd"].hit_rows) == (2, 2, 1)
    lost, _, _ = audited([rows.head(1)], tmp_path / "lost")
    with pytest.raises(ValueError, match="read 2 rows and accounts for 1"):
        audit_metrics({"kd": lost}, 2)


def test_an_empty_set_has_a_certificate(tmp_path):
    found, manifest, hits = audited([pl.DataFrame(schema=problems().schema)], tmp_path / "none")
    assert (found.rows, manifest.rows, hits.height) == (0, 0, 0)


def test_no_stage_before_the_grades_reads_a_certificate_but_the_card():
    readers = {
        name
        for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
        for dep in (stage.get("do") or stage).get("deps", [])
        if dep.startswith("data/certificates")
    }
    assert readers == {"card", "grade", "report", "tabulate"} & readers
    assert "grade" in readers
