"""What all requests of one app share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liftgate.deadlines import Deadlines
from liftgate.server.bodies import HeldBodies
from liftgate.tasks import Tasks

if TYPE_CHECKING:
    from liftgate.server.sign_in import SignInDesk


@dataclass(frozen=True, slots=True)
class AppState:
    """Background tasks that end with the app, deadlines on one timer, room for bodies; `desk`, where browsers sign in
    (None: no key is configured, and none is needed)."""

    tasks: Tasks
    deadlines: Deadlines
    bodies: HeldBodies
    desk: SignInDesk | None = None
