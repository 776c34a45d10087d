"""Answers are read as Markdown: what it becomes, what it never becomes, and that no text takes long."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from javascript import missing

SOURCE = Path(__file__).parents[2] / "src" / "liftgate" / "page" / "markdown.js"
READ = """
import { markdown } from %s;
const shown = (node) =>
  node == null || node === false ? ""
  : Array.isArray(node) ? node.map(shown).join("")
  : typeof node !== "object" ? String(node).replaceAll("<", "&lt;")
  : `<${node.type}${node.props.href ? ` ${node.props.href}` : ""}>${shown(node.props.children)}</${node.type}>`;
let text = "";
for await (const piece of process.stdin) text += piece;
console.log(JSON.stringify(JSON.parse(text).map((each) => shown(markdown(each)))));
"""
LINK = "<a https://a.example/x>"

CASES = [
    ("Only words.", "<p>Only words.</p>"),
    ("one\ntwo\n\n\nthree", "<p>one\ntwo</p><p>three</p>"),
    ("# One #\n### Two", "<h3>One</h3><h3>Two</h3>"),
    ("**a *b* `c*d*`**", "<p><strong>a <em>b</em> <code>c*d*</code></strong></p>"),
    ("~~old~~ \\*new\\*", "<p><del>old</del> *new*</p>"),
    ("snake_case_name, 2 * 3 * 4, f(*args, **kw)", "<p>snake_case_name, 2 * 3 * 4, f(*args, **kw)</p>"),
    ("`x` and ``a`b``", "<p><code>x</code> and <code>a`b</code></p>"),
    ("- one\n- two\n  - deep\n\n- three", "<ul><li>one</li><li>two<ul><li>deep</li></ul></li><li>three</li></ul>"),
    ("1. a\n2. b\n   more\n\nend", "<ol><li>a</li><li>b\nmore</li></ol><p>end</p>"),
    ("> said\n> so", "<blockquote><p>said\nso</p></blockquote>"),
    ("```js\n<b>**x**\n```\nend", "<pre><code>&lt;b>**x**</code></pre><p>end</p>"),
    ("```\nstill coming", "<pre><code>still coming</code></pre>"),
    ("a\n\n---\n\nb", "<p>a</p><hr></hr><p>b</p>"),
    (
        "| a | b |\n|---|:-:|\n| 1 | `2` |\n| x\\|y |",
        "<div><table><thead><tr><th>a</th><th>b</th></tr></thead>"
        "<tbody><tr><td>1</td><td><code>2</code></td></tr><tr><td>x|y</td><td></td></tr></tbody></table></div>",
    ),
    ("[x](https://a.example/x)", f"<p>{LINK}x</a></p>"),
    ("See https://a.example/x.", f"<p>See {LINK}https://a.example/x</a>.</p>"),
    ("![x](https://a.example/x)", f"<p>{LINK}x</a></p>"),
]
NEVER_LINKS = [
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert)",
    "[x](java\tscript:alert)",
    "[x](\x01javascript:alert)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](blob:https://a.example/x)",
    "[x](//a.example/x)",
    "[x](/liftgate/session)",
    "[x](#/keys)",
    "[x](https://bank.example@evil.example/)",
    "<javascript:alert(1)>",
    '<a href="https://a.example/x">x</a>',
    "<img src=x onerror=alert(1)>",
]
LONG = [
    *("*" * 100_000, "**a " * 30_000, "[" * 100_000, "[a](" * 30_000, "`a" * 50_000, " _a" * 50_000, "~~a" * 30_000),
    *(">" * 100_000, "- " * 50_000, "- a\n" * 30_000, "# " + "#" * 100_000 + "x", "# " + " " * 100_000 + "x"),
    *("|a" * 50_000 + "\n|-|-|", "a|\n" + "|-" * 50_000 + "x", "https://" * 20_000, "- - " * 30_000 + "x"),
    *("  " * 5_000 + "- a\n", "\n".join("  " * deep + "- a" for deep in range(2_000)), "> " * 50_000 + "- a"),
]


@pytest.fixture(scope="module")
def read() -> dict[str, str]:
    """What each text becomes, in one run of node."""
    node = shutil.which("node") or missing("node is not installed")
    texts = [*(text for text, _ in CASES), *NEVER_LINKS, *LONG]
    script = READ % json.dumps(SOURCE.as_uri())
    # A text that costs the square of its length takes hours here, all of these a second.
    done = subprocess.run(
        [node, "--input-type=module", "-e", script],
        input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return dict(zip(texts, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_markdown_becomes_elements(read: dict[str, str], text: str, shown: str) -> None:
    # An item's words are a paragraph of it.
    assert read[text].replace("<li><p>", "<li>").replace("</p><ul>", "<ul>").replace("</p></li>", "</li>") == shown


@pytest.mark.parametrize("text", NEVER_LINKS)
def test_no_text_becomes_a_way_to_a_script_or_back_into_the_gateway(read: dict[str, str], text: str) -> None:
    shown = read[text]
    assert "<p>" in shown and "<img" not in shown and "javascript:" not in shown.partition("<a ")[2]
    assert "<a " not in shown or shown.count("<a ") == text.count('"https://') == 1


def test_every_letter_of_a_long_text_is_still_there(read: dict[str, str]) -> None:
    for text in LONG[:7]:
        words = read[text].replace("</a>", "").replace("<p>", "").replace("</p>", "")
        assert text.count("a") == sum(words.count("a") - words.count(tag) for tag in ("<a ",))
