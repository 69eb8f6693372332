"""HTML in which every text is text: nothing a user named can become markup."""

from __future__ import annotations

from html import escape

LONE = {"img", "meta"}  # elements that enclose nothing


class Html(str):
    """Markup already; any other str is escaped on its way into an element."""

    __slots__ = ()


def element(name: str, /, *inside: str, **attributes: str) -> Html:
    """<name attributes>inside</name>; `class_` is class, `aria_label` is aria-label."""
    given = "".join(f' {_key(key)}="{escape(value)}"' for key, value in attributes.items())
    if name in LONE:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{together(*inside)}</{name}>")


def together(*inside: str) -> Html:
    """One after the other."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in inside))


def _key(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
