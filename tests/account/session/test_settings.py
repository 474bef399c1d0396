"""A session's settings, looked up once: the same values as the SDK finds, and where it must find them itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from aws_iam.account.session.settings import look_up_once

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[profile work]
region = eu-west-1
max_attempts = 7
use_dualstack_endpoint = true
s3 =
    addressing_style = path
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    file = tmp_path / "config"
    file.write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    return monkeypatch


def store(*, once: bool) -> Any:
    session = botocore.session.Session(profile="work")
    if once:
        look_up_once(session)
    return session.get_component("config_store")


@pytest.mark.usefixtures("configured")
def test_every_setting_has_the_value_that_the_sdk_finds() -> None:
    plain, remembered = store(once=False), store(once=True)
    for name in (*BOTOCORE_DEFAUT_SESSION_VARIABLES, "s3", "proxies_config"):
        assert remembered.get_config_variable(name) == plain.get_config_variable(name), name
    assert remembered.get_config_variable("region") == "eu-west-1"
    assert remembered.get_config_variable("retry_mode") == "standard"
    assert remembered.get_config_variable("s3") == {"addressing_style": "path"}


def test_a_setting_is_looked_up_once(configured: pytest.MonkeyPatch) -> None:
    remembered = store(once=True)
    assert remembered.get_config_variable("max_attempts") == 7
    configured.setenv("AWS_MAX_ATTEMPTS", "9")
    assert remembered.get_config_variable("max_attempts") == 7
    assert store(once=True).get_config_variable("max_attempts") == 9


def test_what_is_set_in_the_session_wins(configured: pytest.MonkeyPatch) -> None:
    remembered = store(once=True)
    remembered.set_config_variable("retry_mode", "adaptive")
    configured.setenv("AWS_RETRY_MODE", "legacy")
    assert remembered.get_config_variable("retry_mode") == "adaptive"


def test_where_a_mode_has_defaults_of_its_own_the_sdk_looks_itself(
    configured: pytest.MonkeyPatch,
) -> None:
    configured.setenv("AWS_DEFAULTS_MODE", "in-region")
    plain, remembered = store(once=False), store(once=True)
    for name in BOTOCORE_DEFAUT_SESSION_VARIABLES:
        kinds = [type(each.get_config_provider(name)) for each in (plain, remembered)]
        assert kinds[0] is kinds[1], name
