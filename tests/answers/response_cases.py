r"""Whole responses with their golds, by kind of closing: what is the answer, and what only looks like one.

Each closing is written once, with ANSWER in the place of the answer, and judged with answers of several
forms; then with another answer in its place it must be wrong. `SAID` holds responses written out.
"""

from collections.abc import Iterator

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

_SAID = r"""
lists | 1,2 | The answers are 1 and 2. | right
lists | 1,2 | The answer is x = 1 or x = 2. | right
lists | 1,2 | The solutions are $x = 1$ and $x = 2$. | right
lists | 1,2 | $\boxed{1}$ and $\boxed{2}$ | right
lists | 1,2,3 | \boxed{1}, \boxed{2}, and \boxed{3} | right
lists | (2,2),(6,2) | $$\boxed{(2,2)} \quad \text{and} \quad \boxed{(6,2)}$$ | right
lists | 1,2 | The answers are 1 and 3. | wrong
lists | 1 | The answers are 1 and 2. | wrong
lists | 2 | $\boxed{1}$ or $\boxed{2}$ | wrong
lists | \{1,2\} | So the set is $\{1, 2\}$. | right
relations | x \ge 5 | Therefore $x \geq 5$ is the solution. | right
relations | 5 | Therefore $x > 5$ is the solution. | wrong
relations | 1 | The answer is $\frac{x}{3}+\frac{y}{5}=1$. | wrong
relations | \frac{x}{3}+\frac{y}{5}=1 | The answer is $\frac{x}{3}+\frac{y}{5}=1$. | right
relations | y=2x+1 | So the line is $y = 2x + 1$. | right
relations | 8 | The answer is $5 + 3 = 8$. | right
relations | 8 | Together that is $x = 5 + 3 = 8$. | right
relations | 107 | The answer is $m + n = 107$. | right
relations | \frac{1}{3} | It is $\frac{1}{3} \approx 0.333$. | right
relations | 120 | Final Answer: The volume of $ABCDEFGH$ is 120. | right
units | 5 | The length is $5\text{ cm}$. | right
units | 5 cm | The answer is $5$ cm. | right
units | 5 cm | The answer is 5 km. | wrong
units | 5 | She pays \$5. | right
units | 5.5 | She pays $5.50. | right
units | 1234.5 | The answer is $1,234.50. | right
units | 25\% | The answer is 25%. | right
units | 3000000 | So they make 3 million. | right
units | 0.35625 | The answer is $.35625$. | right
units | 90 | The angle is $90^\circ$. | right
units | 30 | The angle is 90 degrees. | wrong
words | no solution | The answer is no solution. | right
words | \text{no solution} | The answer is that there are no solutions. | right
words | \text{east} | The answer is east. | right
words | \text{east} | The answer is west. | wrong
words | Mrs. Brown | The answer is Mrs. Brown. | right
words | 25 | The answer is twenty-five. | right
words | \text{odd} | odd | right
words | \text{Yes} | The answer is **yes**. | right
words | 5 | I am not able to find it. | wrong
words | 12 | <think>Perhaps \boxed{12}? Let me see | wrong
words | 5 | | wrong
words | 2 | The part is AB2C | wrong
programs | 42 | ```python\nprint("\\boxed{7}")\n```\n```output\n42\n```\nThe answer is 42. | right
programs | 42 | ```py\nprint(6 * 7)\n```\n```output\n42\n``` | right
programs | 7 | ```Python\nprint("\\boxed{7}")\n``` | wrong
matrices | \begin{pmatrix}1&2\\3&4\end{pmatrix} | The matrix is $\begin{bmatrix}1 & 2\\3 & 4\end{bmatrix}$. | right
matrices | \begin{pmatrix}1&2\\3&4\end{pmatrix} | The matrix is $\begin{bmatrix}1 & 2\\4 & 3\end{bmatrix}$. | wrong
money in prose | 10455 | So, she has $10,200 + $255 = $10,455. | right
money in prose | 7 | Ann pays $5 and Bob pays $7. | right
money in prose | 5 | Ann pays $7 and Bob pays $5 more. | right
later word | 5 | At first \boxed{7}, but that is the part of Ann. The answer is 5. | right
later word | 7 | \boxed{7}. The answer is clear. | right
marks | 42 | ANSWER: `42` | right
marks | 42 | The answer is "42". | right
marks | 42 | The answer is ***42***! | right
marks | 42 | | Answer | 42 | | right
marks | \frac{1}{2} | The answer is ½. | right
marks | x^2 | The answer is x². | right
marks | -5 | The answer is −5. | right
marks | 2\sqrt{3} | The answer is 2√3. | right
marks | 15 | The answer is １５。 | right
marks | x\le 3 | So $x ≤ 3$. | right
marks | 1.5 | The answer is $1.5$ . | right
letters | B | The best choice is **B**: 12 cm | right | aqua
letters | B | (B) | right | aqua
letters | D | D. it cannot be A or B | right | aqua
letters | D | d | right | aqua
letters | B | b. 4 | right | aqua
letters | B | A is wrong, so is C.\n**B** | right | aqua
letters | B | B。不是 A | right | aqua
letters | B | 答案是B | right | aqua
letters | C | A triangle has three sides. The answer is (C). | right | aqua
letters | C | The answer is **C** because 3 times 4 is 12. | right | aqua
letters | C | Hence $\boxed{\textbf{(C)}\ 12}$. | right | aqua
letters | C | Option (A) gives 3, too small. Hence $\boxed{\text{C}}$. | right | aqua
letters | B | The answer is option (B). Options (A) and (C) are wrong. | right | aqua
letters | A | The answer is A. | right | aqua
letters | A | The answer is a number below 3, so (B). | wrong | aqua
letters | B | It is not (A), hence (B). | right | aqua
letters | A | <think>(A)?</think>The correct option is (B). | wrong | aqua
letters | E | <answer>E</answer> | right | aqua
letters | C | I would choose C) 12. | right | aqua
letters | A | \boxed{A} | right | aqua
"""


def response_cases() -> Iterator[ResponseCase]:
    for kind, closings in CLOSINGS.items():
        for forms, closing in closings:
            for form in forms.split():
                for gold, answer, other in FORMS[form]:
                    yield kind, gold, closing.replace("ANSWER", answer), True, None
                    yield kind, gold, closing.replace("ANSWER", other), False, None
    for line in _SAID.strip().splitlines():
        kind, gold, rest = line.split(" | ", 2) if line.count(" | ") > 2 else (*line.split(" | ", 1), "")
        if not rest:
            gold, _, label = gold.partition(" | | ")
            yield kind, gold, "", label == "right", None
            continue
        benchmark = "aqua" if rest.endswith(" | aqua") else None
        response, _, label = rest.removesuffix(" | aqua").rpartition(" | ")
        yield kind, gold, response.replace("\\n", "\n"), label == "right", benchmark
