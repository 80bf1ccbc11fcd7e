"""An S3 server in a thread of the test process, with buckets that only one test knows."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest
from moto.server import ThreadedMotoServer

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that runs while the block does."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an empty bucket, with the variables set by which it is reached."""
    for name, value in (CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint}).items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{secrets.token_hex(6)}"
    request(endpoint, "PUT", f"/{name}")
    return name


def request(endpoint: str, method: str, path: str) -> str:
    """The server's answer to an unsigned request; this one asks for no signatures."""
    with closing(http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=10)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        assert answer.status == 200, answer.reason
        return answer.read().decode()
