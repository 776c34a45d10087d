"""Settings: frozen sections (`sections`), the table of what can be set (`options`), where from (`load`).

The composition root and the faces take a `Settings`; no other module reads the environment or a config file.
"""

from liftgate.settings.load import load_settings
from liftgate.settings.sections import (
    AuthSettings,
    CountingSettings,
    JobSettings,
    LimitSettings,
    RouterSettings,
    ServerSettings,
    Settings,
    StorageSettings,
)

__all__ = [
    "AuthSettings",
    "CountingSettings",
    "JobSettings",
    "LimitSettings",
    "RouterSettings",
    "ServerSettings",
    "Settings",
    "StorageSettings",
    "load_settings",
]
