"""What a config serves: deployments, and the accounts at Google that they use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liftgate.json_types import JsonMapping

if TYPE_CHECKING:
    from liftgate.rates import Prices


@dataclass(frozen=True, slots=True)
class Account:
    """An upstream credential scope in which Gemini files are visible: keys of one Google project.

    `name` is stable over restarts and holds no secret (a project's name, or a digest of the key). `api_keys` are all
    keys of the scope; file calls use the first. `api_base` is the root, without a version: files and chat hang below.
    `versioned`: whether the version comes after it; where not, it is all that stands before `models/`. `where`: the
    place of its key in the config, for those who have to mend it.
    """

    name: str
    api_keys: tuple[str, ...]
    api_base: str
    versioned: bool = True
    where: str = field(default="", compare=False)

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of `model_list`: a public name, the upstream model and the Account whose key it uses.

    `timeout`, `stream_timeout`: seconds, where they differ from the gateway's. `defaults`: parameters of a request that
    hold where it does not say them. `headers` go with every call. `info`: what the operator tells clients of the model.
    `prices`: what its tokens cost by the operator's word; `priced_as`: the model whose list prices they have.
    `where`: the place of its key in the config.
    """

    id: str
    model_name: str
    model: str
    account: Account
    api_key: str
    timeout: float | None = None
    drop_params: bool = False
    stream_timeout: float | None = None
    defaults: JsonMapping = field(default_factory=dict, hash=False)
    headers: tuple[tuple[str, str], ...] = ()
    info: JsonMapping = field(default_factory=dict, hash=False)
    where: str = field(default="", compare=False)
    prices: Prices = field(default_factory=dict, hash=False)
    priced_as: str = ""

    def __repr__(self) -> str:
        return f"Deployment({self.id!r}, {self.model_name!r} -> {self.model!r} at {self.account.name!r})"
