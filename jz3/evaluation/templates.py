"""How an item is put to a model, and where its answer ends (released code).

jiuzhang       ## Question / ## Solution: a natural-language answer
jiuzhang_tora  ## Question / ## Code Solution: text, program, output, closing sentence
"""

from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Template:
    """The heading of the answer, and the strings at which the model is stopped."""

    heading: str
    stop: tuple[str, ...]

    def prompt(self, question: str, choices: list[str] | None) -> str:
        """What the model reads before it answers."""
        return f"## Question\n{shown(question, choices)}\n\n## {self.heading}\n"


JIUZHANG = Template(heading="Solution", stop=("\n\n## Question",))
JIUZHANG_TORA = Template(heading="Code Solution", stop=("\n\n## Question", "\n\n---", "```output"))


def shown(question: str, choices: list[str] | None) -> str:
    """A question with its choices: `Answer Choices: (A) 3 (B) 4` on a line of its own."""
    if not choices:
        return question
    lettered = " ".join(f"({letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{question}\nAnswer Choices: {lettered}"
