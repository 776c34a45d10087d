"""Whether an expression that a schema's owner added is one that no row can make fail.

An index over an expression, the condition of an index, a default and a generated column are computed by each write of
their table. One that fails (a division, a cast, malformed JSON, a function of somebody's own) refuses the row. What is
known to give something for every row is let be: names, texts and numbers, comparisons, and the functions named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_QUOTED = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]""", re.DOTALL)
_READ = re.compile(
    r"""'(?:[^']|'')*'(?:::(?:\w+|(?:character|bit) varying|double precision|time\w* with\w* time zone)(?:\[\])?)?"""
    r'''|"(?:[^"]|"")*"'''
)
"""A text that PostgreSQL has read as what it stands for, or a name."""
_PIECE = re.compile(
    r"(?P<call>[\w.$]+)\s*\(|::\s*(?P<cast>\w+(?: varying)?)|COLLATE\s+(?P<collation>\w*)"
    r"|(?P<word>CAST|MATCH|REGEXP)\b|(?P<operator>[-+*/%^&|#~@!?<>=`]+)",
    re.IGNORECASE,
)
_WORDS = frozenset(
    {"and", "case", "or", "not", "in", "is", "when", "then", "else", "where", "any", "all", "array", "as", "on"}
)
"""What may stand before a parenthesis and is no function."""
_TOTAL = frozenset({"lower", "upper", "length", "coalesce", "nullif", "trim", "ltrim", "rtrim", "btrim"})
_COMPARISONS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "||"})
_COLUMN = re.compile(r"\bAS\s*\(", re.IGNORECASE)


class Harmless(NamedTuple):
    """What can fail for no row, in the spelling of an engine. `quoted`: what is no part of the expression itself.
    `collations`: None where each one that can be named is there."""

    quoted: re.Pattern[str]
    calls: frozenset[str]
    casts: frozenset[str]
    operators: frozenset[str]
    collations: frozenset[str] | None


IN_SQLITE = Harmless(
    _QUOTED,
    _WORDS
    | _TOTAL
    | {"ifnull", "iif", "substr", "substring", "instr", "typeof", "hex", "quote", "unicode", "random", "randomblob"}
    | {"date", "time", "datetime", "julianday", "strftime", "unixepoch"},
    frozenset(),
    # Its arithmetic gives NULL or a float where it has no other answer.
    _COMPARISONS | {"==", "+", "-", "*", "/", "%", "&", "|", "<<", ">>"},
    frozenset({"binary", "nocase", "rtrim"}),
)
IN_POSTGRES = Harmless(
    _READ,
    _WORDS
    | _TOTAL
    | {"char_length", "character_length", "octet_length", "md5", "greatest", "least"}
    | {"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "gen_random_uuid", "nextval"}
    | {"uuid_generate_v4", "public.uuid_generate_v4"},
    frozenset({"text", "character varying", "varchar", "name"}),
    _COMPARISONS | {"~~", "!~~", "~~*", "!~~*"},
    None,
)


def can_fail(formula: str, harmless: Harmless) -> bool:
    """Of an expression, or several: whether anything stands in it that is not known to be harmless."""
    for piece in _PIECE.finditer(harmless.quoted.sub(" ", formula)):
        found = {kind: said.lower() for kind, said in piece.groupdict().items() if said is not None}
        if (
            found.get("call", "and") not in harmless.calls
            or ("cast" in found and found["cast"] not in harmless.casts)
            or ("operator" in found and found["operator"] not in harmless.operators)
            or (harmless.collations is not None and found.get("collation", "binary") not in harmless.collations)
            or "word" in found
        ):
            return True
    return False


def bare(table: str) -> str:
    """The text of a table of SQLite's with blanks in place of comments, texts and quoted names."""
    return _QUOTED.sub(" ", table)


def generated(table: str) -> Iterator[str]:
    """The expressions of generated columns in such a text."""
    for begins in _COLUMN.finditer(table):
        depth, start = 1, begins.end()
        for at in range(start, len(table)):
            depth += {"(": 1, ")": -1}.get(table[at], 0)
            if not depth:
                yield table[start:at]
                break
