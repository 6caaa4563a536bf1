"""What is read from a teacher's functions and calls: answers in the styles of several model families."""

import pytest

from jz3.teacher.decompositions import Decomposition, read_decomposition
from jz3.teacher.exact_programs import called_program
from jz3.writer.write import printed

PLAIN = '''def total_cost(price: "dollars per item", count: "number of items") -> "dollars":
    """Cost of equal items. Topic: shopping"""
    return price * count


def change_due(paid: "dollars", cost: "dollars") -> "dollars":
    """Change after paying a cost. Topic: shopping"""
    return paid - cost
'''
CALLS = "cost = total_cost(7, 8)\nprint(change_due(84, cost))"
GOOD = {
    "bare": f"{PLAIN}\n\n{CALLS}",
    "fenced, with words around (GPT)": (
        f"Here is the program:\n\n```python\n{PLAIN}\n\n{CALLS}\n```\n\nIt prints the change."
    ),
    "thought before, other label (DeepSeek, Qwen)": (
        f"<think>\n7 * 8 = 56\n</think>\n\n```py\n{PLAIN}\n{CALLS}\n```"
    ),
    "main and arguments by name (Claude)": (
        f"I'll take it apart.\n\n```python\nfrom fractions import Fraction\n\n{PLAIN}\n\ndef main():\n"
        '    """The calls."""\n    price = 7\n    cost = total_cost(count=8, price=price)\n'
        "    result = change_due(paid=84, cost=cost)\n    print(result)\n\n\n"
        'if __name__ == "__main__":\n    main()\n```'
    ),
    "sections in the description, two blocks (Llama)": (
        "**Functions**\n```python\n"
        + PLAIN.replace(
            " Topic: shopping", "\n\n    Topic: Shopping.\n\n    Args:\n        price: of one\n    "
        )
        + f"```\n**Main**\n```python\n# the calls\n{CALLS}\n```"
    ),
    "results with a type (Gemini)": f"```python\n{PLAIN}\n\n{CALLS.replace(' =', ': float =')}\n```",
    "kinds as names, nested calls (Mistral)": (
        "```Python\n"
        + PLAIN.replace('paid: "dollars", cost: "dollars"', "paid: Dollars, cost: Dollars")
        + "\nprint(change_due(84, total_cost(7, 8)))\n```"
    ),
}


@pytest.mark.parametrize("manner", GOOD)
def test_answers_in_the_manner_of_several_models_are_read(manner):
    read = read_decomposition(GOOD[manner])
    assert isinstance(read, Decomposition), read
    cost, change = read.functions
    assert [(one.name, one.kind) for one in cost.parameters] == [
        ("price", "dollars per item"),
        ("count", "number of items"),
    ]
    assert (cost.doc, cost.topic, change.returns) == ("Cost of equal items.", "shopping", "dollars")
    assert [one.kind for one in change.parameters] == ["dollars", "dollars"]
    assert [call.arguments for call in read.calls] == [("7", "8"), ("84", 0)]
    assert printed(called_program(read.functions, read.calls)).strip() == "28"


def with_function(body, name="total_cost"):
    return f'def {name}(a, b):\n    """Some value of two numbers."""\n    {body}\n\n\nprint({name}(3, 4))'


BAD = {
    "no_program": ["The answer is 28.", ""],
    "not_python": [f"```python\n{PLAIN}\nprint(change_due(84, cost\n```"],
    "no_function": ["```python\nprint(84 - 7 * 8)\n```"],
    "not_calls": [
        f"{PLAIN}\nprint(84 - total_cost(7, 8))",
        f"{PLAIN}\ncost = total_cost(7, 8)",
        f"{PLAIN}\nfor n in range(3):\n    print(total_cost(7, n))",
        f"{PLAIN}\nprint(total_cost(7))",
        f"{PLAIN}\nprint(total_cost(7, 8))\nprint(change_due(84, 56))",
        f"{PLAIN}\ncost = total_cost(7, 8)\nleft = change_due(84, 56)\nprint(cost)",
        f"{PLAIN}\nprint(7)",
        f"{PLAIN}\n{PLAIN}\n{CALLS}",
    ],
    "undescribed": ["def f(a, b):\n    return a - b\n\nprint(f(3, 4))"],
    "impure": [
        with_function("print(a)\n    return a"),
        with_function("return a * RATE"),
        with_function("import os\n    return os.getpid()"),
        with_function("return open(a)"),
        with_function("global c\n    return a"),
        with_function("raise SystemExit"),
        with_function("return a.__class__"),
        with_function("return a", "f").replace("(a, b)", "(a, b=4)"),
    ],
    "not_decomposed": [
        with_function(f"return {' + '.join(['a * b'] * 7)}"),
        with_function(f"return {' + '.join(['a'] * 2_000)}"),
    ],
}


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in BAD.items() for text in texts])
def test_answers_that_are_of_no_use_have_their_rule(rule, text):
    assert read_decomposition(text).rule == rule


@pytest.mark.parametrize(
    ("literal", "shown", "prints"),
    [("7", "7", "10"), ("-2.5", "-2.5", "1/2"), ("3 / 4", "3/4", "15/4"), ("Fraction(1, 3)", "1/3", "10/3")],
)
def test_literals_are_exact(literal, shown, prints):
    read = read_decomposition(with_function("return a + b").replace("(3, 4)", f"({literal}, 3)"))
    assert read.calls[0].arguments == (shown, "3")
    assert printed(called_program(read.functions, read.calls)).strip() == prints


@pytest.mark.parametrize(
    ("body", "prints"),
    [
        ("return a / b", "3/4"),
        ("a /= b\n    return a", "3/4"),
        ("return sqrt(a * a + b * b)", "5"),
        ("return sqrt(a)", "1.7320508075688772"),
        ("return a ** 200", "huge"),
        ("return 'x'", "str"),
        ("return b if a < 1 else total_cost(a - 1, b + a)", "10"),
    ],
)
def test_programs_compute_exactly(body, prints):
    read = read_decomposition(with_function(body))
    assert printed(called_program(read.functions, read.calls)).strip() == prints


OTHER = PLAIN.replace("paid - cost", "(paid - cost) * 1")


@pytest.mark.parametrize("before", ["", "# a line\r# and another\n", "@cached\n", "import math\n\n\n"])
def test_what_was_read_before_changes_nothing(before):
    """Functions with the same words are read once; the words around them do not count."""
    first, other = (read_decomposition(f"{before}{some}\n{CALLS}") for some in (PLAIN, OTHER))
    again = read_decomposition(f"{before}{PLAIN}\n{CALLS}")
    assert again == first == read_decomposition(GOOD["bare"])
    assert first.functions[0] == other.functions[0]
    assert first.functions[1].source != other.functions[1].source


def test_names_of_math_are_written_out_in_a_copy():
    program = 'def root(a):\n    """Root of a number."""\n    return sqrt(a)\n\nprint(root(9))'
    for _ in range(2):
        assert read_decomposition(program).functions[0].source == "def root(a):\n    return math.sqrt(a)"
