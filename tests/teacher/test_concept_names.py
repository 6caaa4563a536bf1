"""Topics and key concepts in a teacher's answers, and the comparison of their names."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.concept_names import NamedConcepts, concept_name, read_concepts
from jz3.teacher.statements import plain_text

TOPICS = {"quadratic equation": ("discriminant", "vertex form"), "parabola": ("focus", "axis of symmetry")}
GOOD = {
    "as asked": (
        "Level: high school\nSubject: algebra\nTopic: Quadratic equations\n- discriminant\n- vertex form\n"
        "Topic: Parabolas\n- focus\n- axis of symmetry"
    ),
    "gpt, markdown": (
        "**Level:** High school\n**Subject:** Algebra\n\n"
        "### Topic 1: Quadratic Equations\n- **Discriminant**\n"
        "- **Vertex form**\n\n### Topic 2: Parabolas\n- **Focus**\n- **Axis of symmetry**"
    ),
    "qwen, thoughts": (
        "<think>\nTopic: maybe circles?\n- radius\n</think>\nLevel: high school\nSubject: algebra\n\n"
        "Topic: quadratic equation\n- the discriminant\n- vertex form\n\nTopic: the parabola\n- focus\n"
        "- axis of symmetry"
    ),
    "llama, chats and numbers": (
        "Sure! Here are the concepts of the document:\n\nLevel: high school\nSubject area: algebra\n"
        "1. Topic: Quadratic Equations\n   1. Discriminant: decides how many roots there are\n"
        "   2. Vertex-form - shows the turning point\n2. Topic: Parabola\n   * Focus\n   * Axis of Symmetry"
    ),
    "mistral, key concepts in a line": (
        "Educational level: high school\nSubject: algebra\n\n**Topic:** Quadratic equations\n"
        "Key concepts: discriminant, vertex form\n\n"
        "**Topic:** Parabolas\nKey concepts: focus, axis of symmetry."
    ),
    "claude, explains in brackets": (
        "Level: high school.\nSubject: algebra.\n\nTopic: Quadratic equations\n• Discriminant (b^2 - 4ac)\n"
        "• Vertex form\n\nTopic: Parabolas\n• Focus\n• Axis of symmetry\n• Focus (again)"
    ),
    "deepseek, dashes of other kinds": (
        "Level： high school\nSubject： algebra\nTopic： Quadratic equations\n– discriminant\n—vertex form\n"
        "Topic： Parabolas\n-focus\n● axis of symmetry"
    ),
    "gemini, brackets in a fence": (
        "```\n[Level]: high school\n[Subject]: algebra\n\n[Topic]: Quadratic equations\n- [discriminant]\n"
        "- [vertex form]\n\n[Topic]: Parabolas\n- [focus]\n- [axis of symmetry]\n```"
    ),
}
BAD = {
    "unsuitable": "UNSUITABLE",
    "unsuitable ": "**Unsuitable.** The document is a list of addresses.",
    "unsuitable  ": "The document is a list of addresses.\n\nReply: UNSUITABLE",
    "no_topic": "The document explains how quadratic equations are solved, and shows three examples.",
    "no_key_concept": "Level: high school\nTopic: Quadratic equations\nTopic: Parabolas",
}


@pytest.mark.parametrize("manner", GOOD)
def test_concepts_in_the_manner_of_several_models_are_read(manner):
    found = read_concepts(plain_text(GOOD[manner]), 5, 20)
    assert isinstance(found, NamedConcepts)
    assert found.topics == TOPICS
    assert (found.level.lower(), found.subject.lower()) == ("high school", "algebra")
    assert found.key_concepts == ("discriminant", "vertex form", "focus", "axis of symmetry")


@pytest.mark.parametrize("rule", BAD)
def test_answers_without_concepts_have_their_rule(rule):
    assert read_concepts(plain_text(BAD[rule]), 5, 20).rule == rule.strip()


def test_the_first_topics_and_key_concepts_are_taken_and_a_topic_without_any_is_none():
    text = GOOD["as asked"] + "\nTopic: Sets\nTopic: Lines\n- slope\n- slope\n- point"
    assert read_concepts(text, 5, 20).topics == TOPICS | {"line": ("slope", "point")}
    assert read_concepts(text, 1, 1).topics == {"quadratic equation": ("discriminant",)}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("The Vertex-Forms", "vertex form"),
        ("**Probabilities**", "probability"),
        ("boxes of equal classes", "boxes of equal class"),
        ("Time series", "time series"),
        ("Matrices", "matrix"),
        ("Gauss's radius", "gauss's radius"),
        ("Bayes: turns chances around", "baye"),
        ("Axis", "axis"),
        ("- ", ""),
        ("42", ""),
        ("A sentence that explains at length what a reader has to know about it", ""),
    ],
)
def test_names_are_compared_without_case_articles_hyphens_and_plurals(written, name):
    assert concept_name(written) == name


@given(st.text(st.sampled_from("abes xi-T*.;,yd"), max_size=20))
def test_a_name_is_named_by_itself(written):
    once = concept_name(written)
    assert concept_name(once) == once
    assert concept_name(f" {written.upper()} ") == once


def test_the_prompt_asks_for_what_is_read():
    prompt = (Path(__file__).parents[2] / "data/recipes/synthllm/concepts.md").read_text()
    assert all(word in prompt for word in ("`Level:`", "`Subject:`", "`Topic:`", "UNSUITABLE", "dash"))
    assert re.search(r"one to five topics.*five to twenty key concepts", prompt)
