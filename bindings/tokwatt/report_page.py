"""The page of a report: one file of HTML that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._core import __version__
from .charts import esc
from .report_style import PAGE


@dataclass
class Section:
    id: str
    title: str
    body: str


def page(*, title: str, question: str, answer: str, below: str, sections: Sequence[Section], about: str) -> str:
    """The whole page; `below` stands under the answer. All but `title`, `question` and `answer` are HTML."""
    links = " ".join(f"<a href='#{s.id}'>{esc(s.title)}</a>" for s in sections)
    body = "".join(f"<section id={s.id} aria-labelledby=h-{s.id}><h2 id=h-{s.id}>{esc(s.title)}</h2>{s.body}</section>\n" for s in sections)
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{esc(title)}</title><meta name=generator content='tokwatt {esc(__version__)}'><link rel=icon href='data:,'>"
        f"<style>{PAGE}</style></head>\n<body><a class=skip href='#main'>To the report</a>\n"
        f"<header><h1>{esc(title)}</h1><p class=question>{esc(question)}</p><p class=answer>{esc(answer)}</p>{below}"
        f"<nav aria-label='Sections'>{links}</nav></header>\n<main id=main>\n{body}</main>\n<footer>{about}</footer></body></html>\n"
    )


def figures(items: Sequence[tuple[str, str, str]]) -> str:
    """(name, value, what to add), side by side."""
    cells = "".join(
        f"<div><dt>{esc(name)}</dt><dd>{esc(value)}{f'<small>{esc(more)}</small>' if more else ''}</dd></div>" for name, value, more in items
    )
    return f"<dl class=figures>{cells}</dl>"


def paragraph(text: str, kind: str = "") -> str:
    return f"<p{f' class={kind}' if kind else ''}>{esc(text)}</p>"
