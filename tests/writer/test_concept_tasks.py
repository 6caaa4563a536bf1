"""What the problem writer answers if a prompt asks for concepts, or for questions on documents."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.teacher.asks import filled
from jz3.teacher.concept_names import NamedConcepts, read_concepts
from jz3.teacher.posed_questions import read_questions
from jz3.text.problem_text import last_boxed
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.refusal import Refused
from jz3.writer.server import MODEL, complete
from jz3.writer.splits import part_of
from jz3.writer.tasks.passage_families import UNSUITABLE
from jz3.writer.tasks.solve import solution_of

FOLDER = Path(__file__).parents[2] / "data/recipes/synthllm"
FIT = "A matrix with a determinant is invertible. Its eigenvalues are the roots of a polynomial."


def answer(name, seed=3, **values):
    prompt = filled((FOLDER / f"{name}.md").read_text(), {f"{{{one}}}": text for one, text in values.items()})
    message = {"role": "user", "content": prompt}
    return complete({"model": MODEL, "messages": [message], "seed": seed})["choices"][0]["message"]["content"]


@pytest.mark.parametrize("family", FAMILIES[::3], ids=lambda family: family.name)
def test_concepts_of_a_document_are_read_back_whatever_their_spelling(family):
    document = f"It speaks of {', '.join(family.words)}."
    texts = [answer("concepts", seed, document=document) for seed in range(4)]
    assert len(set(texts)) > 1, "spellings differ"
    found = [read_concepts(text, 5, 20) for text in texts]
    assert all(isinstance(one, NamedConcepts) for one in found)
    assert all(one == found[0] for one in found), "and mean the same"
    assert all(len(names) >= 4 for names in found[0].topics.values())


@settings(max_examples=30, deadline=None)
@given(
    words=st.lists(
        st.sampled_from([word for family in FAMILIES for word in family.words]), min_size=1, max_size=9
    ),
    count=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_questions_of_a_document_are_of_its_families_and_can_be_solved(words, count, seed):
    document = f"About {' '.join(words)}."
    text = answer("level_1", seed, document=document, count=str(count))
    assert text == answer("level_1", seed, document=document, count=str(count))
    found = read_questions(text, count, None)
    assert 1 <= len(found) <= count
    readings = [read(one.text) for one, wrong in found if wrong is None]
    assert len({one.family.name for one in readings}) == len(found), "each of another family"
    for reading, (one, _) in zip(readings, found, strict=True):
        assert set(reading.family.words) & set(words)
        assert last_boxed(solution_of(one.text, "key"))
        if all(field in reading.values.drawn for field in reading.family.fields):
            assert part_of(reading.family, reading.values) == "teacher"


@settings(max_examples=15, deadline=None)
@given(number=st.integers(0, len(FAMILIES) - 1), seed=st.integers(0, 99))
def test_questions_of_concepts_combine_two_or_three_of_those_given(number, seed):
    family = FAMILIES[number]
    names = (family.name.partition(".")[2].replace("_", " "), *family.words, "bread", "butter")
    for name, data in (
        ("level_2", {"document": FIT, "concepts": f"- {names[0]}: {'; '.join(names[1:])}"}),
        ("level_3", {"documents": FIT, "concepts": "\n".join(f"- {one}" for one in names)}),
    ):
        found = read_questions(answer(name, seed, count="3", **data), 3, None)
        assert len({frozenset(one.concepts) for one, _ in found}) == len(found)
        assert 1 <= len(found) <= 3
        for one, wrong in found:
            assert wrong is None
            assert 2 <= len(one.concepts) <= 3
            assert not {"bread", "butter"} & set(one.concepts)


def test_what_the_writer_knows_nothing_of_is_refused():
    assert answer("concepts", document="Aunt Klara bakes bread.") == UNSUITABLE
    assert answer("level_1", document="Aunt Klara bakes bread.", count="3") == UNSUITABLE
    assert answer("level_2", document=FIT, concepts="- bread: determinant; butter", count="3") == UNSUITABLE


@pytest.mark.parametrize("name", ["concepts", "level_1", "level_3"])
def test_a_prompt_without_its_headings_is_refused_with_what_it_lacks(name):
    text = (FOLDER / f"{name}.md").read_text().replace("### Document", "### Somewhere")
    message = {"role": "user", "content": text}
    with pytest.raises(Refused, match=r"'### Documents?'"):
        complete({"model": MODEL, "messages": [message], "seed": 1})
