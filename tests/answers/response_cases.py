r"""Whole responses with their golds, by kind of closing: what is the answer, and what only looks like one.

Each closing is written once, with ANSWER in place of the answer, and judged with answers of several forms;
with another answer in its place it must then be wrong. `responses.txt` holds complete responses, one a line:
kind, gold, response, label, perhaps a benchmark.
"""

from collections.abc import Iterator
from pathlib import Path

ResponseCase = tuple[str, str, str, bool, str | None]  # kind, gold, response, right, benchmark

FORMS = {
    "number": [("5", "5", "6"), ("-7", "-7", "7"), ("1234", "1,234", "1,235"), ("0.25", "0.25", "0.52")],
    "formula": [
        ("\\frac{4}{23}", "$\\frac{4}{23}$", "$\\frac{5}{23}$"),
        ("2\\sqrt{3}", "$2\\sqrt{3}$", "$3\\sqrt{3}$"),
        ("x^2+1", "$x^2 + 1$", "$x^2 - 1$"),
        ("(7,6)", "$(7, 6)$", "$(6, 7)$"),
        ("[2,5)", "$[2, 5)$", "$(2, 5]$"),
        ("\\frac{\\pi}{6}", "$\\dfrac{\\pi}{6}$", "$\\dfrac{\\pi}{3}$"),
    ],
    "bare": [
        ("\\frac{4}{23}", "\\frac{4}{23}", "\\frac{4}{25}"),
        ("3\\pi", "3\\pi", "2\\pi"),
        ("5", "5", "6"),
        ("-\\frac12", "-\\frac{1}{2}", "\\frac{1}{2}"),
    ],
}

CLOSINGS: dict[str, list[tuple[str, str]]] = {
    "phrase": [
        ("number formula", "We add up. The answer is ANSWER."),
        ("number formula", "So the final answer is: ANSWER"),
        ("number formula", "Thus, the correct answer is **ANSWER**."),
        ("number formula", "The answer to the question is ANSWER."),
        ("number formula", "The answer is therefore ANSWER."),
        ("number formula", "The answer should be ANSWER, I think."),
        ("number formula", "The final answer is ANSWER. I hope it is correct."),
        ("number formula", "The answer is ANSWER, not 17."),
        ("number formula", "My final answer is ANSWER; I went over all 12 cases."),
        ("number formula", "The answer is ANSWER because there are 31 days in a month."),
        ("number formula", "The answer is exactly ANSWER."),
        ("number", "The answer is approximately ANSWER."),
        ("number", "The answer is about ANSWER apples."),
        ("number", "The answer is ANSWER apples and 3 of them are green."),
        ("number", "ANSWER: `ANSWER`".replace("ANSWER:", "answer:")),
        ("number formula", "Answer: ANSWER"),
        ("number formula", "**Answer:** ANSWER"),
        ("number formula", "### Final Answer\n\nANSWER"),
        ("number formula", "**Final Answer**\n\nANSWER\n"),
        ("number formula", "Final Answer: The smallest such value is ANSWER."),
        ("number formula", "The final answer is:\n\nANSWER\n\nThis uses all 4 conditions."),
    ],
    "display": [
        ("bare", "The final answer is:\n\n$$\nANSWER\n$$"),
        ("bare", "The answer is\n\\[\nANSWER\n\\]"),
        ("bare", "Therefore the value is\n\\[ANSWER.\\]"),
        ("bare", "Hence we get \\(ANSWER\\)."),
        ("bare", "so that\n\\begin{align*}\nv &= ANSWER\n\\end{align*}"),
    ],
    "box": [
        ("bare", "Hence $\\boxed{ANSWER}$."),
        ("bare", "\\[\\boxed{ANSWER}\\]\nThis settles all 3 cases."),
        ("bare", "First \\boxed{99}, but that is wrong. In the end $\\boxed{ANSWER}$"),
        ("bare", "So \\fbox{ANSWER} it is."),
        ("bare", "Thus \\framebox{ANSWER}."),
        ("bare", "We find $v = \\boxed{ANSWER}$ after 12 steps."),
        ("bare", "\\boxed{\\text{The answer is }ANSWER}"),
        ("bare", "$\\boxed{\\textbf{ANSWER}}$"),
        ("bare", "$$\\boxed{\\displaystyle ANSWER}$$"),
        ("bare", "\\boxed{\\boxed{ANSWER}}"),
        ("bare", "Write it into a \\boxed{}. The answer is $ANSWER$."),
    ],
    "thoughts": [
        ("bare", "<think>It may be \\boxed{99}.</think>\nThe answer is $ANSWER$."),
        ("bare", "<think>Perhaps 99.</think>\n\\boxed{ANSWER}"),
        ("bare", "Perhaps \\boxed{99}? Yes.\n</think>\nIt is $ANSWER$."),
        ("bare", "<thinking>\\boxed{99}</thinking><answer>ANSWER</answer>"),
        ("bare", "The answer is $ANSWER$.\n<think>Or is it \\boxed{99}"),
        ("bare", "<reasoning>99</reasoning>\n<answer>$ANSWER$</answer>"),
    ],
    "tags": [
        ("bare", "<answer>ANSWER</answer>"),
        ("bare", "We have 3 of 4.\n<answer>\nANSWER\n</answer>"),
        ("bare", "<answer>The answer is $ANSWER$.</answer>"),
        ("bare", "<answer>\\boxed{ANSWER}</answer>"),
        ("number", '{"reasoning": "12 of them", "answer": "ANSWER"}'),
        (
            "number",
            "We have 3 of 4.\n[ANSWER]ANSWER[/ANSWER]".replace("[ANSWER]A", "[answer]A").replace(
                "[/A", "[/a"
            ),
        ),
    ],
    "hashes": [
        ("number", "He has 17 and loses some.\n#### ANSWER"),
        ("number", "He has 17.\n#### Answer: ANSWER"),
        ("number", "He has 17.\n#### The answer is ANSWER"),
        ("formula", "He has 17.\n#### ANSWER"),
    ],
    "last formula": [
        ("formula", "Thus the probability is ANSWER."),
        ("formula", "From 12 we come to ANSWER"),
        ("bare", "Take $a = 12$. It follows that the result is $ANSWER$."),
        ("bare", "We have 12 of them, which leaves \\(ANSWER\\)."),
    ],
    "last number": [
        ("number", "With 12 days left, she has ANSWER."),
        ("number", "So there are ANSWER of them."),
        ("number", "That makes **ANSWER** in all"),
    ],
    "other languages": [
        ("number", "答案是ANSWER"),
        ("number", "一共有12个,所以答案为ANSWER。"),
        ("bare", "因此,答案是$ANSWER$。"),
        ("number", "La réponse est ANSWER."),
        ("number", "Die Antwort ist ANSWER."),
        ("number", "La respuesta es ANSWER."),
        ("number", "Ответ: ANSWER"),
        ("number", "따라서 정답은 ANSWER"),
    ],
    "runs on": [
        ("number", "We add.\n#### ANSWER\n\nQuestion: And with 3 more?\nAnswer: 99\n#### 99"),
        ("bare", "Hence \\boxed{ANSWER}.\n\nProblem: What is 90 + 9?\nSolution: \\boxed{99}"),
        ("number", "The answer is ANSWER.<|im_end|>\n<|im_start|>user\nAnd 90 + 9?\nThe answer is 99."),
        ("bare", "Hence \\boxed{ANSWER}.</s> The answer is 99."),
    ],
    "alone": [("formula", "ANSWER"), ("bare", "ANSWER"), ("bare", "$$ANSWER$$"), ("number", "**ANSWER**")],
}

SAID = Path(__file__).parent / "responses.txt"


def response_cases() -> Iterator[ResponseCase]:
    for kind, closings in CLOSINGS.items():
        for forms, closing in closings:
            for form in forms.split():
                for gold, answer, other in FORMS[form]:
                    yield kind, gold, closing.replace("ANSWER", answer), True, None
                    yield kind, gold, closing.replace("ANSWER", other), False, None
    for line in SAID.read_text(encoding="utf-8").splitlines():
        kind, gold, rest = line.split(" | ", 2) if line.count(" | ") > 2 else (*line.split(" | ", 1), "")
        if not rest:
            gold, _, label = gold.partition(" | | ")
            yield kind, gold, "", label == "right", None
            continue
        benchmark = "aqua" if rest.endswith(" | aqua") else None
        response, _, label = rest.removesuffix(" | aqua").rpartition(" | ")
        yield kind, gold, response.replace("\\n", "\n"), label == "right", benchmark
