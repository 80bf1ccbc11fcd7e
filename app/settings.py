"""Every environment variable: type, unit, default, meaning. Read once, here and nowhere else."""

from __future__ import annotations

import functools
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.measures import Verification

CHECKOUT = Path(__file__).resolve().parent.parent

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseSettings):
    """The service's settings. A field `x` is the variable `PIXCRAWLER_X`, save where `validation_alias` names it."""

    model_config = SettingsConfigDict(env_prefix="PIXCRAWLER_", extra="ignore", frozen=True, populate_by_name=True)

    home: Path = Field(CHECKOUT / ".pixcrawler", description="Folder of the embedded default: database, Redis, files.")
    database_url: str = Field(
        "", validation_alias="DATABASE_URL", description="`postgres://user:password@host/name`; embedded unless told."
    )
    redis_url: str = Field(
        "", validation_alias="REDIS_URL", description="`redis://host:6379/0` or `unix:///path`; embedded unless told."
    )
    storage_url: str = Field(
        "",
        validation_alias="STORAGE_URL",
        description="`file:///folder` or `s3://bucket/prefix` (`gs://`, `az://`: untested); the home unless told.",
    )
    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that the API listens on.")
    public_url: str = Field("", description="What links begin with; `http://HOST:PORT` unless told.")
    cors_origins: str = Field("", description="Origins of single-page apps, separated by commas; none unless told.")
    trusted_proxies: str = Field("", description="Addresses whose X-Forwarded-* headers count, separated by commas.")
    signing_key: str = Field("", description="Key of `/files` signatures; made and kept in the home unless told.")
    upload_max_bytes: int = Field(512 * 2**20, gt=0, description="Largest uploaded URL list, bytes.")
    export_ttl_s: int = Field(7 * 86_400, gt=0, description="How long an export is kept, seconds.")
    link_ttl_s: int = Field(3_600, gt=0, description="How long a signed link holds, seconds.")
    introspection: bool = Field(True, description="Whether the schema may be asked for its types.")
    graphiql: bool = Field(True, description="Whether a browser at /graphql gets the GraphiQL page.")
    max_cost: int = Field(
        20_000,
        gt=0,
        description="Dearest operation, points: about one for each row that it may read (docs/api-limits.md).",
    )
    rate_per_user: int = Field(
        100, ge=0, description="Operations a second of one user, of all API processes; 0 is no limit."
    )
    rate_per_address: int = Field(
        300, ge=0, description="Requests to /graphql a second from one address (IPv6: /64); 0 is no limit."
    )
    trusted_documents: Path | None = Field(
        None, description="Manifest of trusted documents: a JSON object of SHA-256 hashes and operations' texts."
    )
    trusted_only: bool = Field(False, description="Whether nothing but the manifest's documents is run.")
    operation_timeout_s: float = Field(10.0, gt=0, description="Longest query or mutation, seconds.")
    subscriptions_per_user: int = Field(
        1_000, gt=0, description="Subscriptions under way of one user, over all of their connections to one process."
    )

    host_connections: int = Field(
        8, gt=0, description="Connections to one image host at once, of all workers together."
    )
    host_gap_ms: int = Field(
        0, ge=0, description="Shortest time between two requests to one image host, of all workers, milliseconds."
    )
    allow_addresses: str = Field(
        "", description="Networks that fetching may reach although they are not public, e.g. `127.0.0.0/8`."
    )
    contact: str = Field("", description="Address in the User-Agent, so that a host can reach the operator.")
    fetch_connections: int = Field(32, gt=0, description="Downloads at once, per worker process.")
    fetch_bytes_in_flight: int = Field(96 * 2**20, gt=0, description="Bytes of images in memory, per worker process.")
    fetch_timeout_s: float = Field(30.0, gt=0, description="Total deadline of one image, redirects included, seconds.")
    fetch_connect_timeout_s: float = Field(5.0, gt=0, description="Deadline of one connection, seconds.")
    fetch_max_bytes: int = Field(64 * 2**20, gt=0, lt=2**31, description="Largest image file, bytes; below 2 GiB.")
    fetch_max_pixels: int = Field(100_000_000, gt=0, description="Largest image, pixels of one frame; WebP two fifths.")
    verify: Verification = Field(
        Verification.DECODE,
        description="How much of an image is decoded before it is taken: `decode` all of its data, JPEG to a smaller"
        " scale; `full` to all pixels; `header` none: no damage inside is found, no hash and no quality is measured.",
    )
    decode_threads: int = Field(
        1, gt=0, description="Images decoded at once, per worker process: one, where there is a process a core."
    )
    respect_robots: bool = Field(
        True, description="Whether robots.txt decides what is asked, and its Crawl-delay when."
    )
    respect_tdm: bool = Field(True, description="Whether tdm-reservation is respected: header and tdmrep.json.")
    respect_content_usage: bool = Field(
        True, description="Whether Content-Usage (header, robots.txt) and Content-Signal (robots.txt) are respected."
    )
    respect_x_robots_tag: bool = Field(
        True, description="Whether X-Robots-Tag and meta robots (noai, noindex, …) are respected."
    )
    fetch_max_redirects: int = Field(5, ge=0, description="Redirects that one image may take.")

    jwt_secret: str = Field("", description="Secret of HS256 bearer tokens, at least 32 bytes.")
    jwks_url: str = Field("", description="Where the issuer's keys are (RS256, ES256).")
    jwt_issuer: str = Field("", description="The `iss` that a token must carry.")
    jwt_audience: str = Field("", description="The `aud` that a token must carry.")

    openverse_url: str = Field("https://api.openverse.org/v1/", description="Base address of Openverse's API.")
    openverse_key: str = Field(
        "", description="Bearer token of Openverse's API; without one its anonymous limits hold."
    )
    commons_url: str = Field(
        "https://commons.wikimedia.org/w/api.php", description="Address of Wikimedia Commons' API."
    )
    commons_key: str = Field(
        "", description="OAuth 2 access token of Wikimedia; without one its anonymous limits hold."
    )
    wikidata_url: str = Field(
        "https://www.wikidata.org/w/api.php",
        description="Address of Wikidata's API: keywords in other languages.",
    )
    flickr_url: str = Field("https://api.flickr.com/services/rest/", description="Address of Flickr's API.")
    flickr_key: str = Field("", description="Key of Flickr's API; the source is off without one.")
    pexels_enabled: bool = Field(
        False, description="Whether Pexels is used: its terms forbid building datasets with its API without permission."
    )
    pexels_url: str = Field("https://api.pexels.com/v1/", description="Base address of Pexels' API.")
    pexels_key: str = Field("", description="Key of Pexels' API.")
    pixabay_enabled: bool = Field(
        False, description="Whether Pixabay is used: its terms forbid systematic mass downloads."
    )
    pixabay_url: str = Field("https://pixabay.com/api/", description="Address of Pixabay's API.")
    pixabay_key: str = Field("", description="Key of Pixabay's API.")
    unsplash_enabled: bool = Field(
        False, description="Whether Unsplash is used: its terms restrict machine learning and ask for hotlinking."
    )
    unsplash_url: str = Field("https://api.unsplash.com/", description="Base address of Unsplash's API.")
    unsplash_key: str = Field("", description="Access key of Unsplash's API.")
    searxng_url: str = Field(
        "", description="Address of the operator's own SearXNG instance; the source is off without one."
    )
    brave_url: str = Field("https://api.search.brave.com/res/v1/", description="Base address of Brave Search's API.")
    brave_key: str = Field("", description="Key of Brave Search's API; keeping results needs a plan with that right.")
    serpapi_url: str = Field("https://serpapi.com/", description="Base address of SerpApi.")
    serpapi_key: str = Field("", description="Key of SerpApi; each page of 100 results is one paid search.")
    duckduckgo_enabled: bool = Field(
        False, description="Whether DuckDuckGo is used: unofficially, its terms do not provide for automated queries."
    )
    duckduckgo_url: str = Field("https://duckduckgo.com/", description="Address of DuckDuckGo's website.")
    bing_enabled: bool = Field(
        False, description="Whether Bing is used: unofficially, its terms do not provide for automated queries."
    )
    bing_url: str = Field("https://www.bing.com/", description="Address of Bing's website.")
    baidu_enabled: bool = Field(
        False, description="Whether Baidu is used: unofficially, its terms do not provide for automated queries."
    )
    baidu_url: str = Field("https://image.baidu.com/", description="Address of Baidu's image search.")

    lease_s: float = Field(20.0, gt=0, description="How long a chunk's lease holds without a heartbeat, seconds.")
    reconcile_s: float = Field(1.0, gt=0, description="How often what is due is looked for, seconds.")
    blob_grace_s: float = Field(3_600.0, ge=0, description="How long bytes that no row names are kept, seconds.")
    worker_chunks: int = Field(4, gt=0, description="Chunks under way at once, per worker process.")
    log_level: str = Field("INFO", description="Least level that is logged: DEBUG, INFO, WARNING, ERROR.")
    log_json: bool = Field(True, description="One JSON object a line; otherwise text for a person.")

    @field_validator("allow_addresses")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in _listed(value):
            ipaddress.ip_network(part)
        return value

    @functools.cached_property
    def allowed_networks(self) -> tuple[Network, ...]:
        """The networks of `allow_addresses`."""
        return tuple(ipaddress.ip_network(part) for part in _listed(self.allow_addresses))

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of `cors_origins`."""
        return _listed(self.cors_origins)

    @property
    def proxies(self) -> tuple[str, ...]:
        """The addresses of `trusted_proxies`."""
        return _listed(self.trusted_proxies)

    @property
    def base_url(self) -> str:
        """What links begin with, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def user_agent(self) -> str:
        """The honest User-Agent of every request that we make."""
        contact = f"; {self.contact}" if self.contact else ""
        return f"PixCrawler/0.1 (image dataset crawler{contact})"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@functools.cache
def settings() -> Settings:
    """The process's settings, read on first use."""
    return Settings()


def environment() -> dict[str, str]:
    """A copy of the process's environment, for a child process."""
    return dict(os.environ)


def adopt(values: Mapping[str, str]) -> None:
    """Put variables into the process's environment, for itself and its children, and read the settings anew."""
    os.environ.update(values)
    settings.cache_clear()
