"""Whether a source that wants a key may be used, and what to do where it may not."""

from __future__ import annotations


def with_key(name: str, title: str, key: str) -> tuple[bool, str | None]:
    """Available where there is a key."""
    return (True, None) if key else (False, f"{title} answers only with a key: set {_setting(name, 'KEY')}.")


def enabled_with_key(name: str, title: str, objection: str, enabled: bool, key: str) -> tuple[bool, str | None]:
    """Available where the operator switched it on, knowing what its terms say against datasets, and gave a key."""
    if enabled:
        return with_key(name, title, key)
    switch = f"{_setting(name, 'ENABLED')}=true"
    return False, f"{title} is off, because {objection} If you may use it so, set {switch} and {_setting(name, 'KEY')}."


def refused_key(name: str, title: str, status: int) -> str:
    """The message for an answer that does not accept the key."""
    return f"{title} did not accept the key ({status}): check {_setting(name, 'KEY')}."


def _setting(name: str, what: str) -> str:
    return f"PIXCRAWLER_{name.upper()}_{what}"
