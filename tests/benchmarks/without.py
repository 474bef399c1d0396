"""What each copy of the SDK's inner workings buys: the same audit with the SDK's own in its place, by turns.

python -m tests.benchmarks.without [PAIRS]

The figures in the docstrings of `session/api_models.py`, `calls/region_per_call.py`, `calls/connections.py` and
`calls/account_credentials.py` are from here: ratios of processor time, since other work on the machine slows the clock.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.httpsession import get_cert_path
from tests.benchmarks.measure import machine, say
from tests.benchmarks.served import REGIONS, served
from tests.helpers.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.served import Served

PAIRS = 3
ACCOUNTS = 20
# Runs the command with one part replaced by what the SDK does without it.
CODE = """
import sys
from dataclasses import replace
from botocore.credentials import Credentials
from botocore.loaders import create_loader
from aws_iam.account.calls import account_credentials, clients
from aws_iam.account.reading import many_accounts
from aws_iam.account.session import connect

part = sys.argv.pop(1)
if part == "api_models":
    connect.trimmed_loader = lambda _operations: create_loader()
elif part == "connections":
    clients.Connections.install = lambda self, client: None
elif part == "region_per_call":
    made = clients.Clients.__init__
    def one_client_per_region(self, *arguments):
        made(self, *arguments)
        self._client_per_region = True
    clients.Clients.__init__ = one_client_per_region
elif part == "account_credentials":
    class Own:
        def __init__(self, keys):
            self.keys = keys
        def load_credentials(self):
            return Credentials(self.keys.access_key, self.keys.secret_key, self.keys.token)
    read = many_accounts.collect_open_account
    def with_own_clients(needs, opened, *rest):
        keys = account_credentials._CREDENTIALS.get()
        session = connect.session_of(None, opened.home, Own(keys))
        own = clients.Clients(session, many_accounts.WORKERS_PER_ACCOUNT)
        return read(needs, replace(opened, clients=own), *rest)
    many_accounts.collect_open_account = with_own_clients

from aws_iam.__main__ import main
sys.exit(main())
"""


def one_account(_folder: Path) -> list[str]:
    """All controls in 17 Regions."""
    return ["--json", "--detail", "full", "--regions", ",".join(REGIONS)]


def many_accounts(folder: Path) -> list[str]:
    """Accounts through a role, in two Regions."""
    listed = folder / "accounts.txt"
    listed.write_text("".join(f"{500_000 + number:012}\n" for number in range(ACCOUNTS)))
    results = Path(tempfile.mkdtemp(dir=folder)) / "results.jsonl"
    words = ["--role-arn", "audit", "--accounts", str(listed), "--regions", ",".join(REGIONS[:2])]
    return [*words, "--json", "--out", str(results)]


def compare(server: Served, part: str, words: Sequence[str], pairs: int, **more: str) -> None:
    """A line of the table: the processor time without the part, as a ratio of that with it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def cpu(replaced: str) -> tuple[float, float]:
            arguments = words or many_accounts(folder)
            command = [sys.executable, "-c", CODE, replaced, "audit", "run", *arguments]
            cost = server.cost(command, folder, **more)
            if cost.status not in {0, 1}:
                raise SystemExit((folder / "output").read_text()[-2000:])
            return cost.cpu, cost.memory

        # Moto makes the backends of an account with the first call to each.
        cpu("none")
        ratios, memory = [], []
        for turn in range(pairs):
            order = ("none", part) if turn % 2 else (part, "none")
            measured = {replaced: cpu(replaced) for replaced in order}
            ratios.append(measured[part][0] / measured["none"][0])
            memory.append((measured["none"][1], measured[part][1]))
    with_part, without = (max(values) for values in zip(*memory, strict=True))
    say(
        f"{part} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        f" | {with_part:.0f} MB, {without:.0f} MB without"
    )


def main() -> None:
    """One account over HTTP and TLS, and many accounts."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    say(machine())
    say("without | processor time, times that with it | memory")
    with served() as server, tempfile.TemporaryDirectory() as name:
        server.furnish()
        words = one_account(Path(name))
        compare(server, "api_models", words, pairs)
        compare(server, "region_per_call", words, pairs)
        compare(server, "account_credentials", (), pairs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate = self_signed(folder)
        # A client reads a hundred and more authorities, of which one is the server's.
        bundle = folder / "authorities.pem"
        bundle.write_bytes(certificate.read_bytes() + Path(str(get_cert_path(True))).read_bytes())
        with served(str(certificate)) as server:
            server.furnish()
            compare(server, "connections", one_account(folder), pairs, AWS_CA_BUNDLE=str(bundle))


if __name__ == "__main__":
    main()
