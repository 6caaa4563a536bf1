"""What a change of the graph costs in synthesis, counted as new rows of the row store: numbers of the README.

The whole graph has run on the test profile; from then on the synthesis models are `frozen`.
"""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from jz3.generation.chat import CHAT
from jz3.generation.completion_rows import GENERATE
from jz3.graph.at_once import DVC
from jz3.graph.plan import plan
from jz3.store.row_store import RowStore
from tests.conftest import Clone
from tests.forgetting import forget_all_but

pytestmark = pytest.mark.long

STAGE, TAUGHT, CURATED = "synthesize@corpus", "distill@initial", "filter@jiuzhang"
PROMPTS = 360
NO_MODEL = "its model is not there yet, so the store has no rows by it"


def edit(file, change):
    """Load YAML, change it in place, and write it back with its comments."""
    yaml_file = YAML()
    document = yaml_file.load(file.read_text())
    change(document)
    with file.open("w") as out:
        yaml_file.dump(document, out)


@pytest.fixture(scope="module")
def held(whole_run, tmp_path_factory):
    """A copy of the run: models frozen, the full prompt form, about equally many prompts for each
    template.
    """
    path = tmp_path_factory.mktemp("held") / "clone"
    shutil.copytree(whole_run[0].path, path, symlinks=True)
    forget_all_but(path, (STAGE, TAUGHT, CURATED))
    clone = Clone(path)

    def hold(document):
        document["stages"]["finetune"]["frozen"] = True

    def many_of_each_template(document):
        document["compose"]["tool_share"] = 1 / 9
        for source in document["sample"]["quotas"]:
            document["sample"]["quotas"][source]["corpus"] = PROMPTS if source == "docstrings" else 0
        for kind in ("cot", "tool"):
            document["synthesize"][kind]["max_tokens"] = 8  # the texts do not matter here

    def allow_losses(document):
        losses = document["losses"]
        for shares in (losses["usual"], *losses["stages"].values()):
            shares["stop"] = 1.0  # nor does it matter that `parse` keeps none of them

    edit(clone.path / "dvc.yaml", hold)
    edit(clone.path / "params.yaml", many_of_each_template)
    edit(clone.path / "execution.yaml", allow_losses)
    for model in ("initial", "boosted"):
        manifest = clone.path / f"data/models/synthesis/{model}/manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"prompt_form": "full"}))
    return clone


def rows(clone, operation=GENERATE):
    return sum(1 for _ in RowStore(Path(clone.environment["JZ3_STORE"])).rows(operation))


def asked(clone, *targets):
    """The rows that a run adds to the store, of completions and of a teacher's answers, and its stages."""
    before = rows(clone), rows(clone, CHAT)
    output = clone.run(*DVC, "repro", *targets)
    ran = {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}
    return rows(clone) - before[0], rows(clone, CHAT) - before[1], ran


def reword(clone, level):
    """Add a sentence to a template, before the passage."""
    template = clone.path / f"data/prompts/full/cot/{level}.md"
    text = template.read_text()
    assert "\n\n### Passage" in text
    template.write_text(text.replace("\n\n### Passage", " Take care.\n\n### Passage"))


def append(clone, module, line):
    file = clone.path / module
    file.write_text(file.read_text() + line)


def thaw(document):
    document["stages"]["finetune"]["frozen"] = False


def prompts(clone, name):
    return pl.read_parquet(clone.path / f"data/composed/{name}/*.parquet", columns=["level", "kind"])


def of_template(table, level):
    return table.filter((pl.col("level") == level) & (pl.col("kind") == "cot")).height


def test_changes_ask_for_the_rows_that_they_change_and_no_others(held):
    """Edits that share a run are told apart by its sum, or are all free."""
    both = (STAGE, TAUGHT)
    completions, answers, _ = asked(held, *both)
    assert completions == prompts(held, "corpus").height == PROMPTS
    assert answers == prompts(held, "initial").height

    def double(document):
        document["sample"]["quotas"]["docstrings"]["corpus"] = 2 * PROMPTS

    one_template = of_template(prompts(held, "corpus"), "amc10")
    assert 0.07 < one_template / PROMPTS < 0.16, "about one of nine"
    reword(held, "amc10")
    edit(held.path / "params.yaml", double)
    completions, taught, ran = asked(held, *both)
    assert completions == one_template + PROMPTS, "the edited template and the new prompts"
    assert prompts(held, "corpus").height == 2 * PROMPTS
    assert "finetune@boosted" not in ran
    assert taught == of_template(prompts(held, "initial"), "amc10")
    assert 0.07 < taught / answers < 0.16, "the teacher is asked for one of nine, too"

    def stricter(document):
        document["filter"]["default"]["problem_words"]["least"] += 1

    edit(held.path / "params.yaml", stricter)
    for module in ("jz3/synthesis/synthesize.py", "jz3/generation/drawing.py"):
        append(held, module, "ADDED = 1\n")
    completions, answers, ran = asked(held, CURATED)
    assert (completions, answers) == (0, 0)
    assert {STAGE, CURATED} <= ran, "the code of the first has changed, and a parameter of the other"

    append(held, "jz3/synthesis/synthesize.py", "# a comment\n")
    append(held, "jz3/core/progress.py", "ADDED = 1\n")  # which decides no row
    assert asked(held, STAGE) == (0, 0, {"code"})


def test_a_plan_says_that_a_model_that_is_not_held_writes_all_rows_again(held, monkeypatch):
    """All of synthesis follows, because the model is then a different one."""
    monkeypatch.setenv("JZ3_STORE", held.environment["JZ3_STORE"])
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", held.environment["DVC_SITE_CACHE_DIR"])
    reword(held, "aime")
    lines = {line.stage: line for line in plan(held.path, None).lines}
    assert "finetune@boosted" not in lines, "it is held"
    assert NO_MODEL not in lines[STAGE].notes
    edit(held.path / "dvc.yaml", thaw)
    lines = {line.stage: line for line in plan(held.path, None).lines}
    for name in ("synthesize@candidates", STAGE):
        assert lines[name].to_do == lines[name].rows > 0
        assert NO_MODEL in lines[name].notes
