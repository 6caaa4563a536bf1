"""Code blocks are found however their fences are written, and prose is what is outside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.text.fences import fenced_blocks, without_blocks

PROGRAM = "x = 2\nfor n in range(x):\n    print(n)"
LINES = st.lists(
    st.sampled_from(["```", "~~~", "```python", "~~~~py", "  ```output", "x = 1", "prose", "``` then", ""])
)


@pytest.mark.parametrize("mark", ["```", "~~~", "````", "~~~~~"])
@pytest.mark.parametrize(
    "label",
    [
        *(
            "python",
            "py",
            "Python",
            "PYTHON",
            "python3",
            "py3",
            "python3.11",
            " python",
            "ipython",
            "python ",
        ),
        *(
            "{python}",
            "{.python .numberLines}",
            'python title="a.py"',
            "python {linenos=true}",
            "python:a.py",
        ),
        *("Python 3", ".python"),
    ],
)
@pytest.mark.parametrize("indent", ["", "   ", "\t"])
def test_a_program_is_one_in_any_fence(mark, label, indent):
    text = f"1. We count.\n{mark}{label}\n{PROGRAM}\n{mark}\nDone.".replace("\n", f"\n{indent}")
    (block,) = fenced_blocks(text)
    assert block.is_program
    assert block.body.strip("\n") == PROGRAM
    assert without_blocks(text).split() == ["1.", "We", "count.", "Done."]
    assert [found.body for found in fenced_blocks(text.replace("\n", "\r\n"))] == [block.body]


@pytest.mark.parametrize(
    ("text", "labels", "closed"),
    [
        ("```python\nprint('```')\n```\n", ["python"], True),
        ("```python\nprint(1)```\nSo 1.", ["python"], True),
        ("```python\nprint(1)\n```output\n1\n```", ["python", "output"], True),
        ("~~~python\ns = '''\n```\n'''\n~~~", ["python"], True),
        ("````python\n# ```\nprint(1)\n````", ["python"], True),
        ("We run ```python\nprint(1)\n``` and then ```python\nprint(2)\n```", ["python", "python"], True),
        ("```python\nprint(1)\n", ["python"], False),
        ("```\nprint(1)\n```\n```\n1\n```", ["", ""], True),
        ("The code ```x``` and ```y```.", [], True),
        ("```java\nint x;\n```", ["java"], True),
    ],
)
def test_blocks_end_where_a_reader_would_end_them(text, labels, closed):
    blocks = list(fenced_blocks(text))
    assert [block.label for block in blocks] == labels
    assert all(block.closed for block in blocks) == closed


def test_a_block_without_a_label_is_a_program_where_it_prints():
    program, output = fenced_blocks("```\nprint(1)\n```\n```\n1\n```")
    assert (program.is_program, output.is_program, output.is_output) == (True, False, True)


@given(LINES, st.text(alphabet="`~\n p", max_size=40))
def test_blocks_and_prose_make_the_text(lines, more):
    text = "\n".join(lines) + more
    blocks = list(fenced_blocks(text))
    ends = [0, *(place for block in blocks for place in (block.start, block.end)), len(text)]
    assert ends == sorted(ends)
    prose = "".join(text[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True))
    assert without_blocks(text) == prose
