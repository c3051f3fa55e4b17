"""Which model and quant a benchmark's file means by the names that it has for them."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from collections.abc import Iterable, Sequence

from . import _core
from .bench_rows import Reading

# How llama.cpp writes quants whose names are two words, or have a number behind them.
_WORDS = (
    (r"q4_k - medium", "q4_k_m"),
    (r"q4_k - small", "q4_k_s"),
    (r"q5_k - medium", "q5_k_m"),
    (r"q5_k - small", "q5_k_s"),
    (r"q2_k - medium", "q2_k"),
    (r"q2_k - small", "q2_k_s"),
    (r"q3_k - medium", "q3_k_m"),
    (r"q3_k - small", "q3_k_s"),
    (r"q3_k - large", "q3_k_l"),
    (r"iq3_s mix", "iq3_m"),
    (r"mxfp4 moe", "mxfp4"),
)
# llama.cpp's names of architectures that are not the first letters of ours.
_ARCHITECTURES = {"deepseek2": "deepseekv", "mistral": "llama", "hunyuanmoe": "hunyuanv1moe"}
_SAME_SIZE = 0.005
_OTHER_SIZE = 0.1  # so far apart, two counts of parameters are not of one model


def _words(text: str) -> list[str]:
    return [w for w in re.split(r"[^a-z0-9.]+", text.lower()) if w]


def stem(path: str) -> str:
    """The name in a model's path: a GGUF file's without its ending and part, the last part of a repository's."""
    name = os.path.basename(path.rstrip("/"))
    name = re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE)
    return re.sub(r"-\d{5}-of-\d{5}$", "", name)


def _plain(text: str) -> str:
    return "_" + re.sub(r"[^a-z0-9]+", "_", text.lower()) + "_"


@functools.cache
def _quants() -> list[tuple[str, str]]:
    """(plain name, id), long names first."""
    names = [(name, quant) for quant, aliases in _core.known_quants() for name in (quant, *aliases)]
    return [(_plain(name), quant) for name, quant in sorted(names, key=lambda k: -len(k[0]))]


@functools.lru_cache(maxsize=4096)
def quant_in(*texts: str) -> str:
    """The id of the quant that names contain, the first text before the others; empty if none does."""
    for text in texts:
        for words, quant in _WORDS:
            if words in text.lower():
                return quant
        plain = _plain(text)
        for name, quant in _quants():
            if name in plain:
                return quant
    return ""


def other_quant(meant: str, reading: Reading) -> str:
    """What a row says that its quant is, where --quant says another; empty where they agree, or one does not tell."""
    asked = next((quant for name, quant in _quants() if name == _plain(meant)), "")
    said = [quant_in(text) for text in (reading.quant, stem(reading.model_file), reading.model)]
    said = [quant for quant in said if quant]
    return said[0] if asked and said and asked not in said else ""


@dataclasses.dataclass
class Named:
    """The model that is meant, or why it is not known."""

    model: str = ""
    native_quant: str = ""
    why: str = ""


class Models:
    """The models that come with the program, to be found by what files say of them."""

    def __init__(self) -> None:
        self.known = _core.known_models()
        self._found: dict[tuple[str, str, float], Named] = {}
        self._sizes = {
            name.lower(): m["parameters"] for m in self.known for name in (m["id"], m["title"], *m["aliases"])
        }

    def other_size(self, meant: str, parameters: float) -> float:
        """How many parameters a model has that cannot be the one that was measured; 0 where it can."""
        size = self._sizes.get(meant.lower(), 0)
        return size if size and parameters and abs(parameters / size - 1) > _OTHER_SIZE else 0

    def named(self, name: str, file: str, parameters: float) -> Named:
        """By the name of its file or repository; else by llama.cpp's name of the architecture, and size."""
        key = (name, file, parameters)
        if key not in self._found:
            self._found[key] = self._named(*key)
        return self._found[key]

    def _named(self, name: str, file: str, parameters: float) -> Named:
        for text in filter(None, (stem(file), stem(name))):
            best = self._by_words(text, parameters)
            if best:
                return Named(best["id"], best["native_quant"])
        alike = [
            m
            for m in self.known
            if parameters
            and abs(m["parameters"] / parameters - 1) < _SAME_SIZE
            and _same_architecture(name, m["family"])
        ]
        if alike and len({m["family"] for m in alike}) == 1:
            # Of one family and size: they cost the same, whatever they were trained on.
            return Named(alike[0]["id"], alike[0]["native_quant"])
        return Named(why=self._unknown(name or stem(file), parameters, alike))

    def _by_words(self, text: str, parameters: float) -> dict | None:
        words = set(_words(text))
        found = []
        for model in self.known:
            if parameters and abs(model["parameters"] / parameters - 1) > 0.06:
                continue
            for name in (model["id"], *model["aliases"]):
                of = _words(name)
                if set(of) <= words and any(re.search(r"\d", w) for w in of):
                    found.append((len(of), len(name), model))
        return max(found, key=lambda f: f[:2])[2] if found else None

    def _unknown(self, name: str, parameters: float, alike: Sequence[dict]) -> str:
        size = f" ({parameters / 1e9:.2f} B parameters)" if parameters else ""
        near = alike or sorted(self.known, key=lambda m: abs(m["parameters"] - parameters))[:3] if parameters else []
        hint = (
            f"; did you mean {' or '.join(m['id'] for m in near)}?"
            if near
            else _core.did_you_mean(name, [m["id"] for m in self.known])
        )
        if not name:
            return f"the file does not name its model{size}; expected --model"
        return f'no model here is "{name}"{size}; expected --model ID or --model "{name}=ID"{hint}'


def _same_architecture(name: str, family: str) -> bool:
    first = re.sub(r"[^a-z0-9]", "", (name.lower().split() or [""])[0])
    ours = re.sub(r"[^a-z0-9]", "", family.lower())
    first = _ARCHITECTURES.get(first, first)
    return bool(first) and (ours.startswith(first) or first.startswith(ours))


@dataclasses.dataclass
class Mapping:
    """--model or --quant: one for all, and some by their name in the file."""

    option: str
    all: str = ""
    some: dict[str, str] = dataclasses.field(default_factory=dict)
    used: set[str] = dataclasses.field(default_factory=set)

    @classmethod
    def of(cls, option: str, given: Iterable[str]) -> Mapping:
        """From "ID" and "NAME IN FILE=ID"; ValueError where one contradicts another."""
        out = cls(option)
        for text in given:
            name, equals, meant = text.rpartition("=")
            if not meant or (equals and not name.strip()):
                raise ValueError(f'{option} is "{text}"; expected ID or "NAME IN FILE=ID"')
            if not equals and out.all and out.all != meant:
                raise ValueError(
                    f'{option} is both {out.all} and {meant}; expected "NAME IN FILE=ID" for several models'
                )
            if equals:
                out.some[name.strip().lower()] = meant.strip()
            else:
                out.all = meant
        return out

    def meant(self, reading: Reading) -> str:
        """What the options say of a row; empty: nothing."""
        for name in (reading.model, reading.model_file, os.path.basename(reading.model_file), stem(reading.model_file)):
            if name and name.strip().lower() in self.some:
                self.used.add(name.strip().lower())
                return self.some[name.strip().lower()]
        return self.all

    def mistakes(self, readings: Iterable[Reading]) -> list[str]:
        """Names that no row has."""
        have = sorted({name for r in readings for name in (r.model, stem(r.model_file)) if name})
        return [
            f'{self.option} "{name}=...": no row has this name'
            f"{_core.did_you_mean(name, have) or '; expected ' + ', '.join(have)}"
            for name in self.some
            if name not in self.used
        ]


# Names of chips, as drivers and titles of boxes have them; groups are what tells one from another.
_CHIPS = (
    r"\b(rtx pro \d{4})",
    r"\brtx (a\d{4})",
    r"\b((?:rtx|gtx) \d{4}(?: ada)?(?: ti)?(?: super)?(?: d\b)?)",
    r"\b([abhlv]\d{2,3}s?|t4|gb10|n1x|g[bh]\d{3})\b",
    r"\bapple\b.*?\b(m\d+(?: (?:pro|max|ultra))?)\b",
    r"\bmac\b.*?\b(m\d+(?: (?:pro|max|ultra))?)\b",
    r"\b(rx \d{4}(?: xtx?)?)\b",
    r"\b(mi\d{2,3}[ax]?)\b",
    r"\b(arc [ab]\d{3,4})\b",
)
_STRIX_HALO = re.compile(r"\b(8060s|gfx1151|strix halo|ai max\+? (?:pro )?395)\b")


_VENDORS = {"nvidia": "nvidia", "geforce": "nvidia", "apple": "apple", "amd": "amd", "radeon": "amd", "intel": "intel"}


def vendors_in(text: str) -> set[str]:
    """Who made what a text names."""
    return {_VENDORS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _VENDORS}


@functools.lru_cache(maxsize=4096)
def chips_in(text: str) -> set[str]:
    """The chips that a text names, by short names; of a laptop's chip that shares its name, with "laptop"."""
    plain = re.sub(r"[^a-z0-9+]+", " ", text.lower())
    found = {name for pattern in _CHIPS for name in re.findall(pattern, plain)}
    if re.search(r"laptop|mobile|max q", plain):
        found = {f"{name} laptop" for name in found if name.startswith(("rtx", "gtx"))} or found
    return found | ({"strix halo"} if _STRIX_HALO.search(plain) else set())
