"""docs/settings.md as it must be: the tables of `options` and `litellm_config` in prose. A test holds the file to it.

python -m liftgate.settings.describe > docs/settings.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from liftgate.settings.litellm_config import ACTS, ALSO_ACTS, REFUSED
from liftgate.settings.options import OPTIONS, SECTIONS, Option

TITLES = {
    "server": "Listening",
    "storage": "Storage",
    "limits": "Limits",
    "router": "Routing",
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
then. A setting that does not exist is an error and names its nearest neighbour; a mistake of any kind ends
the start with exit code 2 and one sentence.
"""

KEYS = """## Keys

Without a key the gateway listens on loopback only, and every caller is the one owner `local`. With keys, each
caller is the owner that its key belongs to, and sees no other owner's files.

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

A key is sent as `Authorization: Bearer …`, or in `x-goog-api-key`, `api-key`, `x-api-key` or `?key=`. There
is no option for a key on the command line, because every user of a machine can read those.
"""

MODELS = """## Deployments

`model_list` is LiteLLM's. Of `litellm_params` these act: `model` (`gemini/NAME`), `api_key`, `api_base`,
`timeout`, `drop_params`, `custom_llm_provider` (`gemini`), `litellm_credential_name`, and one of ours:
`project`. Keys of the same Google project see the same files at Gemini; entries with the same `project: name`
share them.

`api_key` is, where it is left out, `GEMINI_API_KEY`, then `GOOGLE_API_KEY`. `api_base` is the root of the
API, for files and chat alike (`/v1beta` at its end is taken off): by default `GEMINI_API_BASE`, then Google's
own. A `*` in a `model_name` stands for any name: `model_name: gemini/*` with `model: gemini/*` serves all of
Gemini's models. Without a config, a key in the environment is enough: then every model is served by its own
name.
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
    refused = [
        f"| `{f'{section}.' if section else ''}{name}` | {why} |\n"
        for section, names in REFUSED.items()
        for name, why in names.items()
    ]
    return "".join(
        [
            "## LiteLLM's config\n\nThese act:\n\n| LiteLLM's | here |\n|---|---|\n",
            *sorted(acts),
            "\nThese end the start: a gateway that overlooked them would be less safe than the one it replaces.\n",
            "\n",
            "| LiteLLM's | why |\n|---|---|\n",
            *refused,
            "| `litellm_settings.callbacks` with a guard or code of yours | can refuse requests |\n",
            "\nEverything else of LiteLLM's does nothing here, and each is named in a warning at start.\n",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(settings_page())
