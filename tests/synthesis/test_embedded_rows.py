"""What a change costs in synthesis on the embedded graph: numbers of the README.

The texts, templates and parameters are those of the embedded profile (the full form of the prompt); the model
is fixed and writes prepared text; the test counts the rows that the stage asks it for.
"""

import polars as pl
import pytest
from ruamel.yaml import YAML

from tests.conftest import make_clone

pytestmark = pytest.mark.long


class Embedded:
    """A clone on the embedded profile; DVC composes it again before each count."""

    def __init__(self, clone):
        self.clone = clone

    def edit(self, change):
        """Change the parameters in place."""
        file, yaml = self.clone.path / "params.yaml", YAML()
        document = yaml.load(file.read_text())
        change(document)
        with file.open("w") as out:
            yaml.dump(document, out)

    def asked(self):
        """Completions asked for, and those that exist afterwards."""
        self.clone.run("dvc", "repro", "compose@corpus")
        words = self.clone.run("python", "-m", "tests.synthesis.asking").split()
        return int(words[words.index("asked") + 1]), int(words[words.index("of") + 1])

    def prompts(self, level, kind):
        table = pl.read_parquet(self.clone.path / "data/composed/corpus/*.parquet", columns=["level", "kind"])
        return table.filter((pl.col("level") == level) & (pl.col("kind") == kind)).height

    def reword(self, level):
        template = self.clone.path / f"data/prompts/full/cot/{level}.md"
        text = template.read_text()
        assert "\n\n### Passage" in text
        template.write_text(text.replace("\n\n### Passage", " Take care.\n\n### Passage"))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return Embedded(make_clone(tmp_path_factory.mktemp("embedded") / "clone", "embedded"))


def test_changes_ask_for_the_rows_that_they_change_and_no_others(embedded):
    """Edits that share a run are told apart by its sum, or are all free."""
    first, rows = embedded.asked()
    assert first == rows > 5000

    embedded.reword("amc10")
    of_profile, _ = embedded.asked()
    assert of_profile == embedded.prompts("amc10", "cot")

    def evenly(document):
        document["compose"]["tool_share"] = 1 / 9

    def double(document):
        levels = document["compose"]["levels_per_passage"]
        levels.update({source: 2 * count for source, count in levels.items()})

    embedded.edit(evenly)
    embedded.asked()
    one_of_nine = embedded.prompts("grade", "cot")
    assert abs(one_of_nine / rows - 1 / 9) < 0.015
    embedded.reword("grade")
    embedded.edit(double)
    asked, both = embedded.asked()
    assert both == 2 * rows
    assert asked == one_of_nine + rows, "the edited template and the new prompts"

    def stricter(document):
        document["filter"]["default"]["problem_words"]["least"] += 1
        document["dedup"]["threshold"] = 0.8
        document["execute"]["limits"]["wall_seconds"] += 1

    embedded.edit(stricter)
    for module in ("jz3/synthesis/synthesize.py", "jz3/synthesis/key_order.py", "jz3/core/hashing.py"):
        file = embedded.clone.path / module
        file.write_text(file.read_text() + "# a comment\n")
    assert embedded.asked() == (0, both)
    print(f"{rows} rows: {of_profile} by the shares of the profile, {one_of_nine} evenly, {rows} doubled")
