"""Python functions that SQL may call: values of contact fields.

Registered by dbt-duckdb on every connection (`plugins` in profiles.yml). Text in, text or null
out, and the same input always gives the same output. Models that call one are
tables: a view over a Python function can't be opened in the plain duckdb shell.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

import phonenumbers
import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb.func import ARROW, SPECIAL

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# zero-width and directional marks that forms and exports leave behind; ZWJ and ZWNJ stay, because
# emoji and several scripts are spelled with them
INVISIBLE: Final = frozenset(
    "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u061c\u180e\u200e\u200f"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
# DuckDB reads the text of a result after it has given the array back (duckdb/duckdb 20606), which
# ends in other text, an error or an endless loop. So results stay until the process ends: some 20
# bytes for a phone number, and few texts need these functions at all.
_RESULTS: Final[list[pa.Array]] = []


def phone_e164(text: str | None, region: str | None) -> str | None:
    """The number in E.164, or null where no valid number can be read. Region: ISO country."""
    if text is None:
        return None
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def plain_text(text: str | None) -> str | None:
    """One line of text: entities decoded once, tags, control and invisible characters removed."""
    if text is None:
        return None
    decoded = TAG.sub(" ", html.unescape(text))
    kept = "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in decoded
        if character not in INVISIBLE
    )
    return " ".join(unicodedata.normalize("NFC", kept).split()) or None


def percent_decoded(text: str | None) -> str | None:
    """Percent-encoding undone until nothing changes, at most three times; plus means blank."""
    if text is None:
        return None
    for _ in range(3):
        decoded = unquote_plus(text)
        if decoded == text:
            break
        text = decoded
    return text


def by_columns(function: Callable[..., str | None]) -> Callable[..., pa.Array]:
    """The function over whole columns: a call from DuckDB takes 70 us, one row's work 1 to 20."""

    @wraps(function)  # DuckDB counts the arguments
    def over(*columns: pa.ChunkedArray) -> pa.Array:
        values = (column.to_pylist() for column in columns)
        found = pa.array(map(function, *values), pa.string())
        _RESULTS.append(found)
        return found

    return over


class Plugin(BasePlugin):
    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        functions = ((phone_e164, 2), (plain_text, 1), (percent_decoded, 1))
        for function, arguments in functions:
            conn.create_function(
                function.__name__,
                by_columns(function),
                ["VARCHAR"] * arguments,
                "VARCHAR",
                type=ARROW,
                null_handling=SPECIAL,
            )
