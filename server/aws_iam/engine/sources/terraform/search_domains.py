"""Domains of OpenSearch that only their VPC reaches, whatever their access policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_iam.engine.sources.terraform.modules import Module
    from aws_iam.engine.sources.terraform.syntax import Block

_DOMAINS = ("aws_elasticsearch_domain", "aws_opensearch_domain")
_OF_THEIR_OWN = frozenset(f"{type_}_policy" for type_ in _DOMAINS)
_NETWORK = "vpc_options"


def is_in_vpc(module: Module, block: Block) -> bool:
    """Whether the block is such a domain, or the policy of one in a module whose domains are all in a VPC."""
    if block.labels[0] in _DOMAINS:
        return _has_network(block)
    if block.labels[0] not in _OF_THEIR_OWN:
        return False
    domains = [own for own in module.source.resources.values() if own.labels[0] in _DOMAINS]
    return bool(domains) and all(map(_has_network, domains))


def _has_network(domain: Block) -> bool:
    written = domain.body.blocks_named(_NETWORK)
    dynamic = domain.body.blocks_named("dynamic", 1)
    return any(True for _ in written) or any(own.labels == (_NETWORK,) for own in dynamic)
