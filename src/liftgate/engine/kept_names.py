"""What a request may name of what Gemini keeps: cached contents and file search stores."""

from __future__ import annotations

from collections.abc import Sequence

from liftgate.deployments import Deployment
from liftgate.errors import UnsupportedParameter


def check_kept(model: str, group: Sequence[Deployment], param: str, *, one_owner: bool) -> None:
    """They are Gemini's own names, of one account and of no owner: they pass where there is one owner and
    one account, so that no other's can be named and none is missed. Raises UnsupportedParameter elsewhere.
    """
    if not one_owner:
        raise UnsupportedParameter(
            f"Unsupported parameter: '{param}'. What it names is kept at Gemini and has no owner there, and this "
            "gateway serves several.",
            param=param,
        )
    if len({deployment.account.name for deployment in group}) > 1:
        raise UnsupportedParameter(
            f"Unsupported parameter: '{param}'. What it names is kept at Gemini under one account, and "
            f"'{model}' is served from several.",
            param=param,
        )
