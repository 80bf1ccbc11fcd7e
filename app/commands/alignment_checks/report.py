"""The report's lines: what was checked, whether it holds, and what differs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One line. `message` says what was found where it holds, and what differs where it does not."""

    name: str
    ok: bool
    message: str


def compared(name: str, differences: Sequence[str], found: str) -> Check:
    """PASSED with `found` where there is no difference, else FAILED with all of them."""
    return Check(name, not differences, "; ".join(differences) or found)


def as_text(checks: Sequence[Check]) -> str:
    """One line each, and the sum at the end."""
    lines = [f"{'PASSED' if check.ok else 'FAILED'}  {check.name}: {check.message}" for check in checks]
    passed = sum(check.ok for check in checks)
    return "\n".join([*lines, f"{passed} passed, {len(checks) - passed} failed"])


def as_json(checks: Sequence[Check]) -> str:
    """The same for machines: `{"ok", "passed", "failed", "checks": [{"name", "ok", "message"}]}`."""
    passed = sum(check.ok for check in checks)
    failed = len(checks) - passed
    document = {"ok": not failed, "passed": passed, "failed": failed, "checks": [asdict(check) for check in checks]}
    return json.dumps(document, ensure_ascii=False)
