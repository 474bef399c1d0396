LENGTH = 32
# Characters that break connection strings and shell commands.
EXCLUDED = "\"'`\\/@:;$&<>|{}[]() "


def call(credential, new=None):
    """REPLACE THIS FUNCTION if the system takes no HTTP: sign in with `credential` and, if `new` is given, make it the value.

    Return False only if the system rejects the credential; raise whatever else goes wrong, such as no connection.
    As it stands: GET CHECK_URL, or PUT CHANGE_URL with {"FIELD": new}, with basic authentication if the secret has a
    `username`, else with a bearer token.
    """
    value, user = credential[FIELD], credential.get("username")
    scheme, text = ("Basic", _base64(f"{user}:{value}")) if user else ("Bearer", value)
    headers = {"Authorization": f"{scheme} {text}"}
    if new is None:
        status, _ = _request("GET", os.environ["CHECK_URL"], headers)
    else:
        method = os.environ.get("CHANGE_METHOD", "PUT")
        status, _ = _request(method, os.environ["CHANGE_URL"], headers, {FIELD: new})
    return _accepted(status)


def new_value(current, version):
    """The current credential with a new value."""
    generated = SECRETS.get_random_password(PasswordLength=LENGTH, ExcludeCharacters=EXCLUDED)
    return {**current, FIELD: generated["RandomPassword"]}


def accepts(credential):
    """Whether the system accepts the credential."""
    return call(credential)


def change(working, pending):
    """Make the pending value valid, signed in with a credential that works."""
    if not call(working, pending[FIELD]):
        raise RuntimeError("the system refused to change the value")


def withdraw(replaced, version, working):
    """Nothing: a changed value replaces the old one."""


def _base64(text):
    return base64.b64encode(text.encode()).decode()
