"""Prompts hold their passage character by character, at levels and kinds drawn by hash."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InFiles
from jz3.corpus.compose import ComposeParams, compose, kind_of, levels_of
from jz3.corpus.templates import PLACEHOLDER, TemplateError, read_templates
from jz3.tables.prompt import Prompt
from jz3.tables.words import LEVELS

PROMPTS = Path(__file__).parents[2] / "data" / "prompts"
TEMPLATES = read_templates(InFiles(PROMPTS))


def params(**changes):
    return ComposeParams.model_validate(
        {"seed": 7, "tool_share": 0.27, "levels_per_passage": {"web": 1, "wikipedia": 8}} | changes
    )


def passages(*texts, source="web"):
    return pl.DataFrame({"passage_id": [f"{i}" for i in range(len(texts))], "source": source, "text": texts})


@given(st.lists(st.text("ab{}passage level$\n", min_size=1), min_size=1, max_size=5, unique=True))
def test_the_passage_stands_in_both_forms_as_it_is(texts):
    prompts, metrics = compose(passages(*texts), TEMPLATES, params())
    Prompt.validate(prompts)
    assert metrics.prompts == len(texts)
    by_passage = dict(zip(prompts["passage_id"], prompts.select("full", "compact").iter_rows(), strict=True))
    for number, text in enumerate(texts):
        assert all(text in form for form in by_passage[str(number)])


def test_each_level_gets_its_share_and_tools_theirs():
    levels = Counter(levels_of(str(i), 1, 3)[0] for i in range(8000))
    assert min(levels.values()) > 850
    tools = sum(kind_of(str(i), "high", 0.27, 3) == "tool" for i in range(8000))
    assert 2000 < tools < 2320


def test_a_source_may_ask_for_all_levels():
    prompts, _ = compose(passages("one", source="wikipedia"), TEMPLATES, params())
    assert sorted(prompts["level"]) == sorted(LEVELS)


def test_every_template_names_its_level_and_kind_and_ends_where_a_problem_begins():
    for level in LEVELS:
        for kind in ("cot", "tool"):
            full = TEMPLATES.full_prompt(level, kind, "THE PASSAGE", 0)
            assert f"Level: {level}\n" in full
            assert f"Kind: {kind}\n" in full
            assert full.index("[Solution]") < full.index("### Passage\nTHE PASSAGE\n")
            assert full.rstrip().endswith("### New problem")
            assert TEMPLATES.compact_prompt(level, kind, "P") == f"{level} {kind}\nP\n[Problem]\n"


def test_the_constant_part_of_a_prompt_is_a_shared_prefix():
    one, two = (TEMPLATES.full_prompt("high", "cot", text, 0) for text in ("A", "B"))
    assert one.split("### Passage")[0] == two.split("### Passage")[0]


def test_a_missing_template_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"full/cot/grade.md does not exist.*git checkout"):
        read_templates(InFiles(tmp_path))


def test_a_template_without_its_placeholder_is_named(tmp_path):
    for file in PROMPTS.rglob("*.md"):
        copy = tmp_path / file.relative_to(PROMPTS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(PLACEHOLDER.sub("", file.read_text()) if file.name == "aime.md" else file.read_text())
    with pytest.raises(TemplateError, match=r"aime.md has the placeholders \[\]; \['passage'\]"):
        read_templates(InFiles(tmp_path))
