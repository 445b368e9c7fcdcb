"""A small HTML writer: text is escaped, markup is a type of its own, a page is one file that loads nothing."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NewType

from medtransfer.result.model import RESEARCH_USE_ONLY
from medtransfer.work.report.style import CSS

Html = NewType("Html", str)
"""Markup that was made by this module; plain ``str`` is text that still has to be escaped."""

# Nothing may be loaded and nothing may run: the page shows text from tables and plug-ins.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_VOID = frozenset({"img"})  # has no end tag (HTML Standard, 13.1.2)


def text(value: object) -> Html:
    """Return the value as escaped text."""
    return Html(html.escape(str(value), quote=True))


def join(parts: Iterable[Html]) -> Html:
    """Return the parts one after the other."""
    return Html("\n".join(parts))


def element(tag: str, *content: Html, **attributes: str) -> Html:
    """Return an element; ``class_`` is written ``class``, ``aria_label`` becomes ``aria-label``."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    inside = "".join(f' {key}="{html.escape(value, quote=True)}"' for key, value in named.items())
    return Html(f"<{tag}{inside}>" if tag in _VOID else f"<{tag}{inside}>{''.join(content)}</{tag}>")


def paragraph(value: str, class_: str = "") -> Html:
    """Return a paragraph of plain text."""
    return element("p", text(value), class_=class_) if class_ else element("p", text(value))


def section(title: str, *content: Html) -> Html:
    """Return a panel with a heading."""
    return element("section", element("h2", text(title)), *content)


def table(headings: Sequence[str], rows: Iterable[Sequence[Html]], class_: str = "") -> Html:
    """Return a table whose first column names the row."""
    head = element("tr", *(element("th", text(heading), scope="col") for heading in headings))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    inner = element("table", element("thead", head), element("tbody", *body), class_=class_)
    return element("div", inner, class_="scroll")


def facts(entries: Mapping[str, Html]) -> Html:
    """Return names with their values, as a definition list."""
    return element("dl", *(part for name, value in entries.items() for part in _fact(name, value)))


def _fact(name: str, value: Html) -> tuple[Html, Html]:
    return element("dt", text(name)), element("dd", value)


def folded(title: str, *content: Html) -> Html:
    """Return content that is closed on the screen until asked for."""
    return element("details", element("summary", text(title)), *content)


def page(title: str, subtitle: str, content: Iterable[Html], *, synthetic: bool) -> str:
    """Return a whole page, which says "research use only", and "synthetic" where images were generated."""
    badges = [element("span", text(RESEARCH_USE_ONLY), class_="badge danger")]
    if synthetic:
        badges.insert(0, element("span", text("SYNTHETIC images: says nothing about patients"), class_="badge strong"))
    header = element(
        "header",
        Html('<div class="brand"><span>med</span>transfer</div>'),
        element("h1", text(title)),
        paragraph(subtitle, class_="muted"),
        element("div", *badges, class_="badges"),
    )
    footer = element("footer", text(RESEARCH_USE_ONLY))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY, quote=True)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{CSS}</style></head>\n<body><main>"
        f"{header}\n{join(content)}\n{footer}</main></body></html>\n"
    )


def write(content: str, path: Path) -> None:
    """Write a page, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
