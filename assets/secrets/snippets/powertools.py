"""The secret through Powertools for AWS Lambda, at most five minutes old.

pip install aws-lambda-powertools
"""

import copy

from aws_lambda_powertools.utilities import parameters

SECRET = "{{Secret}}"


def secret(*, fresh=False):
    """The JSON secret as a dictionary; `fresh` fetches it now."""
    value = parameters.get_secret(SECRET, transform="json", max_age=300, force_fetch=fresh)
    # Powertools keeps the parsed object itself: whoever changes it would change the cache.
    return copy.deepcopy(value)


def with_secret(use, refused):
    """`use(secret)`; when it raises `refused`, the driver's authentication error, once more with the secret fetched anew."""
    try:
        return use(secret())
    except refused:
        return use(secret(fresh=True))
