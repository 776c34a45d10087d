"""docs/settings.md as it must be: the tables of `options` and `litellm_config` in prose. A test holds the file to it.

python -m liftgate.settings.describe > docs/settings.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from liftgate.settings.litellm_tables import ACTS, ALSO_ACTS, DEFAULTS, PARAMS, REFUSED
from liftgate.settings.options import OPTIONS, SECTIONS, Option
from liftgate.settings.own_prices import PER_TOKEN

TITLES = {
    "server": "Listening",
    "storage": "Storage",
    "limits": "Limits",
    "router": "Routing",
    "counting": "Spend, metrics and traces",
    "budgets": "Limits and budgets",
    "jobs": "Background work",
    "": "Requests",
}

INTRODUCTION = """# Settings

<!-- Written by `python -m liftgate.settings.describe`; a test compares. -->

Every setting has one name and four places. The nearer to you wins:

1. the command line: `--max-file-bytes 1GiB` (underscores work too: `--max_file_bytes`),
2. the environment: `LIFTGATE_MAX_FILE_BYTES=1GiB`,
3. the config: `max_file_bytes: 1GiB` under `liftgate_settings`,
4. LiteLLM's sections of the same config, where they have the like of it (below).

Sizes are numbers of bytes, or have a unit: `64KiB`, `10MB`, `2GiB` (always powers of 1024). Times are
seconds. In the config, `os.environ/NAME` stands for the value of an environment variable, which must be set
then and must not be empty. No other form of reference (`${NAME}`, `{{ name }}` …) is filled in.

A mistake of any kind ends the start with exit code 2, and all mistakes are named at once, a sentence for each: a
value that cannot be, a name that stands twice in one place, a misspelt name (at any level, LiteLLM's sections
and variables that begin with `LIFTGATE_` included), a name under the wrong section. The names of LiteLLM's
settings that do nothing here are warnings. `include: [other.yaml]` reads further files beside the config as if they
stood in it.
"""

KEYS = """## Keys

Without a key the gateway listens on loopback only, and every caller is the one owner `local`. It answers this
machine only: the host that is asked for must be `localhost`, a name under it or a loopback address (so that no web
page whose name was pointed here gets in), a page that sends an `Origin` must be of such a host too, a browser must
not say that another site is asking (`Sec-Fetch-Site: cross-site`), and a proxy must not say that it passes a
request on for somebody else (`X-Forwarded-For`, `X-Forwarded-Host`, `X-Real-IP`, `Forwarded` and their like).
Anything else is 403, on every route. With keys, each caller is the owner that its key belongs to, and sees no other
owner's files.

| where | what |
|---|---|
| `LIFTGATE_MASTER_KEY` | the master key: the owner `master` |
| `general_settings.master_key` | the same, as LiteLLM has it; `LITELLM_MASTER_KEY` after it |
| `liftgate_settings.keys` | further keys, each an owner; two entries with one `name` are two keys of one owner |

```yaml
liftgate_settings:
  keys:
    - name: team-a
      key: os.environ/TEAM_A_KEY
      max_file_bytes: 100MiB      # optional: this owner's largest file
      max_bytes: 20GiB            # optional: what this owner may store in all
```

A key has at least 6 characters, printable ASCII without white space. A text that only stands for a key is refused:
a reference that was not filled in, the name of a variable, a placeholder such as `<your key>`, the address of a
secret, an empty variable. So is a key of the documentation (`sk-1234`) where other machines can reach the gateway.

A key is sent as `Authorization: Bearer …`, or in `x-goog-api-key`, `api-key`, `x-api-key` or `?key=`. There
is no option for a key on the command line, because every user of a machine can read those.
"""

MODELS = """## Deployments

`model_list` is LiteLLM's. Keys of the same Google project see the same files at Gemini; entries with the same
`project: name` share them.

`api_key` is, where it is left out, `GEMINI_API_KEY`, then `GOOGLE_API_KEY`. `api_base` is by default
`GEMINI_API_BASE`, then Google's own. A base that is a host alone, or ends with a version (`/v1beta`), is the root of
the API for files and chat alike; any other path is all that stands before `models/`, as LiteLLM has it for chat, and
serves files only where `files` and `upload/files` lie below it too. A `*` in a `model_name` stands for any name:
`model_name: gemini/*` with `model: gemini/*` serves all of Gemini's models. What a client asks for must then be the
name of a model: one segment, or `tunedModels/` and one; anything else is 404. A name has one `*` at most, and a model
has one only where its name has. Without a config, a key in the environment is enough: then every model is served by
its own name.

Entries of other providers are left out, with one warning; nothing else of them is read. A request for such a model is a
404 that names the provider, and `fallbacks` pass over it; fallbacks for such a model do not act, which the start says:
`model_group_alias` has another model answer its name. The start ends only when nothing is left. An entry with
`model_info.supported_environments` is used where `LITELLM_ENVIRONMENT` is one of them.

A model that Google no longer has counts as a failure of its deployment: the other deployments of the name are tried,
then its fallbacks, and the deployment is left alone for `cooldown_time`. A key that Google rejects is named by its
place in the config (`model_list[2] (gemini-flash-latest)`), in the log and in the answer.
"""


def settings_page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for section in (*SECTIONS, ""):
        parts.append(f"## {TITLES[section]}\n\n" + _options(o for o in OPTIONS if o.section == section))
    return "\n".join([*parts, KEYS, MODELS, _litellm()])


def _options(options: Iterable[Option]) -> str:
    rows = [f"| `{option.name}` | {_default(option)} | {option.says} |\n" for option in options]
    return "| setting | default | meaning |\n|---|---|---|\n" + "".join(rows)


def _default(option: Option) -> str:
    return option.shown() or "–"


def _litellm() -> str:
    acts = [f"| `{section}.{name}` | `{ours}` |\n" for section, names in ACTS.items() for name, ours in names.items()]
    acts += [f"| `{name}` | {ours} |\n" for name, ours in ALSO_ACTS.items()]
    params = [f"| `{name}` | {meaning} |\n" for name, meaning in PARAMS.items()]
    refused = [
        f"| `{f'{section}.' if section else ''}{name}` | {why} |\n"
        for section, names in REFUSED.items()
        for name, why in names.items()
    ]
    return "".join(
        [
            "## LiteLLM's config\n\nThese act:\n\n| LiteLLM's | here |\n|---|---|\n",
            *sorted(acts),
            "\nOf `litellm_params` these:\n\n| parameter | meaning |\n|---|---|\n",
            *params,
            "\nAnd these hold for every request that does not say them itself: ",
            ", ".join(f"`{name}`" for name in sorted(DEFAULTS)),
            ".\n\nEach entry is read at the start as if a chat had sent these parameters: what every chat would be ",
            "refused\nfor (`reasoning_effort: hihg`, penalties for a model that has none) ends the start. What one ",
            "request\ncannot have (`tool_choice` without tools) is left out of that one: its client never said it.",
            "\n\nWhat tokens cost at an entry, in US dollars for one, in `litellm_params` or `model_info`: ",
            ", ".join(f"`{name}`" for name in PER_TOKEN),
            ". Each also ends in `_above_200k_tokens`, in `_batches`, `_flex` or `_priority`, or in both.",
            "\n\nThese end the start: a gateway that overlooked them would be less safe than the one it replaces.\n",
            "\n",
            "| LiteLLM's | why |\n|---|---|\n",
            *refused,
            "| any other `…budget…`, at any depth (a duration alone is no limit) | limits what may be spent |\n",
            "| `litellm_settings.callbacks` with a guard or code of yours | can refuse requests |\n",
            "\n`general_settings.database_url` is LiteLLM's own database and is left alone: Liftgate's catalogue is\n"
            "`liftgate_settings.database_url`, and the virtual keys in LiteLLM's database are not honoured.\n",
            "\nEverything else of LiteLLM's does nothing here. Each is named in one warning at start, those that\n"
            "change answers first, unless its value switches it off or asks for what is done anyway.\n",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(settings_page())
