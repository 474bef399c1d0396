"""PostgreSQL and MariaDB from Debian, each a process of its own on loopback with its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.protocol.issuer import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INSTALL = {
    "PostgreSQL": "PostgreSQL is not installed: `sudo apt-get install --no-install-recommends postgresql`",
    "MariaDB": "MariaDB is not installed: `sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core`",
}
OLD = "old-Passw0rd"
_WRONG_PASSWORD = ("password authentication failed", "ERROR 1045")
_TIMEOUT = 60
Client = list[str]


def program(name: str) -> str | None:
    """A database's program, which Debian puts outside the usual path."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/sbin")]
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    return shutil.which(name, path=path)


class Database:
    """A running database with the user `app`."""

    def __init__(self, client: Callable[[str], Client], change: str, variable: str) -> None:
        self._client = client
        self._change = change
        self._variable = variable
        self.changes = 0

    def call(self, credential: dict[str, Any], new: str | None = None) -> bool:
        """Sign in, and change the password if a new one is given; False if the password is wrong."""
        statement = "SELECT 1;" if new is None else self._change.format(new)
        done = self.run(credential["username"], credential["password"], statement)
        if any(words in done.stderr for words in _WRONG_PASSWORD):
            return False
        assert done.returncode == 0, done.stderr
        self.changes += new is not None
        return True

    def run(self, user: str, password: str, statement: str) -> subprocess.CompletedProcess[str]:
        """One statement by the database's own client."""
        return subprocess.run(
            self._client(user),
            input=statement,
            env={**os.environ, self._variable: password},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )


@contextmanager
def postgres() -> Iterator[Database]:
    """PostgreSQL, which does not run as root."""
    as_root = os.getuid() == 0
    user: dict[str, Any] = (
        {"user": "postgres", "group": "postgres", "extra_groups": []} if as_root else {}
    )
    with tempfile.TemporaryDirectory() as folder:
        password, data, port = Path(folder) / "password", Path(folder) / "data", free_port()
        password.write_text(OLD, encoding="utf-8")
        if as_root:
            for path in (folder, password):
                shutil.chown(path, "postgres", "postgres")
        make = ["-D", str(data), "-A", "scram-sha-256", "-U", "admin", f"--pwfile={password}"]
        subprocess.run(
            [program("initdb") or "", *make, "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = [program("postgres") or "", "-D", str(data), *options]
        with _running(server, "ready to accept connections", cwd=folder, **user):

            def client(name: str) -> Client:
                words = [program("psql") or "", "-X", "-w", "-v", "ON_ERROR_STOP=1"]
                return [*words, "-h", "127.0.0.1", f"-p{port}", f"-U{name}", "-d", "postgres"]

            database = Database(client, "ALTER ROLE app PASSWORD '{}';", "PGPASSWORD")
            made = database.run("admin", OLD, f"CREATE ROLE app LOGIN PASSWORD '{OLD}';")
            assert made.returncode == 0, made.stderr
            yield database


@contextmanager
def mariadb() -> Iterator[Database]:
    """MariaDB, whose administrator signs in by the socket."""
    owner = ["--user=root"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        port, place = free_port(), ["--no-defaults", f"--datadir={folder}/data", *owner]
        make = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(
            [program("mariadb-install-db") or "", *place, "--skip-name-resolve", *make],
            check=True,
            capture_output=True,
        )
        network = [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        files = [f"--socket={folder}/socket", f"--pid-file={folder}/pid"]
        server = [program("mariadbd") or "", *place, *network, *files]
        with _running(server, "ready for connections"):
            common = [program("mariadb") or "", "--no-defaults", "--skip-ssl"]

            def client(name: str) -> Client:
                if name == "root":
                    return [*common, f"--socket={folder}/socket", "--user=root"]
                return [*common, "--protocol=tcp", "-h127.0.0.1", f"-P{port}", f"--user={name}"]

            database = Database(client, "SET PASSWORD = PASSWORD('{}');", "MYSQL_PWD")
            made = database.run("root", "", f"CREATE USER 'app'@'%' IDENTIFIED BY '{OLD}';")
            assert made.returncode == 0, made.stderr
            yield database


@contextmanager
def _running(command: list[str], ready: str, **options: Any) -> Iterator[None]:
    """The server from the line of its log that says it is ready; it is stopped afterwards."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options) as server:
        try:
            assert server.stderr is not None
            assert any(ready in line for line in server.stderr)
            yield
        finally:
            # PostgreSQL's fast shutdown; MariaDB takes no SIGINT.
            server.send_signal(signal.SIGINT if "postgres" in command[0] else signal.SIGTERM)
            server.communicate(timeout=_TIMEOUT)
