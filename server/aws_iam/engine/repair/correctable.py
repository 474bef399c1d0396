"""The codes of findings that an edit corrects: known without loading what makes the edit."""

from __future__ import annotations

from typing import Final

BUCKET_OR_OBJECT: Final = "S3_ACTION_MATCHES_NO_RESOURCE"
WITH_REGION: Final = "ARN_REGION_NOT_ALLOWED"
WITH_ACCOUNT: Final = "ARN_ACCOUNT_NOT_ALLOWED"
SERVICE_CASE: Final = "INVALID_ARN_SERVICE_CASE"
SERVICE_OPTIONAL: Final = "PASSED_TO_SERVICE_NOT_DEMANDED"
CORRECTABLE: Final = frozenset(
    {BUCKET_OR_OBJECT, WITH_REGION, WITH_ACCOUNT, SERVICE_CASE, SERVICE_OPTIONAL}
)
