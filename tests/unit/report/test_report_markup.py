"""Texts stay texts."""

from __future__ import annotations

from anomaly.report.markup import Html, element, together


def test_text_is_escaped_and_markup_is_not():
    inside = element("b", "<i> & \"'")
    assert element("p", inside, "<br>") == ("<p><b>&lt;i&gt; &amp; &quot;&#x27;</b>&lt;br&gt;</p>")


def test_attributes_are_escaped_and_named_as_in_html():
    made = element("a", class_="x", aria_label='" onclick="x', http_equiv="y", href="?a=1&b=2")
    assert made == (
        '<a class="x" aria-label="&quot; onclick=&quot;x" http-equiv="y" href="?a=1&amp;b=2"></a>'
    )


def test_elements_that_enclose_nothing_have_no_end():
    assert element("img", src="data:,") == '<img src="data:,">'


def test_what_is_put_together_is_markup():
    both = together("<", Html("<br>"))
    assert both == "&lt;<br>" and isinstance(both, Html)
    assert together(both) == both
