"""Numbers and times as the page writes them for people."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from javascript import missing

WORDS = Path(__file__).parents[2] / "src" / "liftgate" / "page" / "words.js"


JOINED = (
    *(
        "\U0001f469\U0001f3fd\u200d\U0001f467.txt",
        "\u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3",
        "\u0645\u06cc\u200c\u062e.txt",
    ),
    *("\u0915\u094d\u200d\u0937", "\u845b\U000e0100", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "a\u0301\u0323"),
)
"""What is not seen by itself, where a script or an emoji is written with it."""
ENDS = "\u0645\u200c.txt \u00e9\u200da"
UNSEEN = (
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u180e", "\u115f", "\u3164"),
    *("\uffa0", "\u2800", "\ufe0f", "\u17b4", "\U000e0041", "\U000e0100", "\u206a", "\x7f", "\x9b"),
)
CASES = [
    ("money(0)", "$0.00"),
    ("money(12.345)", "$12.35"),
    ("money(0.01)", "$0.01"),
    ("money(0.0042)", "$0.0042"),
    ("money(0.00004567)", "$0.000046"),
    ("money(0.000001)", "$0.0000010"),
    ("money(3.4e-7)", "less than $0.000001"),
    ("size(0)", "0 B"),
    ("size(1023)", "1023 B"),
    ("size(1024)", "1.0 KiB"),
    ("size(1048575)", "1.0 MiB"),
    ("size(2 ** 31)", "2.0 GiB"),
    ("size(null)", "–"),
    ("span(0)", "1 s"),
    ("span(89)", "89 s"),
    ("span(300)", "5 min"),
    ("span(7200)", "2 h"),
    ("span(172800)", "2 days"),
    ("count(1, 'copy', 'copies')", "1 copy"),
    ("count(1200, 'copy', 'copies')", "1,200 copies"),
    ("until(1)", "over"),
    ("until(null)", "–"),
    ("ago(null)", "never"),
    ("kind('video/mp4')", "Video"),
    ("left(1)", "over"),
    ("left(Date.now() / 1000 + 7200)", "2 h left"),
    ("budgetWindow(null)", "in all"),
    ("budgetWindow('1mo')", "each month"),
    ("budgetWindow('12h')", "each 12h"),
    ("plain('Férié, 測試 🎬 مرحبا.txt')", "Férié, 測試 🎬 مرحبا.txt"),
    ("plain('invoice\\u202efdp.exe')", "invoice\ufffdfdp.exe"),
    ("plain('\\u2066a\\u2069\\u200fb\\n')", "\ufffda\ufffd\ufffdb\ufffd"),
    *((f"plain({json.dumps(name)})", name) for name in JOINED),
    *((f"plain({json.dumps(f'inv{unseen}oice')})", "inv\ufffdoice") for unseen in UNSEEN),
    (f"plain({json.dumps(ENDS)})", ENDS.replace("\u200c", "\ufffd").replace("\u200d", "\ufffd")),
    ("kind('application/zip')", "application/zip"),
    ("sentence('one\\n two\\u202e ')", "one two\ufffd"),
    ("sentence('x'.repeat(800)).length", 800),
    ("sentence('x'.repeat(1e6))", "x" * 800 + "…"),
]


@pytest.mark.parametrize(("call", "shown"), CASES)
def test_a_value_is_written_as_people_read_it(words: dict[str, str], call: str, shown: str | int) -> None:
    assert words[call] == shown


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    """What each call gives, in one run of node."""
    node = shutil.which("node") or missing("node is not installed")
    calls = [call for call, _ in CASES]
    script = f"import * as words from {json.dumps(WORDS.as_uri())};" + (
        "const run = (call) => new Function(...Object.keys(words), `return ${call}`)(...Object.values(words));"
        f"console.log(JSON.stringify(Object.fromEntries({json.dumps(calls)}.map((call) => [call, run(call)]))))"
    )
    done = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found
