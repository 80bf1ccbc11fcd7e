"""The four operations in the words of each server, so that all give the same answer under the same names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tests.bench.graphql_peers.data import DEPTH, Data

Ask = Callable[[str, dict[str, Any]], Any]
"""The data of one answer."""
NAMES = ("Q1", "Q2", "Q3", "Q4")
MEANING = {
    "Q1": "one job by id, 10 fields",
    "Q2": "viewer, 20 projects, 5 jobs each, 10 images each",
    "Q3": "100 images of a job, 8 fields",
    "Q4": f"100 images after {DEPTH:,}, by keyset",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What one server calls things, where servers differ."""

    id: str
    viewer: str
    job: str
    projects: str = "projects"
    jobs: str = "crawlJobs"
    images: str = "images"
    variables: str = "$job: ID!"
    deep: str = "$job: ID!, $after: String!"

    def texts(self) -> dict[str, str]:
        """The operations."""
        id_, images = self.id, self.images
        head = f"query Job({self.variables}) {{ crawlJob: {self.job}"
        deep = f"query Deep({self.deep}) {{ crawlJob: {self.job}"
        return {
            "Q1": f"""{head} {{ {id_} name status progress maxImages totalImages downloadedImages validImages
  createdAt updatedAt }} }}""",
            "Q2": f"""{{ viewer: {self.viewer} {{ {id_} projects: {self.projects}(first: 20) {{ nodes {{ {id_} name
  crawlJobs: {self.jobs}(first: 5) {{ nodes {{ {id_} name status
    images: {images}(first: 10) {{ nodes {{ {id_} filename originalUrl status width height }} }} }} }} }} }} }} }}""",
            "Q3": f"""{head} {{ {id_} images: {images}(first: 100) {{ nodes {{ {id_} originalUrl filename status width
  height fileSize createdAt }} }} }} }}""",
            "Q4": f"""{deep} {{ {id_} images: {images}(first: 100, after: $after) {{ nodes {{ {id_} filename width
  height createdAt }} pageInfo {{ hasNextPage endCursor }} }} }} }}""",
        }


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server is asked: its texts, the job's id as it writes it, and how it names the row before the deep page."""

    texts: dict[str, str]
    job: str | int
    cursor: Callable[[Ask, Data], str | int]

    def bodies(self, ask: Ask, data: Data) -> dict[str, bytes]:
        """The body of each request."""
        job = {"job": self.job}
        deep: dict[str, Any] = job | {"after": self.cursor(ask, data)}
        given: dict[str, dict[str, Any]] = {"Q1": job, "Q2": {}, "Q3": job, "Q4": deep}
        return {name: orjson.dumps({"query": self.texts[name], "variables": given[name]}) for name in NAMES}


def our_cursor(ask: Ask, data: Data) -> str:
    """A cursor of ours holds the row's id: another row's cursor with this id in it."""
    found = ask('{ crawlJob(id: "CrawlJob:1") { images(first: 1) { pageInfo { endCursor } } } }', {})
    label, _ = orjson.loads(found["crawlJob"]["images"]["pageInfo"]["endCursor"])
    return orjson.dumps([label, data.after]).decode()


def postgraphile_cursor(ask: Ask, _: Data) -> str:
    """PostGraphile gives the cursor of any row by its offset."""
    page = f"imagesByCrawlJobId(first: 1, offset: {DEPTH - 1}) {{ nodes {{ rowId }} pageInfo {{ endCursor }} }}"
    found = ask(f"{{ job: crawlJobByRowId(rowId: 1) {{ images: {page} }} }}", {})
    return str(found["job"]["images"]["pageInfo"]["endCursor"])


OURS = Dialect(Words("id", "viewer", "crawlJob(id: $job)").texts(), "CrawlJob:1", our_cursor)
MERCURIUS = Dialect(Words("id", "viewer", "crawlJob(id: $job)").texts(), "1", lambda _, data: str(data.after))


def postgraphile(viewer: str) -> Dialect:
    """PostGraphile's: it has no viewer, so the profile is asked by its key, which is written in."""
    words = Words(
        id="id: rowId",
        viewer=f'profileByRowId(rowId: "{viewer}")',
        job="crawlJobByRowId(rowId: $job)",
        projects="projectsByUserId",
        jobs="crawlJobsByProjectId",
        images="imagesByCrawlJobId",
        variables="$job: Int!",
        deep="$job: Int!, $after: Cursor!",
    )
    return Dialect(words.texts(), 1, postgraphile_cursor)


LIMIT = Dialect({name: name for name in NAMES}, 1, lambda _, data: data.after)


@dataclass(frozen=True, slots=True)
class Content:
    """What an answer says, however it is written: two servers that agree have equal ones."""

    rows: int
    ids: str
    """Checksum of all ids, in their order."""
    whole: str
    """Checksum of all values."""


def content(body: bytes) -> Content:
    """Of an answer's body; ValueError for one with errors."""
    answer = orjson.loads(body)
    if answer.get("errors") or not answer.get("data"):
        raise ValueError(body[:1000])
    ids: list[str] = []
    whole = _plain("", answer["data"], ids)
    return Content(len(ids), _sum(ids), _sum(whole))


def _sum(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def _plain(name: str, value: Any, ids: list[str]) -> Any:
    """The value without what servers may write as they like: types in ids, case of enums, format of times, cursors."""
    if isinstance(value, dict):
        return {key: _plain(key, value[key], ids) for key in sorted(value, key="id".__ne__) if key != "endCursor"}
    if isinstance(value, list):
        return [_plain(name, one, ids) for one in value]
    if name == "id":
        ids.append(str(value).rpartition(":")[2])
        return ids[-1]
    if name == "status":
        return value.lower()
    return datetime.fromisoformat(value).timestamp() if name.endswith("At") else value
