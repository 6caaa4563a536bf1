"""Prompts contain their passage character by character, at levels and kinds drawn by hash."""

import logging
import tempfile
from collections import Counter
from pathlib import Path
from shutil import copytree

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, InFiles, Out
from jz3.core.external_sort import FILE_ROWS
from jz3.core.hashing import content_id, draw_order
from jz3.core.params import ParamsError
from jz3.corpus.compose import ComposeParams, kind_of, levels_of
from jz3.corpus.compose import compose as composed
from jz3.corpus.templates import PLACEHOLDER, TemplateError, read_templates
from jz3.tables.prompt import Prompt
from jz3.tables.words import LEVELS
from jz3.writer.catalogue import read
from jz3.writer.server import read_prompt
from jz3.writer.write import write_problem

PROMPTS = Path(__file__).parents[2] / "data" / "prompts"
TEMPLATES = read_templates(InFiles(PROMPTS), LEVELS)


def params(**changes):
    return ComposeParams.model_validate(
        {
            "seed": 7,
            "tool_share": 0.27,
            "levels": list(LEVELS),
            "levels_per_passage": {"web": 1, "wikipedia": 8},
        }
        | changes
    )


def passages(*texts, source="web"):
    return pl.DataFrame({"passage_id": [f"{i}" for i in range(len(texts))], "source": source, "text": texts})


def compose(frames, given, templates=TEMPLATES):
    """Prompts in key order, and the metrics."""
    with tempfile.TemporaryDirectory() as directory:
        prompts = Out(Prompt, Path(directory) / "prompts")
        metrics = prompts.sink_unsorted(composed(pl.concat(frames).lazy(), frames, templates, given))
        assert list(Path(directory).iterdir()) == [prompts.path]
        return In(Prompt, prompts.path).read(), metrics


def one_by_one(rows, given):
    """The promised prompts, computed without files and frames."""
    found = []
    for row in rows.iter_rows(named=True):
        for level in levels_of(
            row["passage_id"], given.levels, given.levels_per_passage[row["source"]], given.seed
        ):
            kind = kind_of(row["passage_id"], level, given.tool_share, given.seed)
            draw = draw_order(given.seed, f"demonstration/{row['passage_id']}/{level}")
            full = TEMPLATES.full_prompt(level, kind, row["text"], draw)
            compact = TEMPLATES.compact_prompt(level, kind, row["text"])
            prompt_id = content_id(row["passage_id"], level, kind)
            found.append((prompt_id, row["passage_id"], row["source"], level, kind, full, compact))
    return pl.DataFrame(found, schema=Prompt.create_empty().schema, orient="row").sort("prompt_id")


few = settings(max_examples=25)  # each writes and reads a table


@few
@given(st.lists(st.text("ab{}passage level$\n", min_size=1), min_size=1, max_size=5, unique=True))
def test_the_passage_stands_in_both_forms_as_it_is(texts):
    prompts, metrics = compose([passages(*texts)], params())
    Prompt.validate(prompts)
    assert metrics.prompts == len(texts)
    by_passage = dict(zip(prompts["passage_id"], prompts.select("full", "compact").iter_rows(), strict=True))
    for number, text in enumerate(texts):
        assert all(text in form for form in by_passage[str(number)])


@few
@given(st.permutations(range(12)), st.integers(1, 12))
def test_the_order_of_passages_and_their_frames_change_neither_prompts_nor_numbers(order, step):
    table = pl.concat([passages(*"abcdefg"), passages(*"hijkl", source="wikipedia")])
    table = table.with_columns(passage_id=pl.format("{}/{}", "source", "passage_id"))
    prompts, metrics = compose(list(table[list(order)].iter_slices(step)), params())
    assert prompts.equals(one_by_one(table, params()))
    assert (metrics, metrics.prompts) == (compose([table], params())[1], 7 + 5 * len(LEVELS))
    assert metrics.passages == table.height
    assert metrics.full_characters == sum(map(len, prompts["full"]))
    assert metrics.compact_characters == sum(map(len, prompts["compact"]))
    assert metrics.by_level == Counter(prompts["level"])
    assert metrics.by_kind == Counter(prompts["kind"])


def test_more_prompts_than_a_file_holds_leave_in_key_order(tmp_path):
    table = passages(*(f"text {n}" for n in range(FILE_ROWS // 8 + 1)), source="wikipedia")
    made = composed(table.lazy(), [table[1::2], table[::2]], TEMPLATES, params())
    pieces = list(made.in_order(tmp_path))
    assert len(pieces) == 2
    prompts = pl.concat(pieces)
    assert prompts["prompt_id"].is_sorted()
    assert prompts.height == len(LEVELS) * table.height
    named = [content_id(*row) for row in prompts.select("passage_id", "level", "kind").iter_rows()]
    assert prompts["prompt_id"].to_list() == named


def test_no_passages_give_no_prompts():
    none = passages().cast({"passage_id": pl.String, "text": pl.String})
    prompts, metrics = compose([none], params())
    assert prompts.height == metrics.prompts == metrics.passages == 0


def test_a_source_without_a_number_of_levels_is_named():
    with pytest.raises(ParamsError, match="levels_per_passage has no source 'arxiv'"):
        compose([passages("a", source="arxiv")], params())


def test_each_level_gets_its_share_and_tools_theirs():
    levels = Counter(levels_of(str(i), LEVELS, 1, 3)[0] for i in range(8000))
    assert min(levels.values()) > 850
    tools = sum(kind_of(str(i), "high", 0.27, 3) == "tool" for i in range(8000))
    assert 2000 < tools < 2320


def test_a_source_may_ask_for_all_levels():
    prompts, _ = compose([passages("one", source="wikipedia")], params())
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
        read_templates(InFiles(tmp_path), LEVELS)


def test_a_template_without_its_placeholder_is_named(tmp_path):
    for file in PROMPTS.rglob("*.md"):
        copy = tmp_path / file.relative_to(PROMPTS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(PLACEHOLDER.sub("", file.read_text()) if file.name == "aime.md" else file.read_text())
    with pytest.raises(TemplateError, match=r"aime.md has the placeholders \[\]; \['passage'\]"):
        read_templates(InFiles(tmp_path), LEVELS)


def test_a_template_of_ones_own_is_a_level_as_any_other(tmp_path, caplog):
    copytree(PROMPTS, tmp_path, dirs_exist_ok=True)
    own = tmp_path / "full/cot/phd.md"
    own.write_text((PROMPTS / "full/cot/aime.md").read_text().replace("Level: aime", "Level: phd"))
    with caplog.at_level(logging.INFO):
        assert read_templates(InFiles(tmp_path), LEVELS) == TEMPLATES
    assert "names no level phd" in caplog.text
    levels = ["phd", "aime"]
    templates = read_templates(InFiles(tmp_path), levels)
    prompts, metrics = compose(
        [passages(*map(str, range(60)))], params(levels=levels, levels_per_passage={"web": 1}), templates
    )
    assert set(metrics.by_level) == set(prompts["level"]) == set(levels)
    for row in prompts.iter_rows(named=True):
        asked = read_prompt(row["full"])
        written = write_problem(asked.level, asked.kind, asked.passage, row["prompt_id"], "teacher")
        assert (asked.level, read(written.problem).family.name) == (row["level"], written.family)
