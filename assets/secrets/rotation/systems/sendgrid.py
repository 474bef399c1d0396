API = os.environ.get("SENDGRID_URL", "https://api.sendgrid.com").rstrip("/") + "/v3"


def new_value(current, version):
    """A new key with the scopes of the current one, named after the version."""
    status, scopes = _request("GET", f"{API}/scopes", _headers(current))
    if scopes is None:
        raise ValueError(f"SendGrid refuses the current key (status {status}): create one by hand and store it")
    body = {"name": f"rotation-{version}", "scopes": scopes["scopes"]}
    status, key = _request("POST", f"{API}/api_keys", _headers(current), body)
    if key is None:
        raise RuntimeError(f"SendGrid answered with status {status}: the key needs the scope `api_keys.create`")
    return {**current, FIELD: key["api_key"]}


def accepts(credential):
    """Whether SendGrid accepts the key."""
    return _accepted(_request("GET", f"{API}/scopes", _headers(credential))[0])


def change(working, pending):
    """Raise: SendGrid made the pending key valid when it created it."""
    raise ValueError("SendGrid refuses the pending key: cancel the rotation and start another")


def withdraw(replaced, version, working):
    """Delete the key that was replaced last time; its id is the middle of the key."""
    key_id = replaced[FIELD].split(".")[1]
    status, _ = _request("DELETE", f"{API}/api_keys/{key_id}", _headers(working))
    if status in (401, 403):
        raise RuntimeError("SendGrid refuses to delete the old key: the key needs the scope `api_keys.delete`")


def _headers(credential):
    return {"Authorization": f"Bearer {credential[FIELD]}"}
