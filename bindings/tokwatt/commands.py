"""The program's commands as functions: bench, fit, audit; and what comes with it."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from . import _core, values
from .errors import Infeasible

# What always has an answer: a table without rows has the columns of that.
_A_FIT = {"system": "dgx-spark", "model": "llama-3.1-8b", "quant": "q4_k_m"}
_A_CLAIM = {"id": "any", **_A_FIT, "metric": "tg_tok_s", "value_low": 40, "value_high": 40, "unit": "tok/s"}


def _said(command: str, *words: str, **options: Any) -> tuple[Any, str]:
    """The JSON that a command prints. Options that are None or empty are left out."""
    arguments = list(words)
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(flag)
        elif value is not None and value is not False and not (isinstance(value, str) and value == ""):
            arguments += [f"{flag}={one}" for one in _list(value)]
    code, out, err = _core.command(command, ["--output=json", *arguments])
    if code == 4:
        raise Infeasible(err.strip())
    return json.loads(out), err.strip()


def _list(value: Any) -> list[str]:
    """A value, or several joined as the command line takes them."""
    if isinstance(value, Mapping):
        return values.sets(value)
    if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable):
        return [os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
    return [",".join(str(one) for one in value)]


def bench(
    *,
    system: str | os.PathLike[str],
    model: str | os.PathLike[str],
    engine: str,
    quant: str = "",
    prompt: int | Iterable[int] = 512,
    generate: int | Iterable[int] = 128,
    depth: int | Iterable[int] = 0,
    sequences: int | Iterable[int] = 1,
    batch: int | Iterable[int] | None = None,
    micro_batch: int | Iterable[int] | None = None,
    kv: str = "",
    flash_attention: bool | None = None,
    set: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """What llama-bench would measure.

    Parameters
    ----------
    system, model, engine : str or path
        By id, alias or path, as on the command line.
    quant : str, optional
        Format of the weights; a GGUF file has its own.
    prompt, generate : int or iterable of int
        Tokens of the tests; 0 leaves a test out.
    depth : int or iterable of int
        Tokens in the cache before the test.
    sequences : int or iterable of int
        Sequences at once; above 1 the rows are those of llama-batched-bench.
    batch, micro_batch : int or iterable of int, optional
        Tokens of a step, and of these so many at once; without them the engine's own.
    kv : str, optional
        Format of the KV cache.
    flash_attention : bool, optional
        Whether attention keeps its scores on the chip; without it as it was measured on this box.
    set : mapping, optional
        Changes to keys of the box's sheet, or of others: ``{"memory.bandwidth": "300 GB/s"}``.

    Returns
    -------
    pandas.DataFrame
        llama-bench's fields, one row a test; ``avg_ts`` in tokens/s with its 90 % interval ``avg_ts_low``, ``avg_ts_high``, and ``bound``.
        With several sequences llama-batched-bench's fields, speeds in tokens/s and times in s.

    Raises
    ------
    InputError
        A name or a sheet is wrong.
    Infeasible
        It does not fit, or the engine cannot run it on that box.
    """
    flash = None if flash_attention is None else int(flash_attention)
    rows, _ = _said(
        "bench", system=system, model=model, quant=quant, engine=engine, kv=kv, n_prompt=prompt, n_gen=generate, n_depth=depth,
        npl=sequences, batch_size=batch, ubatch_size=micro_batch, flash_attn=flash, set=set,
    )  # fmt: skip
    return pd.DataFrame(rows)


def fit(
    *,
    system: str | os.PathLike[str] = "",
    model: str | os.PathLike[str] = "",
    quant: str = "",
    engine: str = "",
    context: int | None = None,
    users: int = 1,
    kv: str = "",
    hypothetical: bool = False,
) -> pd.DataFrame:
    """What fits: leave out the model and it lists models, leave out the system and it lists boxes.

    Parameters
    ----------
    system, model : str or path
        By id, alias or path; one of them at least.
    quant, engine, kv : str, optional
        Formats of weights and KV cache, and the engine; without them the box's natural ones.
    context : int, optional
        Tokens that each user has, prompt and answer together (default 8,192, or what the model takes).
    users : int
        Users at once.
    hypothetical : bool
        Boxes too that cannot be bought.

    Returns
    -------
    pandas.DataFrame
        One row a case, the best first; bytes in B, rates in tokens/s. No rows where nothing fits.

    Raises
    ------
    InputError
        A name or a sheet is wrong.
    Infeasible
        System, model and quant are given, and do not fit; the text has the arithmetic.
    """
    rows, _ = _said(
        "fit", system=system, model=model, quant=quant, engine=engine, context=context, users=users, kv=kv, all=hypothetical
    )  # fmt: skip
    return pd.DataFrame(rows) if rows else fit(**_A_FIT).iloc[:0]


def audit(claims: str | os.PathLike[str] | pd.DataFrame) -> pd.DataFrame:
    """A verdict on each published claim.

    Parameters
    ----------
    claims : path or pandas.DataFrame
        CSV with the columns of docs/file-formats.md, or a table of them.

    Returns
    -------
    pandas.DataFrame
        The claims with ``verdict`` (impossible, implausible, possible, not checkable), ``why``, ``arithmetic`` and
        ``would_make_it_true``.

    Raises
    ------
    InputError
        The file has mistakes.
    """
    if isinstance(claims, pd.DataFrame):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "claims.csv")
            claims.convert_dtypes().to_csv(path, index=False)  # whole numbers beside blanks are floats until then
            return audit(path)
    rows, _ = _said("audit", os.fspath(claims))
    return pd.DataFrame(rows).set_index("id") if rows else audit(pd.DataFrame([_A_CLAIM])).iloc[:0]


@dataclass(frozen=True)
class Sheet:
    """A box, model, quant, engine or link, number by number; made by :func:`tokwatt.show`."""

    kind: str
    id: str
    title: str
    description: str
    aliases: tuple[str, ...]
    sources: Mapping[str, str]
    numbers: pd.DataFrame = field(compare=False)
    """By path: ``text`` as written, ``value`` in ``unit``, ``confidence``, ``sources``, ``note``."""
    derived: Mapping[str, Any] = field(default_factory=dict)
    """Of a model: what follows from its dimensions."""

    def __getitem__(self, path: str) -> float:
        """A number in SI units."""
        return float(self.numbers.loc[path, "value"])

    def __repr__(self) -> str:
        return f"<tokwatt.Sheet {self.kind} {self.id}: {self.title}, {len(self.numbers)} numbers>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(str(n.Index))}</th>"
            + "".join(f"<td style='text-align:left'>{html.escape(str(cell))}</td>" for cell in (n.text, n.confidence, ", ".join(n.sources), n.note))
            + "</tr>"
            for n in self.numbers.itertuples()
        )
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in ("", "value", "confidence", "source", "note"))
        return f"<p><b>{html.escape(self.title)}</b> ({html.escape(self.id)})</p><table><tr>{head}</tr>{rows}</table>"


def show(name: str | os.PathLike[str]) -> Sheet:
    """A sheet by id, alias or path.

    Raises
    ------
    InputError
        There is no such sheet, or it has mistakes.
    """
    said, _ = _said("show", os.fspath(name))
    columns = ["path", "text", "value", "unit", "confidence", "sources", "note"]
    numbers = pd.DataFrame(said["numbers"], columns=columns).set_index("path")
    return Sheet(
        said["kind"], said["id"], said["title"], said["description"].strip(), tuple(said["aliases"]), said["sources"], numbers, said.get("derived", {})
    )  # fmt: skip


def systems(*, hypothetical: bool = False) -> pd.DataFrame:
    """The boxes that come with the package.

    Parameters
    ----------
    hypothetical : bool
        Those too that cannot be bought.

    Returns
    -------
    pandas.DataFrame
        By id: ``title``, ``aliases``, ``memory`` [B], ``bandwidth`` [B/s], ``bf16`` [FLOP/s], ``power_limit`` [W], ``price`` [USD],
        ``host`` (of a card: price of the machine around it) [USD]; NaN where the sheet has no such number.
    """
    columns = {
        "memory": "memory.capacity",
        "bandwidth": "memory.bandwidth",
        "bf16": "compute.bf16",
        "power_limit": "power.limit",
        "price": "price.purchase",
        "host": "price.host",
    }
    table = _catalogue("systems", hypothetical)
    for name, path in columns.items():
        table[name] = [_number(show(identifier), path) for identifier in table.index]
    table.attrs["units"] = {"memory": "B", "bandwidth": "B/s", "bf16": "FLOP/s", "power_limit": "W", "price": "USD", "host": "USD"}
    return table


def models() -> pd.DataFrame:
    """The models that come with the package.

    Returns
    -------
    pandas.DataFrame
        By id: ``title``, ``aliases``, ``parameters``, ``active_parameters`` (per token), ``native_quant``, ``family``.
    """
    table = _catalogue("models", True)
    known = {m["id"]: m for m in _core.known_models()}
    for name in ("parameters", "active_parameters", "native_quant", "family"):
        table[name] = [_of_model(identifier, known, name) for identifier in table.index]
    return table


def _of_model(identifier: str, known: dict[str, dict], name: str) -> Any:
    if name == "active_parameters":
        return show(identifier).derived["active_parameters"]
    return known[identifier][name]


def _number(sheet: Sheet, path: str) -> float:
    return sheet[path] if path in sheet.numbers.index else float("nan")


def _catalogue(what: str, hypothetical: bool) -> pd.DataFrame:
    rows, _ = _said("list", what, all=hypothetical)
    return pd.DataFrame(rows, columns=["id", "title", "aliases", "hypothetical"]).set_index("id")
