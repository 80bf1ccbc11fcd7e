"""Storage in a folder and in a bucket: what holds for one holds for the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage import Storage
from tests.support.buckets import new_bucket, s3_server


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def folder(tmp_path: Path) -> Storage:
    return Storage.open((tmp_path / "stored").as_uri())


@pytest.fixture
def bucket_name(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return new_bucket(s3_endpoint, monkeypatch)


@pytest.fixture
def bucket(bucket_name: str) -> Storage:
    return Storage.open(f"s3://{bucket_name}/some/prefix")


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> Storage:
    found: Storage = request.getfixturevalue(request.param)
    return found
