"""From what is wanted to a dataset on disk, by the API alone: project, crawl, validation, export, download.

Each job is started by a mutation and followed by its subscription until it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from app.commands.client import Client, Json, ServiceRefused
from app.commands.crawling import documents, ledger
from app.commands.crawling.download import download
from app.commands.crawling.show import News, Paced, Show, megabytes
from app.commands.crawling.target import Target

CANCEL_S = 5.0
"""How long the service may take to hear of a cancellation while we are asked to end."""
NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to crawl. `urls` is an uploaded list's file; `rules` are validation's, none for no validation."""

    name: str
    keywords: tuple[str, ...]
    sources: tuple[Json, ...]
    target: Target
    max_images: int | None = None
    urls: Path | None = None
    export_format: str = "ZIP"
    rules: Json | None = None
    expansion: Json | None = None
    """A KeywordExpansionInput."""
    failures: Path | None = None
    """Where the failure ledger goes."""
    again: str | None = None
    """The global id of the job that is crawled again: what that one asked is asked, and nothing of the above."""


@dataclass(slots=True)
class Outcome:
    """What came of it. `images` are in the dataset; `bytes` is the size of the export's file."""

    project_id: str = ""
    crawl_job_id: str = ""
    export_job_id: str = ""
    dataset: str = ""
    images: int = 0
    duplicates: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: float = 0.0
    url: str = ""
    invalid: int = field(default=0)
    """Rows that validation refused; shown to people."""
    difference: Json | None = None
    """Of a re-crawl: images that are new, changed, unchanged, gone, and not decided."""

    def as_json(self) -> Json:
        """The object of `demo --json` and `crawl --json`."""
        names = ("project_id", "crawl_job_id", "export_job_id", "dataset", "images", "duplicates", "failed")
        told = {name: getattr(self, name) for name in (*names, "bytes", "seconds", "url")}
        return told if self.difference is None else told | {"difference": self.difference}


async def asked_sources(client: Client, wanted: Wanted) -> list[Json]:
    """The sources as SourceInputs; a list of URLs is uploaded."""
    sources = list(wanted.sources)
    if wanted.urls is not None:
        sources.append({"urlList": {"uploadId": await _upload(client, wanted.urls)}})
    return sources


async def _upload(client: Client, path: Path) -> str:
    """Puts a URL list where the service wants it; the upload's id."""
    place = await client.mutate(documents.CREATE_UPLOAD, {"input": {"filename": path.name}})
    with path.open("rb") as file:
        async with client.http.put(place["uploadUrl"], data=file) as response:
            if response.status >= 300:
                told = (await response.text())[:200]
                raise click.ClickException(f"{path} could not be uploaded ({response.status}): {told}")
    return str(place["uploadId"])


class Journey:
    """One run of all stages."""

    def __init__(self, client: Client, wanted: Wanted, show: Show) -> None:
        self.outcome = Outcome(url=client.url)
        self._client = client
        self._wanted = wanted
        self._show = show
        self._crawling = False
        self._name = wanted.name[:NAME_CHARS]

    async def run(self) -> Outcome:
        """All stages. Raises click.ClickException. Cancelled while it crawls, it cancels the crawl job too."""
        started = time.monotonic()
        try:
            await self._crawl()
        except asyncio.CancelledError:
            if self._crawling:
                await self._cancel()
            raise
        if self._wanted.rules is not None:
            await self._validate(self._wanted.rules)
        await self._export()
        await self._count()
        self.outcome.seconds = round(time.monotonic() - started, 2)
        return self.outcome

    async def _crawl(self) -> None:
        self.outcome.crawl_job_id = await (self._recrawl() if self._wanted.again else self._create())
        self._crawling = True
        try:
            await self._follow("crawl", documents.FOLLOW_CRAWL, self.outcome.crawl_job_id, _crawl_news)
        except click.ClickException:
            with contextlib.suppress(click.ClickException):  # what ended the crawl is what the user must hear
                await self._save_failures()
            raise
        self._crawling = False
        await self._save_failures()

    async def _create(self) -> str:
        """A new crawl job in a new project; its id."""
        wanted, client, name = self._wanted, self._client, self._name
        project = await client.mutate(documents.CREATE_PROJECT, {"input": {"name": name}})
        self.outcome.project_id = project["project"]["id"]
        sources = await asked_sources(client, wanted)
        asked: Json = {"projectId": self.outcome.project_id, "name": name, "sources": sources}
        asked["keywords"] = list(wanted.keywords)
        if wanted.max_images is not None:
            asked["maxImages"] = wanted.max_images
        if wanted.expansion is not None:
            asked["expansion"] = wanted.expansion
        job = await client.mutate(documents.CREATE_CRAWL, {"input": asked})
        return str(job["crawlJob"]["id"])

    async def _recrawl(self) -> str:
        """A new crawl job beside an ended one, and like it; its id."""
        job = (await self._client.mutate(documents.RECRAWL, {"input": {"id": self._wanted.again}}))["crawlJob"]
        self.outcome.project_id, self._name = job["project"]["id"], job["name"]
        return str(job["id"])

    async def _save_failures(self) -> None:
        path = self._wanted.failures
        if path is not None:
            await ledger.save(self._client, self.outcome.crawl_job_id, path)
            self._show.say(f"Why images failed stands in {path}.")

    async def _cancel(self) -> None:
        """Cancels the crawl job, in bounded time and whatever comes of it: we are asked to end."""
        variables = {"id": self.outcome.crawl_job_id}
        with contextlib.suppress(ServiceRefused, TimeoutError):
            await asyncio.wait_for(self._client.mutate(documents.CANCEL_CRAWL, variables), CANCEL_S)
            self._show.say(f"{self.outcome.crawl_job_id} is cancelled; retryCrawlJob would go on with it.")

    async def _validate(self, rules: Json) -> None:
        asked = {"crawlJobId": self.outcome.crawl_job_id, "rules": rules}
        payload = await self._client.mutate(documents.CREATE_VALIDATION, {"input": asked})
        key = payload["validationJob"]["id"]
        await self._follow("validation", documents.FOLLOW_VALIDATION, key, _validation_news)

    async def _export(self) -> None:
        asked = {"crawlJobId": self.outcome.crawl_job_id, "name": self._name, "format": self._wanted.export_format}
        payload = await self._client.mutate(documents.CREATE_EXPORT, {"input": asked})
        key = self.outcome.export_job_id = payload["exportJob"]["id"]
        await self._follow("export", documents.FOLLOW_EXPORT, key, _export_news)
        job = await self._export_job()
        self.outcome.images, self.outcome.bytes = job["exportedImages"], job["fileSize"]
        part = self._wanted.target.part
        name = await download(
            self._client.http, self._client.url, self._link, part, self.outcome.bytes, self._downloaded()
        )
        self._tell_downloaded(self.outcome.bytes, final=True)
        target = self._wanted.target
        await asyncio.to_thread(target.accept, name, self.outcome.images)
        self.outcome.dataset = str(target.folder)

    async def _export_job(self) -> Json:
        data = await self._client.execute(documents.EXPORT, {"id": self.outcome.export_job_id})
        job = data["exportJob"]
        if job is None or job["downloadUrl"] is None:
            raise click.ClickException("The export is not there any more: export it again.")
        return dict(job)

    async def _link(self) -> str:
        return str((await self._export_job())["downloadUrl"])

    def _downloaded(self) -> Callable[[int], None]:
        paced = Paced()

        def tell(have: int) -> None:
            if paced.due():
                self._tell_downloaded(have, final=False)

        return tell

    def _tell_downloaded(self, have: int, *, final: bool) -> None:
        size = self.outcome.bytes
        words = megabytes(have) if final else f"{megabytes(have)} of {megabytes(size)}"
        fields = {"bytes": have, "total_bytes": size}
        self._show.tell(News("download", 100 * have / max(size, 1), words, fields, final))

    async def _count(self) -> None:
        data = await self._client.execute(documents.COUNTS, {"id": self.outcome.crawl_job_id})
        counts = data["crawlJob"]
        for name in ("duplicates", "failed", "invalid"):
            setattr(self.outcome, name, counts[name]["totalCount"])
        if self._wanted.again:
            data = await self._client.execute(documents.DIFFERENCE, {"id": self.outcome.crawl_job_id})
            self.outcome.difference = data["crawlJob"]["difference"]

    async def _follow(self, stage: str, document: str, key: str, news_of: Callable[[str, Json], News]) -> None:
        """Shows a job's frames until it has ended. Raises click.ClickException unless it was completed."""
        last: News | None = None
        async with contextlib.aclosing(self._client.follow(document, {"id": key})) as frames:
            async for frame in frames:
                last = news_of(stage, frame)
                self._show.tell(last)
        status = last.fields["status"] if last is not None else "gone"
        if last is None or status != "COMPLETED":
            reason = (last.fields.get("error_message") if last else None) or "the service gave no reason"
            raise click.ClickException(f"{key} is {str(status).lower()}: {reason}")


def _news(stage: str, job: Json, words: str, more: Json) -> News:
    fields = {"id": job["id"], "status": job["status"], "error_message": job["errorMessage"]} | more
    final = job["status"] in ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED")
    return News(stage, job["progress"], words, fields, final)


def _crawl_news(stage: str, frame: Json) -> News:
    job = frame["crawlJob"]
    words = f"{job['totalImages']:,} found, {job['downloadedImages']:,} stored"
    rate = frame["imagesPerSecond"]
    if job["status"] == "RUNNING" and rate:
        words += f", {rate:,.0f}/s"
    elif job["status"] not in ("RUNNING", "COMPLETED"):
        words += f", {job['status'].lower()}"
    more: dict[str, Any] = {
        "total_images": job["totalImages"],
        "downloaded_images": job["downloadedImages"],
        "valid_images": job["validImages"],
        "images_per_second": rate,
        "bytes_per_second": frame["bytesPerSecond"],
        "eta_seconds": frame["etaSeconds"],
    }
    return _news(stage, job, words, more)


def _validation_news(stage: str, frame: Json) -> News:
    job = frame["validationJob"]
    words = f"{job['validatedImages']:,} judged, {job['invalidImages']:,} refused"
    more = {"total_images": job["totalImages"], "validated_images": job["validatedImages"]}
    return _news(stage, job, words, more | {"invalid_images": job["invalidImages"]})


def _export_news(stage: str, frame: Json) -> News:
    job = frame["exportJob"]
    words = f"{job['exportedImages']:,} of {job['totalImages']:,} written"
    more = {"total_images": job["totalImages"], "exported_images": job["exportedImages"]}
    return _news(stage, job, words, more | {"bytes_per_second": frame["bytesPerSecond"]})
