"""Values that a file of cases gives for what is known only at deployment, by what the answers call it.

with_given_values(source, {"aws_kms_key.main.arn": "arn:aws:kms:…"})     `aws-kms-key-main-arn` in the policy is that key
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Policy, policy_of
from aws_iam.engine.parsing.json_nodes import Form, Member, Node, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.language.document import Source

# As the words are made that stand for unknown values.
_NOT_IN_A_WORD = re.compile(r"[^A-Za-z0-9]+")


def with_given_values(source: Source, values: Mapping[str, str]) -> Source:
    """The policy with these values in the place of the words for them; what has a further unknown part stays unknown."""
    policy = source.content
    if not isinstance(policy, Policy) or not source.unresolved or not values:
        return source
    words = {_NOT_IN_A_WORD.sub("-", name).strip("-"): text for name, text in values.items()}
    other = {own.at.pointer: own.text for own in walk(source.variants[-1].node)} if source.variants else {}  # fmt: skip
    known: dict[str, str] = {}
    for own in walk(policy.node):
        pointer = own.at.pointer
        if own.form is Form.STRING and pointer in source.unresolved and pointer in other:
            text = _filled(own.text, other[pointer], words)
            if text is not None:
                known[pointer] = text
    if not known:
        return source
    made = policy_of(_with_texts(policy.node, known), policy.kind, None)
    content = replace(made, kind_guessed=policy.kind_guessed, resource_type=policy.resource_type)
    return replace(source, content=content, unresolved=source.unresolved - known.keys())


def _filled(text: str, varied: str, words: Mapping[str, str]) -> str | None:
    """The text with the values; None where a part of it is still unknown.

    `varied` is the same text with an `x` in front of every word that stands for a value.
    """
    if text in words:
        return words[text]
    for word in sorted(words, key=len, reverse=True):
        text, varied = text.replace(word, words[word]), varied.replace(f"x{word}", words[word])
    return text if text == varied else None


def _with_texts(node: Node, known: Mapping[str, str]) -> Node:
    if node.form is Form.OBJECT:
        members = (
            Member(own.key, _with_texts(own.value, known), own.name) for own in node.members
        )
        return node.but(members=tuple(members))
    if node.form is Form.ARRAY:
        return Node(
            Form.ARRAY, node.at, items=tuple(_with_texts(own, known) for own in node.items)
        )
    text = known.get(node.at.pointer) if node.form is Form.STRING else None
    return node if text is None else node.but(value=text)
