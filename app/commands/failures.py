"""What a failed command says: one sentence for each failure that is known, with what to do."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import ValidationError
from redis.exceptions import RedisError

from app.database import DATABASE_ERRORS
from app.embedded import EmbeddedFailed
from app.errors import AppError, StorageRefused
from app.settings import Settings

SECRET_IN_QUERY = re.compile(r"([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)


def sentence(error: Exception) -> str | None:
    """The sentence for a failure; None for one that nobody foresaw, whose traceback is wanted."""
    if isinstance(error, AppError | EmbeddedFailed):
        return str(error)
    if isinstance(error, ValidationError) and error.title == Settings.__name__:
        return " ".join(setting_faults(error))
    if isinstance(error, RedisError):
        return f"Redis does not answer ({error}): look at REDIS_URL, or ask `./pixcrawler doctor`."
    if isinstance(error, StorageRefused):
        return f"The storage refused ({error}): look at STORAGE_URL, or ask `./pixcrawler doctor`."
    if isinstance(error, DATABASE_ERRORS):
        return f"It failed ({type(error).__name__}: {error}): `./pixcrawler doctor` says what is wrong."
    return None


def setting_faults(error: ValidationError) -> list[str]:
    """One sentence for each setting whose value is not valid. The value is not repeated: it may be a secret."""
    return [f"{variable(str(fault['loc'][0]))} is not valid: {fault['msg']}." for fault in error.errors()]


def variable(name: str) -> str:
    """The environment variable of a field of the settings, or of its alias."""
    field = Settings.model_fields.get(name)
    if field is None:
        return name
    return str(field.validation_alias or f"PIXCRAWLER_{name.upper()}")


def masked(url: str) -> str:
    """A URL that may be shown: `***` stands for the password, also for one in the query."""
    password = urlsplit(url).password
    shown = url.replace(f":{password}@", ":***@") if password is not None else url
    return SECRET_IN_QUERY.sub(r"\1***", shown)
