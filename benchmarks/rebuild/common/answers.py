"""How a number in words of a model is compared with a true one."""


def same_number(answer: str, true: int) -> bool:
    return abs(float(answer.replace(",", "")) - true) < 0.5
