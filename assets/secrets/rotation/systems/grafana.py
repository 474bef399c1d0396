API = os.environ["GRAFANA_URL"].rstrip("/") + "/api/serviceaccounts/" + os.environ["SERVICE_ACCOUNT_ID"] + "/tokens"


def new_value(current, version):
    """A new token of the same service account, named after the version."""
    status, token = _request("POST", API, _headers(current), {"name": _name(version)})
    if token is None:
        raise RuntimeError(f"Grafana answered with status {status}: the account needs `serviceaccounts:write`")
    return {**current, FIELD: token["key"]}


def accepts(credential):
    """Whether Grafana accepts the token."""
    return _accepted(_request("GET", API, _headers(credential))[0])


def change(working, pending):
    """Raise: Grafana made the pending token valid when it created it."""
    raise ValueError("Grafana refuses the pending token: cancel the rotation and start another")


def withdraw(replaced, version, working):
    """Delete the token that was replaced last time, known by its name."""
    status, tokens = _request("GET", API, _headers(working))
    if tokens is None:
        raise RuntimeError(f"Grafana answered with status {status}: the account needs `serviceaccounts:read`")
    named = [token["id"] for token in tokens if token["name"] == _name(version)]
    if not named:
        LOG.warning("the token of version %s was not made by this function: delete it by hand", version)
    for token_id in named:
        _request("DELETE", f"{API}/{token_id}", _headers(working))


def _name(version):
    return f"rotation-{version}"


def _headers(credential):
    return {"Authorization": f"Bearer {credential[FIELD]}"}
