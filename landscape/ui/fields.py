"""From the fields of a form to a request."""

import json
from collections.abc import Mapping

from landscape.core.requests import AnyRequest, request_from_json


def request_from_fields(study: str, fields: Mapping[str, object]) -> AnyRequest:
    """The request with these fields; the rest have their defaults.

    Raises:
        RequestError: A value is impossible; the sentence says which and what to do.
    """
    return request_from_json(json.dumps({"study": study, **fields}))
