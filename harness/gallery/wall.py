"""A gallery on its way: the runs asked for, what the book holds of them and of others, and the page that shows both."""

from harness import provenance
from harness.campaign import Sortie
from harness.gallery import page, pairs
from harness.gallery.book import Book, done
from harness.gallery.entry import Entry, Key, exit_code
from harness.gallery.pairs import Matrix, pair
from harness.model import Outcome
from harness.project import Project
from harness.shop import Gallery


class Wall:
    """What hangs on the wall. Raises ``UsageError`` where the book cannot be read."""

    def __init__(self, project: Project, kept: Book, made: Matrix) -> None:
        self._project, self._shop, self._made, self.book = project, project.shop(), made, kept
        self._declaration = self._shop.declaration
        self._entries = page.valid(kept.read(), self._declaration)
        self._flown: set[Key] = set()
        self._places: dict[Key, int] = {}
        self._asked = pairs.asked(made.sorties)

    def commit(self) -> str:
        """Give the commit that would be flown now, with ``+`` where the tree differs in more than documents and our runs."""
        return provenance.commit(self._project.root, besides=(self.book.page, self.book.lines, *self._project.written))

    def left(self, *, resume: bool) -> tuple[Sortie, ...]:
        """Give the runs to fly; with ``resume`` without those that are done."""
        known = done(self._entries.values(), self.commit()) if resume else {}
        left = tuple(one for one in self._made.sorties if known.get(_key(one)) != one.plan.orders_per_s)
        self._places = {_key(one): number for number, one in enumerate(left, 1)}
        self._flown = {_key(one) for one in self._made.sorties} - self._places.keys()
        return left

    def title(self, sortie: Sortie) -> str:
        """Say which run it is, of those left."""
        defect, scenario, part = _key(sortie)
        nth = f", run {part} of {sortie.of}" if sortie.of > 1 else ""
        return f"[{self._places[_key(sortie)]}/{len(self._places)}] {defect or 'the good shop'} in {scenario}{nth}"

    def add(self, one: Entry) -> None:
        """Enter a run and write the page anew. Raises ``SetupError``."""
        self._entries = page.valid(self.book.enter(one), self._declaration)
        self._flown.add(one.key)
        self.hang()

    def hang(self) -> None:
        """Write the page. Raises ``SetupError``."""
        shop, defects = self._shop, self._declaration.defects
        spoils = {name: shop.spoils(name) for name in defects} if isinstance(shop, Gallery) else {}
        self.book.write_page(page.page(self._entries.values(), self._asked, self._declaration, spoils))

    def summary(self) -> tuple[str, ...]:
        """Say what all on the page have shown."""
        return page.summary(self._entries.values(), self._asked, self._declaration)

    @property
    def exit_code(self) -> int:
        """The exit code of what was asked for: only what this gallery flew, or left out as done, counts."""
        entries = {key: one for key, one in self._entries.items() if key in self._flown}
        code = exit_code([_key(one) for one in self._made.sorties], entries)
        return Outcome.INCONCLUSIVE.exit_code if code == 0 and self._made.homeless else code


def _key(sortie: Sortie) -> Key:
    return (*pair(sortie.plan), sortie.part)
