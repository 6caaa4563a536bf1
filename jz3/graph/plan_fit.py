"""Whether a stage of a plan fits the cards of its profile, and its rows their blocks and contexts."""

from jz3.graph.on_cards import on_card, told
from jz3.graph.plan_lines import Line
from jz3.graph.setting import Setting
from jz3.graph.sizes import Sizes
from jz3.graph.too_long import too_long


def fit(line: Line, setting: Setting, sizes: Sizes) -> None:
    """Add to the plan the memory that the stage takes on a card, and which of its rows are too long."""
    stage, card = setting.graph.stage(line.stage), setting.execution.planning.card_gib
    takes = on_card(setting, stage)
    if takes is not None:
        line.notes.append(told(takes, card))
    if takes is not None and takes.need is not None:
        line.card_gib = round(takes.need.gib, 2)
        line.fits = None if card is None else takes.need.gib <= card
    line.notes.extend(too_long(setting, sizes, stage))
