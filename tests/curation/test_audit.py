"""What is read upstream is audited and none of it is removed; no training knows of a certificate."""

import pytest
import yaml

from jz3.core.artifacts import In, InDir, Out
from jz3.curation.audit import audit, save_certificates
from jz3.tables.audit_manifest import AuditManifest
from jz3.tables.hit import Hit
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
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


def audited(folder, texts=None, **kd_sets):
    """What is found in a corpus and in KD sets, and the directory where it was saved."""
    Out(Passage, folder / "passages").write(passages() if texts is None else texts)
    for name, rows in kd_sets.items():
        Out(Problem, folder / f"{name}.parquet").write(rows)
    tables = {name: In(Problem, folder / f"{name}.parquet") for name in kd_sets}
    found = audit(In(Passage, folder / "passages"), tables, ITEMS, params())
    (folder / "audit").mkdir()
    save_certificates(found, folder / "audit")
    return found.metrics, InDir(AuditManifest, folder / "audit").manifest().certificates


def test_a_passage_that_holds_a_question_stands_in_the_certificate_with_both_texts(tmp_path):
    texts = passages(clean="Lattices have bounds.", leaked=f"Exercise. {QUESTION} Solve it.")
    metrics, certificates = audited(tmp_path, texts)
    found = metrics.sets["passages"]
    assert (found.rows, found.hit_rows, found.hit_items) == (2, 1, 1)
    assert (certificates["passages"].certified, certificates["passages"].rows) == ("passages", 2)
    hits = In(Hit, tmp_path / "audit/passages.parquet").read()
    assert hits.select("row_id", "row_text", "item_text").rows() == [
        ("leaked", f"Exercise. {QUESTION} Solve it.", QUESTION)
    ]


def test_a_kd_problem_with_other_numbers_is_reported_and_is_no_hit(tmp_path):
    rows = problems(problem("a", QUESTION.replace("12", "13").replace("6", "7").replace("5", "4")))
    metrics, _ = audited(tmp_path, first=rows)
    found = metrics.sets["kd_first"]
    assert found.hits_by_class["number_masked"] + found.hit_rows > 0
    assert found.rows == 1


def test_every_row_of_every_set_stays(tmp_path):
    texts = passages(clean="Lattices have bounds.")
    metrics, certificates = audited(
        tmp_path, texts, first=problems(problem("a", QUESTION)), second=problems(problem("b"), problem("c"))
    )
    assert (metrics.rows.read, metrics.rows.kept) == (4, 4)
    assert {name: (one.rows, one.hit_rows) for name, one in metrics.sets.items()} == {
        "passages": (1, 0),
        "kd_first": (1, 1),
        "kd_second": (2, 0),
    }
    assert certificates.keys() == metrics.sets.keys()


def test_an_empty_set_has_a_certificate(tmp_path):
    metrics, certificates = audited(tmp_path, first=problems())
    assert (metrics.sets["kd_first"].rows, certificates["kd_first"].rows) == (0, 0)
    assert In(Hit, tmp_path / "audit/kd_first.parquet").read().height == 0


def test_no_stage_before_the_grades_reads_a_certificate_but_the_card():
    readers = {
        name
        for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
        for dep in (stage.get("do") or stage).get("deps", [])
        if dep.startswith("data/certificates")
    }
    assert readers == {"card", "grade", "report", "tabulate"} & readers
    assert "grade" in readers
