"""The turns of a training row as in tables: a question that is read, a solution that is learnt."""


def two_turns(question: str, solution: str) -> list[dict[str, object]]:
    return [
        {"role": "user", "text": question, "learn": False},
        {"role": "assistant", "text": solution, "learn": True},
    ]
