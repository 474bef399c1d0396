"""The account's own documents of Systems Manager: commands and automations, with what is written into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import TextHolder, exposed_pairs, exposed_text
from aws_iam.account.collect.fact import many_in
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.names.sensitive import Variable

SSM_DOCUMENTS = many_in("ssm.documents", TextHolder)
_LIST = "ssm:ListDocuments"
_GET = "ssm:GetDocument"
_GONE = ("InvalidDocument",)


@collector_in(SSM_DOCUMENTS, _LIST, _GET)
def ssm_documents(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in each document that the account owns."""
    owned = [{"Key": "Owner", "Values": ["Self"]}]
    listed = aws.items(_LIST, "DocumentIdentifiers", region=region, Filters=owned)
    names = sorted(data["Name"] for data in listed)
    read = aws.read_each(lambda name: _exposed(aws, region, name), names, _GET)
    prefix = f"arn:{aws.partition}:ssm:{region}:{aws.account}:document"
    return tuple(
        TextHolder(arn=f"{prefix}/{name}", name=name, exposed=exposed)
        for name, exposed in zip(names, read, strict=True)
    )


def _exposed(aws: Aws, region: str, name: str) -> tuple[Variable, ...]:
    answer = aws.get(_GET, region=region, absent=_GONE, Name=name) or {}
    content = answer.get("Content") or ""
    found = exposed_text(content, _GET, region)
    named = {variable.name for variable in found}
    defaults = exposed_pairs(_defaults(content))
    return (*found, *(variable for variable in defaults if variable.name not in named))


def _defaults(content: str) -> Iterator[tuple[str, str]]:
    """The parameters of a document with their defaults: https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html."""
    for root in _roots(content):
        parameters = root.member("parameters")
        for parameter in parameters.members if parameters else ():
            default = parameter.value.member("default")
            for value in (default, *default.items) if default else ():
                if value.form is Form.STRING:
                    yield parameter.name.value, value.text


def _roots(content: str) -> tuple[Node, ...]:
    """The document, which is JSON or YAML; none where it is neither."""
    try:
        if content.lstrip().startswith("{"):
            found = scan(content)
            return (found,) if isinstance(found, Node) else ()
        documents = scan_yaml(content)
    except InputError:
        return ()
    return () if isinstance(documents, Syntax) else documents
