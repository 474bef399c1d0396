"""The settings of a botocore session, looked up once.

The SDK asks for some thirty settings for every client that it makes, each in the environment and in the configuration
file: of an audit in seventeen Regions that is a fifth of what making its clients takes.
"""

from __future__ import annotations

from typing import Any

from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, BaseProvider

_MODE = "defaults_mode"
_PLAIN = frozenset({None, "legacy"})
_SECTIONS = ("s3", "proxies_config")


class _Once(BaseProvider):
    """What another provider provides, asked once."""

    def __init__(self, provider: BaseProvider) -> None:
        self._provider = provider
        self._found: list[Any] = []

    def provide(self) -> Any:
        """The value of the setting."""
        if not self._found:
            self._found.append(self._provider.provide())
        return self._found[0]


def look_up_once(core: Any) -> None:
    """Let the session remember its settings; one that asks for other defaults than the plain ones is left as it is."""
    store = core.get_component("config_store")
    # The SDK replaces the last provider of some settings where the user chose a mode.
    if store.get_config_variable(_MODE) not in _PLAIN:
        return
    for name in (*BOTOCORE_DEFAUT_SESSION_VARIABLES, *_SECTIONS):
        provider = store.get_config_provider(name)
        if provider is not None:
            store.set_config_provider(name, _Once(provider))
