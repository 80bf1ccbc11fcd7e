"""The whole journey with bytes in an S3 bucket instead of a folder, spoken to over HTTP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from app.settings import settings
from app.storage import storage
from tests.stand_ins.misbehaving import MisbehavingHost
from tests.support.asking import ERRORS, good, urls
from tests.support.buckets import new_bucket, s3_server
from tests.support.service import Person, person, running_api, running_worker, until

UPLOAD = f'mutation {{ createUrlListUpload(input: {{filename: "list.txt"}}) {{ uploadId uploadUrl {ERRORS} }} }}'
EXPORT = f"""mutation($job: ID!) {{ createExportJob(input: {{crawlJobId: $job}}) {{ exportJob {{ id }} {ERRORS} }} }}"""
LOOK = "query($id: ID!) { exportJob(id: $id) { status fileSize downloadUrl errorMessage } }"
IMAGES = "query($id: ID!) { crawlJob(id: $id) { images { nodes { downloadUrl fileSize } } } }"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server's address."""
    with s3_server() as address:
        yield address


@pytest_asyncio.fixture
async def owner(db: object, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Person]:
    """Somebody of a service whose storage is a bucket."""
    monkeypatch.setenv("STORAGE_URL", f"s3://{new_bucket(endpoint, monkeypatch)}/data")
    settings.cache_clear()
    async with running_api() as url:
        monkeypatch.setenv("PIXCRAWLER_PUBLIC_URL", url)
        settings.cache_clear()
        async with person(url) as somebody:
            yield somebody
    monkeypatch.undo()
    settings.cache_clear()


async def _read(owner: Person, url: str) -> bytes:
    async with owner.session.get(url) as response:
        assert response.status == 200, await response.text()
        return await response.read()


async def _uploaded(owner: Person, *listed: str) -> str:
    made = await owner.do(UPLOAD)
    async with owner.session.put(made["uploadUrl"], data="\n".join(listed).encode()) as response:
        assert response.status == 200, await response.text()
    return str(made["uploadId"])


async def test_a_list_is_uploaded_crawled_and_exported_through_the_bucket(owner: Person) -> None:
    async with MisbehavingHost(good(4)) as host, running_worker():
        upload_id = await _uploaded(owner, *urls(host, 0, 1, 2, 3))
        job = await owner.crawl(keywords=["cat"], sources=[{"urlList": {"uploadId": upload_id}}])
        assert (await owner.ended(job))["validImages"] == 4
        made = await owner.do(EXPORT, job=job)
        assert not made["errors"], made

        async def over() -> dict[str, object] | None:
            found = (await owner.get(LOOK, id=made["exportJob"]["id"]))["exportJob"]
            return found if found["status"] in ("COMPLETED", "FAILED") else None

        exported = await until(over)
    assert exported["status"] == "COMPLETED", exported
    packed = await _read(owner, exported["downloadUrl"])
    assert len(packed) == exported["fileSize"]
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".jpg") for name in archive.namelist()) == 4
    for image in (await owner.get(IMAGES, id=job))["crawlJob"]["images"]["nodes"]:
        assert len(await _read(owner, image["downloadUrl"])) == image["fileSize"]
    kept = sorted([stored.key async for stored in storage().list("images/")])
    assert len(kept) == 4
