"""The secret through Powertools for AWS Lambda, at most five minutes old.

pip install aws-lambda-powertools
"""

import copy

from aws_lambda_powertools.utilities import parameters

SECRET = "{{Secret}}"


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` fetches it now."""
    value = parameters.get_secret(SECRET, transform="json", max_age=300, force_fetch=fresh)
    # Powertools caches the parsed object: changing it would change the cache.
    return copy.deepcopy(value)


def with_secret(use, refused):
    """Call `use(secret)`; if it raises `refused` (the driver's authentication error), refetch the secret and retry once."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
