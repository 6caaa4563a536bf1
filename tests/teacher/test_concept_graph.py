"""The concept graph: chances as in the paper, and walks that depend neither on order nor on further
epochs.
"""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.teacher.concept_graph import (
    KEY_CONCEPT,
    TOPIC,
    Walks,
    chances,
    combination_id,
    concept_graph,
    concept_id,
    edges,
    jaccard,
    nearest,
    walk,
    weight,
)
from jz3.teacher.concept_names import NamedConcepts

WALKS = Walks((1, 2), (3, 4), 1e-6)


def named(topics):
    return NamedConcepts(None, None, {name: tuple(names) for name, names in topics.items()})


def topic(name):
    return concept_id(TOPIC, name)


def key(name):
    return concept_id(KEY_CONCEPT, name)


PASSAGES = st.dictionaries(
    st.sampled_from([f"p{number}" for number in range(8)]),
    st.dictionaries(
        st.sampled_from("ABCDE"), st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=3, unique=True),
        min_size=1, max_size=3,
    ).map(named),
    min_size=1,
)  # fmt: skip


def test_neighbours_seen_three_times_and_once_are_gone_to_as_three_to_one():
    found = chances({"u": 3, "v": 1}, 1e-6)
    assert found == pytest.approx({"u": 0.75, "v": 0.25}, abs=1e-6)
    exact = {one: math.exp(weight(count, 1e-6)) for one, count in {"u": 3, "v": 1}.items()}
    assert found == pytest.approx({one: part / sum(exact.values()) for one, part in exact.items()})
    assert chances({"u": 3, "v": 1}, 1.0) == pytest.approx({"u": 4 / 6, "v": 2 / 6}), "1 favours rare pairs"


def test_the_jaccard_index_of_the_fact_sheet():
    assert jaccard("abcd", "abe") == pytest.approx(2 / 5)
    assert jaccard("", "") == 0


def test_walks_go_by_these_chances():
    """T1 occurs with T2 in three passages and with T3 in one; k occurs with all of them."""
    graph = concept_graph(
        {f"p{number}": named({"T1": "k", ("T2" if number < 3 else "T3"): "k"}) for number in range(4)}
    )
    assert graph.neighbours(topic("T1"), TOPIC) == {topic("T2"): 3, topic("T3"): 1}
    walks = Walks((1, 1), (0, 0), 1e-6)
    seen = Counter(graph.names[walk(graph, topic("T1"), epoch, walks, 5)[1]] for epoch in range(2_000))
    assert seen["T2"] / 2_000 == pytest.approx(0.75, abs=0.03)
    assert set(seen) == {"T2", "T3"}


def test_a_walk_goes_over_topics_to_one_key_concept_and_on_over_key_concepts():
    graph = concept_graph({"p": named({"A": "abc", "B": "de"}), "q": named({"C": "f"})})
    lengths = set()
    for epoch in range(60):
        met = walk(graph, topic("A"), epoch, WALKS, 3)
        kinds = [graph.kinds[one] for one in met]
        assert kinds == sorted(kinds, reverse=True), "topics first"
        assert kinds.count(TOPIC) in (1, 2)
        assert 2 <= kinds.count(KEY_CONCEPT) <= 5
        lengths.add(kinds.count(KEY_CONCEPT))
    assert len(lengths) > 1
    alone = walk(graph, topic("C"), 0, WALKS, 3)
    assert alone == (topic("C"), key("f")), "it stays where there is no neighbour"


@settings(max_examples=50, deadline=None)
@given(PASSAGES, st.randoms())
def test_neither_the_order_of_passages_nor_later_epochs_move_a_walk(passages, random):
    order = list(passages)
    random.shuffle(order)
    graph, again = concept_graph(passages), concept_graph({name: passages[name] for name in order})
    assert (graph.topics, list(edges(graph))) == (again.topics, list(edges(again)))
    for one in graph.topics:
        walks = [walk(graph, one, epoch, WALKS, 1) for epoch in range(3)]
        assert walks == [walk(again, one, epoch, WALKS, 1) for epoch in range(3)]
        for met in walks:
            assert len(set(met)) == len(met)
            assert met[0] == one
            assert combination_id(met) == combination_id(met[::-1])
            assert nearest(graph, met, 2) == nearest(again, met, 2)


@settings(max_examples=50, deadline=None)
@given(PASSAGES, st.integers(1, 4))
def test_the_nearest_passages_are_those_of_the_highest_index_by_a_plain_count(passages, count):
    graph = concept_graph(passages)
    met = walk(graph, graph.topics[0], 0, WALKS, 1)
    plain = sorted(
        (-jaccard(met, graph.of_passage[name]), name)
        for name in passages
        if set(met) & graph.of_passage[name]
    )[:count]
    expected = [(name, pytest.approx(-index)) for index, name in plain]
    assert nearest(graph, met, count) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jz3.teacher.concept_graph.LARGE", 0)
        assert nearest(graph, met, count) == expected, "the far ones are put aside first"


@given(PASSAGES)
def test_an_edge_counts_the_passages_that_have_both(passages):
    graph = concept_graph(passages)
    for one, other, count in edges(graph):
        assert one < other
        assert count == sum({one, other} <= held for held in graph.of_passage.values())
    for one, places in graph.having.items():
        assert len(places) == sum(one in held for held in graph.of_passage.values())
