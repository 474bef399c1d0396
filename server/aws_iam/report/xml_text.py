"""Text that XML 1.0 can hold: https://www.w3.org/TR/xml/#charsets."""

from __future__ import annotations

import re

from aws_iam.escape import escaped

# Characters that `escaped` keeps and XML 1.0 cannot express.
_NOT_IN_XML = re.compile("[\ufffe\uffff]")


def xml_text(text: str, limit: int) -> str:
    """The text, escaped and cut, without what XML cannot express; its markup is not escaped."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", escaped(text, limit))
