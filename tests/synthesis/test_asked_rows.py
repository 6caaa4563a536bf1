"""What a change of the graph costs in synthesis, counted as new rows of the row store: numbers of the README.

The whole graph has run on the test profile; from then on the synthesis models are `frozen`.
"""

import json
import shutil
import sys

import polars as pl
import pytest
import yaml
from ruamel.yaml import YAML

from jz3.generation.chat import CHAT
from jz3.generation.completion_rows import GENERATE
from jz3.store.row_store import RowStore
from tests.conftest import Clone

pytestmark = pytest.mark.long

STAGE = "synthesize@corpus"
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
    return sum(1 for _ in RowStore(clone.path.parent / f"{clone.path.name}-store").rows(operation))


def asked(clone, *targets):
    """The number of rows that a run adds to the store, and the stages that it ran."""
    before = rows(clone)
    output = clone.run("dvc", "repro", *targets)
    ran = {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}
    return rows(clone) - before, ran


def reword(clone, level):
    """Add a sentence to a template, before the passage."""
    template = clone.path / f"data/prompts/full/cot/{level}.md"
    text = template.read_text()
    assert "\n\n### Passage" in text
    template.write_text(text.replace("\n\n### Passage", " Take care.\n\n### Passage"))


def thaw(document):
    document["stages"]["finetune"]["frozen"] = False


def planned(clone):
    """What `jz3 plan` says about each stage that would run."""
    said = json.JSONDecoder().raw_decode(clone.run(sys.executable, "-m", "jz3", "plan", "--json"))[0]
    return {line["stage"]: line for line in said["stages"]}


def prompts(clone):
    return pl.read_parquet(clone.path / "data/composed/corpus/*.parquet", columns=["level", "kind"])


def test_changes_ask_for_the_rows_that_they_change_and_no_others(held):
    assert asked(held, STAGE)[0] == prompts(held).height == PROMPTS

    reword(held, "amc10")
    of_template = prompts(held).filter((pl.col("level") == "amc10") & (pl.col("kind") == "cot")).height
    one_template, ran = asked(held, STAGE)
    assert one_template == of_template
    assert 0.07 < one_template / PROMPTS < 0.16, "about one of nine"
    assert "finetune@boosted" not in ran

    def double(document):
        document["sample"]["quotas"]["docstrings"]["corpus"] = 2 * PROMPTS

    edit(held.path / "params.yaml", double)
    doubled, _ = asked(held, STAGE)
    assert doubled == PROMPTS

    def stricter(document):
        document["filter"]["default"]["problem_words"]["least"] += 1

    edit(held.path / "params.yaml", stricter)
    curated, ran = asked(held, "filter@jiuzhang")
    assert "filter@jiuzhang" in ran
    assert curated == 0

    module = held.path / "jz3/synthesis/synthesize.py"
    module.write_text(module.read_text() + "# a comment\n")
    commented, ran = asked(held, STAGE)
    assert ran == {"code"}
    assert commented == 0
    module.write_text(module.read_text() + "ADDED = 1\n")
    added, ran = asked(held, STAGE)
    assert STAGE in ran, "the code of the stage has changed"
    assert added == 0
    watched, exempt = (held.path / f"jz3/core/{name}.py" for name in ("hashing", "progress"))
    watched.write_text(watched.read_text() + "ADDED = 1\n")
    added, ran = asked(held, STAGE)
    assert (added, STAGE in ran) == (0, True), "what decides draws is watched, and rows are kept"
    exempt.write_text(exempt.read_text() + "ADDED = 1\n")
    assert asked(held, STAGE) == (0, {"code"})
    print(yaml.safe_dump({"template": one_template / PROMPTS, "doubled": doubled / PROMPTS, "other": 0}))


def test_a_model_that_is_not_held_asks_the_teacher_for_the_prompts_of_the_template(held):
    """The teacher is asked again for one of nine; all of synthesis follows, because the model is then a
    different one, and the plan says so before anything runs.
    """
    assert asked(held, "distill@initial")[0] == 0
    before = rows(held, CHAT)
    reword(held, "aime")
    lines = planned(held)
    assert "finetune@boosted" not in lines, "it is held"
    assert NO_MODEL not in lines["synthesize@corpus"]["notes"]
    edit(held.path / "dvc.yaml", thaw)
    lines = planned(held)
    for name in ("synthesize@candidates", "synthesize@corpus"):
        assert lines[name]["to_do"] == lines[name]["rows"] > 0
        assert NO_MODEL in lines[name]["notes"]
    held.run("dvc", "repro", "distill@initial")
    composed = pl.read_parquet(held.path / "data/composed/initial/*.parquet", columns=["level", "kind"])
    changed = composed.filter((pl.col("level") == "aime") & (pl.col("kind") == "cot")).height
    assert rows(held, CHAT) - before == changed
    assert 0.07 < changed / composed.height < 0.16
