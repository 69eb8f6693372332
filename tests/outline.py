"""A page as its elements and texts: what tests of pages look at."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "img", "input"}


class Outline(HTMLParser):
    """A page's elements with the texts inside them; unbalanced ones raise."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []  # (element, text)
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if data.strip():
            self.texts.append((self.open[-1], data))

    def attributes(self, tag: str, key: str) -> list[str]:
        return [given[key] for name, given in self.elements if name == tag and key in given]

    def text(self, tag: str) -> str:
        return "".join(text for name, text in self.texts if name == tag)
