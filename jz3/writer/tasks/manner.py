r"""How a solution is told: its beginning, its steps (as a paragraph, one per line or numbered), and its end.

The key of the request draws all three, so that several draws of one question differ like a model's.
"""

from collections.abc import Sequence

from jz3.writer.draws import Draws

OPENINGS = (
    "",
    "Let us go step by step. ",
    "We write down what is given and work it out. ",
    "First we see what is asked, then we compute. ",
    "We take one step after the other. ",
)
CLOSINGS = (
    "The answer is \\boxed{{{answer}}}.",
    "So the answer is \\boxed{{{answer}}}.",
    "Therefore the answer is \\boxed{{{answer}}}.",
    "This gives the answer \\boxed{{{answer}}}.",
)
UNKNOWN = "I do not know problems of this kind and give no answer."


def told(steps: Sequence[str], answer: str, key: str) -> str:
    """A solution of these steps, with its box."""
    draws = Draws(key)
    opening = draws.choice("opening", OPENINGS)
    closing = draws.choice("closing", CLOSINGS).format(answer=answer)
    match draws.choice("layout", ("paragraph", "lines", "numbered")):
        case "paragraph":
            body = " ".join(steps)
        case "lines":
            body = "\n".join(steps)
        case _:
            body = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
            opening = opening.rstrip() + "\n" if opening else ""
    return f"{opening}{body}\n{closing}"
