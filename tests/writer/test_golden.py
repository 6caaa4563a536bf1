"""The problem writer's texts belong to its model name, under which answers are kept in the row store.

A change of families, wordings or draws needs a new name in `jz3/writer/server.py`, and then a new digest
here.
"""

import hashlib

import pytest

from jz3.tables.words import KINDS, LEVELS
from jz3.writer.server import MODEL, THINKING_MODEL
from jz3.writer.thinking import WRONG_ONE_IN, think
from jz3.writer.write import write_problem

GOLDEN = {"jz3-writer-1": "ffe2dad3ced7cad137b3267bf36e0d6171a6e4c5b127ec692dd5acf32c8285bb"}


def test_the_texts_under_this_name_have_not_changed():
    digest = hashlib.sha256()
    for level in LEVELS:
        for kind in KINDS:
            for number in range(40):
                written = write_problem(level, kind, "A passage about a sum.", f"golden/{number}", "teacher")
                digest.update(written.text.encode())
    assert digest.hexdigest() == GOLDEN[MODEL]


THOUGHTS = {"jz3-thinking-writer-1": "2cf62ef33e6c5f825eadb69ed5bb8ee2b4d7fdcae6cfa6f8549188edcc689a25"}


def test_the_thoughts_under_this_name_have_not_changed():
    digest, wrong = hashlib.sha256(), 0
    for level in LEVELS:
        for kind in KINDS:
            for number in range(40):
                key = f"golden/{number}"
                trace = think(
                    write_problem(level, kind, "A passage about a sum.", key, "teacher"), level, key
                )
                digest.update(trace.text.encode())
                wrong += trace.wrong_guess is not None
                assert (trace.wrong_guess is not None) == ("\\boxed" in trace.text)
    assert digest.hexdigest() == THOUGHTS[THINKING_MODEL]
    assert wrong / (len(LEVELS) * len(KINDS) * 40) == pytest.approx(1 / WRONG_ONE_IN, abs=0.05)
