API = os.environ.get("GITLAB_URL", "https://gitlab.com").rstrip("/") + "/api/v4/personal_access_tokens/self"
DAYS = int(os.environ.get("TOKEN_DAYS", "365"))


def new_value(current, version):
    """Exchange the token for a new one; GitLab revokes the old one at once."""
    # A token that is no longer valid must not be exchanged: GitLab would revoke its successor.
    if not accepts(current):
        raise ValueError("GitLab refuses the current token: create one by hand and store it")
    expires = datetime.date.today() + datetime.timedelta(days=DAYS)
    status, token = _request("POST", f"{API}/rotate", _headers(current), {"expires_at": str(expires)})
    if token is None:
        raise RuntimeError(f"GitLab answered with status {status}: the token needs the scope `api` or `self_rotate`")
    return {**current, FIELD: token["token"]}


def accepts(credential):
    """Whether GitLab accepts the token."""
    return _accepted(_request("GET", API, _headers(credential))[0])


def change(working, pending):
    """Raise: GitLab made the pending token valid when it issued it, so that none can be made valid afterwards."""
    raise ValueError("GitLab refuses the pending token: create one by hand and store it")


def withdraw(replaced, version, working):
    """Nothing: GitLab revoked the old token when it issued the new one."""


def _headers(credential):
    return {"PRIVATE-TOKEN": credential[FIELD]}
