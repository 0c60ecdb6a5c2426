"""Puts RO-Crate's context into a cache of rocrate-validator, which then needs no network: context.py CONTEXT CACHE."""

import pathlib
import sys

from requests_cache import CachedRequest, CachedResponse, CachedSession

context, cache = sys.argv[1:]
url = "https://w3id.org/ro/crate/1.1/context"
with CachedSession(cache_name=cache, backend="sqlite", expire_after=-1) as session:
    request = CachedRequest(method="GET", url=url)
    response = CachedResponse(status_code=200, reason="OK", url=url, request=request, headers={"Content-Type": "application/ld+json"})
    response._content = pathlib.Path(context).read_bytes()
    session.cache.save_response(response, session.cache.create_key(request))
