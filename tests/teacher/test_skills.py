"""Skills of reference problems: as teachers write them, merged, as a graph, and from the problem writer."""

import string
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import In, InFiles
from jz3.generation.chat import CHAT, ChatAnswer, chat_key
from jz3.store.row_store import open_store
from jz3.tables.concept import Concept
from jz3.tables.concept_edge import ConceptEdge
from jz3.tables.problem import Problem
from jz3.tables.skill_mention import SkillMention
from jz3.tables.verdict import Verdict
from jz3.teacher.skill_graph import merged, skill_graph
from jz3.teacher.skill_names import read_skills
from jz3.teacher.skills import SkillsParams, skill_requests, skills
from jz3.teacher.workings import save_workings
from jz3.text.problem_text import Unusable
from jz3.vectors.ngrams import ngram_vectors
from jz3.writer.catalogue import FAMILIES
from jz3.writer.tasks.skills import NOT_KNOWN, OF_FAMILY
from tests.teacher.builders import EXECUTION, REPLAY, seed_row
from tests.teacher.builders import teacher as declared

PROMPTS = InFiles(Path(__file__).parents[2] / "data/recipes/mass")


def encode(texts):
    return ngram_vectors(texts, 1024, 512)


def reply(text, finish_reason="stop"):
    return ChatAnswer(text, finish_reason, 10, 10, 0, by_batch=False)


GOOD = {
    "qwen, as asked": "Quadratic equations\nVieta's formulas\nSymmetric polynomials",
    "llama, numbers and bold": (
        "1. **Quadratic Equations**: finding the roots\n2. **Vieta's Formulas** - sums of roots"
    ),
    "deepseek, thoughts": (
        "<think>The roots, hm. Maybe Vieta.</think>\n\n- Quadratic equations\n- Vieta's formula."
    ),
    "gpt, chats": (
        "Here are the skills needed to solve this problem:\n\n* Quadratic Equations (factoring)\n* Algebra"
    ),
    "claude, in a line": "Skills: quadratic equations, Vieta's formulas, symmetric polynomials",
    "gemini, heading and fence": "### Skills\n\n```text\nQuadratic equations\nVieta's formulas\n```",
    "gpt, a sentence and a courtesy": (
        "Sure! Here are the skills.\n\n- Quadratic equations\n- Vieta's formulas\n\nI hope this helps."
    ),
    "mistral, json with names and comments": (
        '{\n  // most needed first\n  "skills": [\n    {"name": "Quadratic equations"},\n'
        '    {"name": "Vieta\'s formulas"},\n  ]\n}'
    ),
    "deepseek, a table": "| Skill |\n|---|\n| Quadratic equations |\n| Vieta's formulas |",
    "gemma, json": '```json\n["Quadratic equations", "Vieta\'s formulas"]\n```',
}
BAD = [
    (
        "I cannot determine which particular skills this problem needs without seeing more of it.",
        "no_skill",
    ),
    ("I'm sorry, I can't assist with that.", "no_skill"),
    ("x^2 - 5x + 6 = 0\n2\n3", "no_skill"),
    ("Quadratic equ", "truncated"),
    ("", "no_skill"),
]


@pytest.mark.parametrize("manner", GOOD)
def test_skills_in_the_manner_of_several_models_are_read(manner):
    found = read_skills(reply(GOOD[manner]), 10, 6)
    assert found[0] == "quadratic equation"
    assert found[1] in ("vietas formula", "algebra")
    assert all(set(name) <= {*string.ascii_lowercase, " "} for name in found)
    assert found[2:] in ([], ["symmetric polynomial"])


@pytest.mark.parametrize(("text", "rule"), BAD)
def test_answers_without_skills_have_their_rule(text, rule):
    found = read_skills(reply(text, "length" if rule == "truncated" else "stop"), 10, 6)
    assert isinstance(found, Unusable)
    assert found.rule == rule


def test_the_first_skills_are_kept_and_each_once():
    assert read_skills(reply("\n".join("abcdefghijkl")), 10, 6) == list("abcdefghij")
    assert read_skills(reply("Ratios\nratio\nAreas of Squares"), 10, 6) == ["ratio", "areas of square"]


# Vectors in the plane: names a few degrees apart are alike.
ANGLES = dict(zip("abcdefgh", (0, 15, 30, 45, 80, 90, 170, 180), strict=True))
names = st.lists(st.sampled_from("abcdefgh"), max_size=4)
problems = st.dictionaries(st.sampled_from("pqrstu"), names.filter(bool), max_size=6)


def plane(some):
    turned = np.radians([ANGLES[name] for name in some])
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


@settings(max_examples=40)
@given(problems, st.randoms(), st.sampled_from([0.5, 0.9, 1.0]))
def test_the_order_of_problems_and_of_their_skills_changes_nothing(named, random, similarity):
    graph = skill_graph(named, plane, similarity, 1)
    shuffled = {
        key: random.sample(named[key], len(named[key])) for key in random.sample(list(named), len(named))
    }
    again = skill_graph(shuffled, plane, similarity, 1)
    for one, other in zip(vars(graph).values(), vars(again).values(), strict=True):
        assert one.equals(other)
    Concept.validate(graph.concepts)
    ConceptEdge.validate(graph.edges)
    mentions = SkillMention.validate(graph.mentions)
    # Problems are counted, however many of a problem's names were merged.
    counted = Counter(
        concept for _, concept in {(row["problem_id"], row["concept_id"]) for row in mentions.to_dicts()}
    )
    assert dict(graph.concepts.select("concept_id", "count").iter_rows()) == counted


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9)), st.sampled_from([0.5, 0.9]))
def test_a_name_joins_the_first_kept_one_that_is_near_and_nothing_chains(counts, similarity):
    into = merged(counts, plane, similarity)
    order = sorted(counts, key=lambda name: (-counts[name], name))
    near = {
        one: {other for other in order if float(plane([one])[0] @ plane([other])[0]) > similarity}
        for one in order
    }
    kept = []
    for name in order:
        first = next((other for other in kept if other in near[name]), None)
        assert into[name] == (first or name)
        kept += [] if first else [name]


def test_blocks_of_names_are_compared_as_all_at_once(monkeypatch):
    counts = Counter({f"{a} {b} number": 1 for a in FAMILIES[0].words for b in FAMILIES[20].words})
    whole = merged(counts, encode, 0.7)
    monkeypatch.setattr("jz3.teacher.skill_graph.BLOCK", 7)
    assert merged(counts, encode, 0.7) == whole
    assert 1 < len(set(whole.values())) < len(whole)


def test_an_edge_is_of_two_skills_that_enough_problems_have():
    named = {"1": ["a", "e"], "2": ["a", "g"], "3": ["a"], "4": ["a", "e"], "5": ["e", "g"]}
    graph = skill_graph(named, plane, 0.9, 1)
    name = dict(graph.concepts.select("concept_id", "name").iter_rows())
    counts = {frozenset((name[one], name[other])): count for one, other, count in graph.edges.iter_rows()}
    assert counts == {frozenset("ae"): 2, frozenset("ag"): 1, frozenset("eg"): 1}
    assert skill_graph(named, plane, 0.9, 2).edges["count"].to_list() == [2]


def params(**changes):
    values = {
        "teachers": {"one": declared(temperature=0.0, max_tokens=256).model_dump()},
        "seed": 43,
        "most_skills": 10,
        "most_words": 6,
        "similarity": 0.9,
        "edge_count": 2,
        "encoder": {"kind": "spelling", "dimensions": 1024, "most_words": 512},
    }
    return SkillsParams.model_validate(values | changes)


def reference(seed):
    row = {name: seed[name] for name in ("level", "kind", "subject", "solution", "answer")}
    return row | {"problem_id": seed["seed_id"], "problem": seed["question"], "source": "seed"}


ROWS = [
    *(reference(seed_row(number, family)) for number, family in enumerate(FAMILIES)),
    *(
        reference(seed_row(number, family, drawn_by=f"again {number}")) | {"problem_id": f"again {number:02}"}
        for number, family in enumerate(FAMILIES)
    ),
    reference(seed_row(1, FAMILIES[1])) | {"problem_id": "unread", "problem": "A van holds crates."},
    reference(seed_row(2, FAMILIES[2])) | {"problem_id": "repeats"},
]
VERDICTS = Verdict.validate(
    pl.DataFrame(
        [
            {"row_id": "repeats", "rule": "decontaminate.exact", "evidence": "an item"},
            {"row_id": "s00", "rule": None, "evidence": None},
        ],
        schema=Verdict.create_empty().schema,
    )
)


def table(rows=ROWS):
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def found(store):
    return skills(table(), VERDICTS, PROMPTS, encode, params(), EXECUTION)


def test_every_reference_is_kept_rejected_or_failed(found):
    rows = found.metrics.rows
    assert rows.read == len(ROWS) == rows.kept + sum(rows.rejected.values()) + rows.failed
    assert rows.rejected == {"mass.contaminated": 1, "mass.no_skill": 1}
    assert rows.rejected == Counter(found.rejects["rule"])
    no_skill = found.rejects.filter(pl.col("rule") == "mass.no_skill").row(0, named=True)
    assert (no_skill["row_id"], no_skill["evidence"]) == ("unread", NOT_KNOWN)
    assert found.metrics.paid.answered == len(ROWS) - 1


def test_the_writer_names_the_skills_of_each_family_in_spellings_that_are_merged(found, tmp_path):
    save_workings(found.workings, tmp_path)
    concepts = In(Concept, tmp_path / "concepts.parquet").read()
    mentions = In(SkillMention, tmp_path / "mentions.parquet").read()
    skills_of = mentions.group_by("problem_id").agg(pl.col("concept_id").n_unique())
    for problem_id, count in skills_of.iter_rows():
        family = next(row["subject"] for row in ROWS if row["problem_id"] == problem_id)
        assert count == len(OF_FAMILY[family]), family
    known = {name for names in OF_FAMILY.values() for name in names}
    assert concepts.height == len(known)
    assert found.metrics.names > 1.3 * concepts.height
    assert found.metrics.edges > 100
    assert set(OF_FAMILY) == {family.name for family in FAMILIES}
    assert all(2 <= len(name.split()) <= 6 for name in known)


def test_neither_order_nor_what_was_asked_before_changes_the_graph(found):
    again = skills(table(ROWS[::-1]), VERDICTS, PROMPTS, encode, params(), REPLAY)
    assert again.metrics == found.metrics
    assert all(one.rows.equals(other.rows) for one, other in zip(again.workings, found.workings, strict=True))


def test_more_references_ask_for_the_new_ones_alone(found):
    requests = skill_requests(table(), VERDICTS, PROMPTS, params())
    fewer = skill_requests(table(ROWS[:9]), VERDICTS, PROMPTS, params())
    assert {one: requests[one] for one in fewer} == fewer
    assert "repeats" not in requests
    assert len(open_store().known(CHAT, [chat_key(one) for one in requests.values()])) == len(requests)


def test_a_cap_takes_references_whole_and_a_larger_one_keeps_them(found):
    capped = [skills(table(), VERDICTS, PROMPTS, encode, params(), REPLAY, cap) for cap in (5_000, 9_000)]
    kept = [set(one.workings[2].rows["problem_id"]) for one in capped]
    assert 0 < len(kept[0]) < len(kept[1]) < found.metrics.rows.kept
    assert kept[0] < kept[1]
    for one, cap in zip(capped, (5_000, 9_000), strict=True):
        assert one.metrics.rows.rejected["mass.budget"] > 0
        assert one.metrics.prompt_tokens + one.metrics.completion_tokens <= cap
