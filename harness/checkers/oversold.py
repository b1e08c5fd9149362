"""``oversold``: the shop sold no piece that it did not have."""

from collections.abc import Sequence

from harness.audited import StockLevel
from harness.evidence import acknowledged, audit_lacks, decide, plural
from harness.history import Checker, History
from harness.model import Count, Verdict, noun


@noun
class Oversold(Checker):
    """Products whose books do not balance in the audit's one snapshot of the primary: at most ``max``.

    For each product nothing may be below zero, and what it began with, less what is left, must be what the orders add up
    to. Evidence: products read, all of them are needed, and at least one piece sold; where the load says how many last
    pieces there are, a product that was sold out. Else INCONCLUSIVE unless already proved. ``examples`` names the products
    with their figures.
    """

    max: Count = 0

    def check(self, history: History) -> Verdict:
        """Judge the audit, whatever the window."""
        audit = history.audit
        levels = audit.stock if audit else ()
        wrong = sorted({level.sku: level for level in levels if not balanced(level)}.values(), key=lambda level: level.sku)
        products, needed = len({level.sku for level in levels}), max(1, audit.skus if audit else 0)
        sold = sum(level.sold for level in levels)
        return decide(
            failed=f"The stock of {plural(len(wrong), 'product')} does not balance with the orders, "
            f"{plural(sum(level.final < 0 for level in wrong), 'product')} below zero; at most {self.max:,} may be wrong."
            if len(wrong) > self.max
            else "",
            lacking=audit_lacks(history)
            or _lacking(products, needed, sold, acknowledged(history))
            or _plenty(history, levels),
            passed=f"The stock of all {products:,} products balances with {plural(sold, 'piece')} sold; none is below zero."
            if not wrong
            else f"The stock of {len(wrong):,} of {products:,} products does not balance; {self.max:,} may be wrong.",
            measured={
                "oversold": len(wrong),
                "below_zero": sum(level.final < 0 for level in levels),
                "pieces_too_many": sum(max(0, level.sold - level.initial) for level in levels),
                "sold_out": sum(level.final == 0 for level in levels),
                "sold": sold,
            },
            limit={"max": self.max},
            evidence=products,
            needed=needed,
            examples=[f"{one.sku}: began with {one.initial}, {one.final} left, {one.sold} sold" for one in wrong],
        )


def balanced(level: StockLevel) -> bool:
    """Whether one product's books balance: nothing below zero, and what is gone is what was sold."""
    return level.final >= 0 and level.initial - level.final == level.sold


def _plenty(history: History, levels: Sequence[StockLevel]) -> str:
    """Say that nobody wanted more than there was, although the load was to; empty where somebody did."""
    scarce = history.scenario.load.last_pieces
    if not scarce or any(level.final <= 0 for level in levels):
        return ""
    return f"No product was sold out, so nobody wanted more of the last {scarce:,} pieces than there were."


def _lacking(products: int, needed: int, sold: int, orders: int) -> str:
    """Say why balanced books prove nothing; empty where they do."""
    if products < needed:
        return f"The audit read the stock of {products:,} of {needed:,} products."
    if sold < 1 or orders < 1:
        return "Nothing was sold, so balanced books prove nothing."
    return ""
