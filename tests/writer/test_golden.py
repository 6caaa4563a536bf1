"""The texts of the problem writer are those of its model name: answers in the row store are kept under it.

A change of families, wordings or draws needs a new name in `jz3/writer/server.py`, and then a new digest
here.
"""

import hashlib

from jz3.tables.words import KINDS, LEVELS
from jz3.writer.server import MODEL
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
