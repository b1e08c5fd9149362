"""Whatever stands in names, sentences, logs and file names: in each format it is text and nothing else."""

import json
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.model import Outcome
from harness.reporters import html, junit, markdown, terminal
from harness.reporters import json as data
from harness.reporters._document import Document
from tests.hostile import MARKUP, spoiled

HOSTILE = st.one_of(st.sampled_from(MARKUP), st.text(st.characters(exclude_categories=()), min_size=1))


class Skeleton(HTMLParser):
    """Keeps tags and the names of their attributes, and leaves text out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep one tag."""
        self.tags.append((tag, *(name for name, _ in attrs)))


SKELETONS = {outcome: Skeleton(html.render(spoiled(outcome, "x"))).tags for outcome in Outcome}
many = settings(deadline=None, max_examples=40)


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("outcome", Outcome)
def test_known_tricks_stay_text(outcome: Outcome, text: str) -> None:
    check_page(outcome, text)
    check_junit(outcome, text)
    check_data(outcome, text)
    check_table(outcome, text)
    check_summary(outcome, text)


@many
@given(st.sampled_from(Outcome), HOSTILE)
def test_any_text_stays_text_in_the_page(outcome: Outcome, text: str) -> None:
    check_page(outcome, text)


@many
@given(st.sampled_from(Outcome), HOSTILE)
def test_any_text_stays_text_in_junit(outcome: Outcome, text: str) -> None:
    check_junit(outcome, text)


@many
@given(st.sampled_from(Outcome), HOSTILE)
def test_any_text_stays_text_in_the_data(outcome: Outcome, text: str) -> None:
    check_data(outcome, text)


@many
@given(st.sampled_from(Outcome), HOSTILE)
def test_any_text_stays_text_in_the_table(outcome: Outcome, text: str) -> None:
    check_table(outcome, text)


@many
@given(st.sampled_from(Outcome), HOSTILE)
def test_any_text_stays_text_in_the_summary(outcome: Outcome, text: str) -> None:
    check_summary(outcome, text)


def check_page(outcome: Outcome, text: str) -> None:
    """The page has the same tags and attributes as with harmless text, and nothing in it acts unseen."""
    page = html.render(spoiled(outcome, text))
    assert Skeleton(page).tags == SKELETONS[outcome]
    assert_shown(page, keep="\n\t")


def check_junit(outcome: Outcome, text: str) -> None:
    """The document parses, has the same cases, and holds no character that XML forbids or that acts unseen."""
    document = junit.render(spoiled(outcome, text))
    assert_shown(document, keep="\n")
    root = ET.fromstring(document.encode())  # noqa: S314 -- our own text
    assert [one.tag for one in root.iter()] == [one.tag for one in ET.fromstring(junit.render(spoiled(outcome, "x"))).iter()]  # noqa: S314 -- the same


def check_data(outcome: Outcome, text: str) -> None:
    """The document is of its shape, pure ASCII, and gives back what was put in."""
    document = data.render(spoiled(outcome, text))
    assert document.isascii()
    json.loads(document, parse_constant=pytest.fail)
    run = msgspec.json.decode(document, type=Document).runs[0]
    assert run.promised == text or any(unicodedata.category(c) == "Cs" for c in text)


def check_table(outcome: Outcome, text: str) -> None:
    """Nothing but lines of printable text."""
    assert_shown(terminal.render(spoiled(outcome, text)), keep="\n")


def check_summary(outcome: Outcome, text: str) -> None:
    """A heading and a table whose cells hold text and line breaks, and nothing else; small enough for a job's page."""
    summary = markdown.render(spoiled(outcome, text))
    assert_shown(summary, keep="\n")
    assert len(summary.encode()) < 200 * 1024
    tokens = MarkdownIt("commonmark").enable("table").parse(summary)
    inside = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inside} <= {"text", "text_special", "html_inline"}
    assert {child.content for child in inside if child.type == "html_inline"} <= {"<br>"}
    assert {token.tag for token in tokens} - {""} <= {"h2", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert sum(token.tag == "table" for token in tokens) == 2
    assert not re.search(r"(?<!\\)(?:\\\\)*(?:https?:|@|(?i:www)\.)", summary)


def assert_shown(text: str, keep: str) -> None:
    """Fail on characters that are not seen or that steer: control, direction, invisible, unpaired."""
    assert {c for c in text if not c.isprintable()} <= set(keep)
