"""What a scenario asked, from the texts that results carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from . import words
from .results import Results


class _Loader(yaml.BaseLoader):
    """All scalars as they are written: "8 h" and 0.10 mean what they say. No aliases: the program's reader has none either."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def tree(text: str) -> dict[str, Any]:
    """A YAML text as mappings, lists and strings; ValueError if it is none."""
    try:
        out = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"is no YAML: {error}") from error
    return out if isinstance(out, dict) else {}


def scenario(results: Results) -> dict[str, Any]:
    """The scenario with its --set options laid over it."""
    out = tree(results.texts.get("scenario", ""))
    for line in changes(results):
        path, _, value = line.partition("=")
        _set(out, [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^."]+)', path)], value)
    return out


def changes(results: Results) -> list[str]:
    """The --set options of the run."""
    return results.texts.get("set", "").splitlines()


def _set(node: Any, path: list[str], value: str) -> None:
    for part, following in zip(path, [*path[1:], None], strict=True):
        index = int(part) if isinstance(node, list) and part.isdigit() and int(part) < len(node) else None
        if following is None:
            parsed = tree(f"value: {value}").get("value")
            if index is not None:
                node[index] = parsed
            elif isinstance(node, dict):
                node[part] = parsed
        elif index is not None:
            node = node[index]
        elif isinstance(node, dict):
            if not isinstance(node.get(part), dict | list):  # missing or null
                node[part] = {}
            node = node[part]


@dataclass(frozen=True)
class Number:
    """A number of a sheet, with where it comes from."""

    sheet: str
    path: str
    text: str
    confidence: str
    sources: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Sheet:
    """A sheet that the run used."""

    kind: str
    id: str
    title: str
    software: str
    numbers: tuple[Number, ...]
    sources: dict[str, str]


_KINDS = {"systems": "box", "models": "model", "quants": "quant", "engines": "engine", "links": "link", "tariffs": "tariff", "apis": "API", "rentals": "rental"}


def sheets(results: Results) -> list[Sheet]:
    """Every sheet that the run used."""
    out: dict[tuple[str, str], Sheet] = {}
    for name, text in results.texts.items():
        folder, _, rest = name.partition("/")
        if folder not in _KINDS or not rest:
            continue
        root = tree(text)
        identifier = str(root.get("id", rest))
        describes = root.get("describes")
        software = str(describes.get("software", "")) if isinstance(describes, dict) else ""
        given = root.get("sources")
        sources = {k: str(v) for k, v in given.items()} if isinstance(given, dict) else {}
        title = str(root.get("title", identifier))
        out[folder, identifier] = Sheet(_KINDS[folder], identifier, title, software, tuple(_numbers(identifier, root, "", {})), sources)
    return list(out.values())


def _numbers(sheet: str, node: Any, path: str, inherited: dict[str, Any]) -> Iterator[Number]:
    """Every {value: ...}, and what a mapping says for what is inside it."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _numbers(sheet, item, f"{path}.{index}", inherited)
    if not isinstance(node, dict):
        return
    own = {**inherited, **{key: node[key] for key in ("source", "confidence") if key in node}}
    if isinstance(node.get("value"), str):
        sources = own.get("source", [])
        sources = sources if isinstance(sources, list) else [sources]
        confidence = str(own.get("confidence", "not said"))
        yield Number(sheet, path.lstrip("."), node["value"], confidence, tuple(map(str, sources)), str(node.get("note", "")))
        return
    for key, value in node.items():
        if key not in ("sources", "describes"):
            yield from _numbers(sheet, value, f"{path}.{key}", own)


def number(results: Results, folder: str, path: str) -> str:
    """The text of a number in the sheet of that name: "273 GB/s"; empty where it has none."""
    node: Any = tree(results.texts.get(folder, ""))
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    node = node.get("value") if isinstance(node, dict) else node
    return node if isinstance(node, str) else ""


def question(results: Results) -> str:
    """What the run asks, in a sentence."""
    asked = scenario(results)
    served = [_served(d, asked, results) for d in _mapping(asked.get("deployments")).values() if isinstance(d, dict)]
    streams = asked.get("workload")
    who = [_who(s) for s in streams if isinstance(s, dict)] if isinstance(streams, list) else []
    how_long = f", for {asked['duration']}" if isinstance(asked.get("duration"), str) else ""
    ambient = _mapping(asked.get("environment")).get("ambient", "22 degC")
    where = f", in a room at {degrees(ambient)}" if isinstance(ambient, str) and asked.get("systems") else ""
    return f"How well does {words.listed(served) or 'this'} serve {words.listed(who) or 'its users'}{how_long}{where}?"


def degrees(text: str) -> str:
    return text.replace(" degC", f"{words.SPACE}°C")


def _mapping(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}


def _served(deployment: dict[str, Any], asked: dict[str, Any], results: Results) -> str:
    if "api" in deployment:
        return _hosted(str(_mapping(deployment["api"]).get("sheet", "")), results)
    names = deployment.get("runs_on", "")
    boxes = [_box(str(name), asked, results) for name in (names if isinstance(names, list) else [names])]
    same = f"{len(boxes)} × {boxes[0]}" if len(boxes) > 1 and len(set(boxes)) == 1 else words.listed(boxes)
    quant = f" as {deployment['quant']}" if isinstance(deployment.get("quant"), str) else ""
    return f"{deployment.get('model', 'a model')}{quant} with {deployment.get('engine', 'an engine')} on {same}"


def _hosted(sheet: str, results: Results) -> str:
    title = tree(results.texts.get(f"apis/{sheet}", "")).get("title", sheet)
    return f"{title}, hosted elsewhere,"


def _box(name: str, asked: dict[str, Any], results: Results) -> str:
    system = _mapping(_mapping(asked.get("systems")).get(name))
    title = str(tree(results.texts.get(f"systems/{name}", "")).get("title", system.get("sheet", name)))
    count = system.get("count", "1")
    return title if count == "1" else f"{count} × {title}"


def _who(stream: dict[str, Any]) -> str:
    """A stream of requests in words."""
    name = stream.get("name", "a stream")
    if isinstance(stream.get("users"), str):
        return f"{stream['users']} users ({name})"
    sessions, arrivals = _mapping(stream.get("sessions")), _mapping(stream.get("arrivals"))
    if isinstance(sessions.get("users"), str):
        return f"{sessions['users']} people in conversations ({name})"
    if isinstance(stream.get("trace"), str):
        file = stream["trace"].rsplit("/", 1)[-1]
        speed = f" at {stream['speed']} of its pace" if isinstance(stream.get("speed"), str) else ""
        return f"the trace {file}{speed} ({name})"
    rate = arrivals.get("rate", sessions.get("rate"))
    return f"{rate} requests ({name})".replace("/s requests", " requests a second") if isinstance(rate, str) else str(name)
