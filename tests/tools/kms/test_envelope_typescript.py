"""`kms envelope` in TypeScript: tsc accepts it, Node.js runs it against moto, and Python reads what it wrote."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer

from helpers.envelopes import BRANCH_KEY_TABLE, CONTEXT, MEGABYTE, content_of, two_keys
from helpers.node import NodeError, compiled, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from helpers.node import Program

pytestmark = pytest.mark.process

FILES = {
    "sdk": ("sdk", "envelope.ts"),
    "envelope": ("encryption_sdk", "envelope.ts"),
    "branch-keys": ("hierarchical", "branch-keys.ts"),
}
OTHER_CONTEXTS = [{"app": "billing", "tenant": "17"}, {**CONTEXT, "more": "x"}, {"App": "orders"}]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, compiled, and one that exports both parts of the hierarchical keyring."""
    folder = tmp_path_factory.mktemp("typescript")
    programs = {
        module: content_of(library, "typescript", file)
        for module, (library, file) in FILES.items()
    }
    both = 'export { seal, unseal } from "./envelope.js";\nexport * from "./branch-keys.js";\n'
    compiled(folder, {**programs, "hierarchical": both})
    return folder


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with two_keys() as arns:
        yield arns


@pytest.fixture
def program(keys: tuple[str, str], modules: Path) -> Iterator[Callable[[str], Program]]:
    """Starts a program that finds AWS where moto plays it; afterwards looks that it wrote nothing."""
    assert keys
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    with ExitStack() as stack:
        started: list[Program] = []

        def start(name: str) -> Program:
            module = modules / f"{name}.js"
            started.append(stack.enter_context(running(module, environment)))
            return started[-1]

        yield start
    server.stop()
    assert [node.output for node in started] == [""] * len(started)


def python(library: str, file: str = "envelope.py") -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(content_of(library, "python", file), file, "exec"), names)  # noqa: S102
    return names


def ring_of(key: str) -> dict[str, Any]:
    return {"result_of": ["keyring", key]}


def test_the_sdk_alone_writes_what_python_reads_and_reads_what_python_writes(
    keys: tuple[str, str], program: Callable[[str], Program]
) -> None:
    names, node = python("sdk"), program("sdk")
    # Names whose order differs between UTF-16 and UTF-8, and texts that JSON may escape.
    context = {**CONTEXT, "\uff5e": '<"/é>', "\U0001d11e": "\\"}
    record = node.call("seal", keys[0], MEGABYTE, context)
    assert node.call("unseal", record, keys[0], context) == MEGABYTE
    assert names["unseal"](record, keys[0], context) == MEGABYTE
    written = names["seal"](keys[0], MEGABYTE, context)
    assert node.call("unseal", written, keys[0], context) == MEGABYTE


@pytest.mark.parametrize("context", OTHER_CONTEXTS)
def test_the_sdk_alone_refuses_another_context(
    context: dict[str, str], keys: tuple[str, str], program: Callable[[str], Program]
) -> None:
    node = program("sdk")
    record = node.call("seal", keys[0], b"secret", CONTEXT)
    with pytest.raises(NodeError, match="InvalidCiphertext"):
        node.call("unseal", record, keys[0], context)
    with pytest.raises(NodeError):
        node.call("unseal", record, keys[1], CONTEXT)
    with pytest.raises(NodeError, match="authenticate"):
        node.call("unseal", record.replace(keys[0], keys[1]), keys[0], CONTEXT)
    with pytest.raises(NodeError, match="not a record of this format"):
        node.call("unseal", record.replace('"v":1', '"v":2'), keys[0], CONTEXT)


def test_the_encryption_sdk_writes_what_python_reads_and_reads_what_python_writes(
    keys: tuple[str, str], program: Callable[[str], Program]
) -> None:
    names, node = python("encryption_sdk"), program("envelope")
    ring = names["keyring"](keys[0])
    message = node.call("seal", ring_of(keys[0]), MEGABYTE, CONTEXT)
    assert MEGABYTE[:256] not in message
    assert node.call("unseal", ring_of(keys[0]), message, {"app": "orders"}) == MEGABYTE
    assert names["unseal"](ring, message, CONTEXT) == MEGABYTE
    written = names["seal"](ring, MEGABYTE, CONTEXT)
    assert node.call("unseal", ring_of(keys[0]), written, CONTEXT) == MEGABYTE


@pytest.mark.parametrize("context", OTHER_CONTEXTS)
def test_the_encryption_sdk_refuses_another_context_and_another_key(
    context: dict[str, str], keys: tuple[str, str], program: Callable[[str], Program]
) -> None:
    node = program("envelope")
    message = node.call("seal", ring_of(keys[0]), b"secret", CONTEXT)
    with pytest.raises(NodeError, match="another context"):
        node.call("unseal", ring_of(keys[0]), message, context)
    with pytest.raises(NodeError):
        node.call("unseal", ring_of(keys[1]), message, CONTEXT)


def test_an_empty_context_is_refused_by_both_libraries_alike(
    keys: tuple[str, str], program: Callable[[str], Program], tmp_path: Path
) -> None:
    alone, sdk = program("sdk"), program("envelope")
    record = alone.call("seal", keys[0], b"x", CONTEXT)
    message = sdk.call("seal", ring_of(keys[0]), b"x", CONTEXT)
    file, target = tmp_path / "file", str(tmp_path / "target")
    file.write_bytes(message)
    for node, *call in (
        (alone, "seal", keys[0], b"x"),
        (alone, "unseal", record, keys[0]),
        (sdk, "seal", ring_of(keys[0]), b"x"),
        (sdk, "unseal", ring_of(keys[0]), message),
        (sdk, "sealFile", ring_of(keys[0]), str(file), target),
        (sdk, "unsealFile", ring_of(keys[0]), str(file), target),
    ):
        with pytest.raises(NodeError, match="the encryption context is empty"):
            node.call(*call, {})
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_goes_there_and_back(
    keys: tuple[str, str], program: Callable[[str], Program], tmp_path: Path
) -> None:
    node = program("envelope")
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(MEGABYTE)
    node.call("sealFile", ring_of(keys[0]), str(plain), str(sealed), CONTEXT)
    node.call("unsealFile", ring_of(keys[0]), str(sealed), str(opened), CONTEXT)
    assert opened.read_bytes() == MEGABYTE
    names = python("encryption_sdk")
    assert names["unseal"](names["keyring"](keys[0]), sealed.read_bytes(), CONTEXT) == MEGABYTE
    assert set(tmp_path.iterdir()) == {plain, sealed, opened}


def test_a_file_that_is_damaged_or_of_another_context_leaves_nothing_behind(
    keys: tuple[str, str], program: Callable[[str], Program], tmp_path: Path
) -> None:
    node = program("envelope")
    message = node.call("seal", ring_of(keys[0]), MEGABYTE, CONTEXT)
    sealed, target = tmp_path / "sealed", str(tmp_path / "opened")
    for damaged, context in (
        (message, {"app": "billing"}),
        (message[:-50], CONTEXT),
        (message[: len(message) // 2], CONTEXT),
        (message[:-1] + bytes([message[-1] ^ 1]), CONTEXT),
        (message[:600_000] + b"!" + message[600_001:], CONTEXT),
        (b"", CONTEXT),
    ):
        sealed.write_bytes(damaged)
        with pytest.raises(NodeError):
            node.call("unsealFile", ring_of(keys[0]), str(sealed), target, context)
        assert list(tmp_path.iterdir()) == [sealed]


def test_a_branch_key_that_one_language_made_works_in_the_other(
    keys: tuple[str, str], program: Callable[[str], Program]
) -> None:
    node, management, names = (
        program("hierarchical"),
        python("hierarchical", "branch_keys.py"),
        python("hierarchical"),
    )
    store = {"result_of": ["keyStore", BRANCH_KEY_TABLE, keys[0]]}
    python_store = management["key_store"](BRANCH_KEY_TABLE, keys[0])
    management["create"](python_store, "17", {"tenant": "17"})
    assert node.call("create", store, "18", {"tenant": "18"}) == "18"

    def ring(tenant: str) -> dict[str, Any]:
        return {"result_of": ["keyring", store, tenant]}

    for tenant in ("17", "18"):
        message = node.call("seal", ring(tenant), MEGABYTE, CONTEXT)
        node.call("rotate", store, tenant)
        assert node.call("unseal", ring(tenant), message, CONTEXT) == MEGABYTE
        python_ring = management["keyring"](python_store, tenant)
        assert names["unseal"](python_ring, message, CONTEXT) == MEGABYTE
        written = names["seal"](python_ring, MEGABYTE, CONTEXT)
        assert node.call("unseal", ring(tenant), written, CONTEXT) == MEGABYTE
        with pytest.raises(NodeError):
            node.call("unseal", ring("17" if tenant == "18" else "18"), message, CONTEXT)
