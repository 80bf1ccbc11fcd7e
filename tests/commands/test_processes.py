"""Symptom: a server that starts well is sometimes said not to start. Cause: while a process becomes another program its
command line is empty, as a zombie's always is. Rule: only what has ended has no command line."""

import subprocess
import time

from app.processes import command_line

TIMES = 30
LOOK_S = 0.02


def test_a_process_that_becomes_another_program_counts_as_alive() -> None:
    for _ in range(TIMES):
        with subprocess.Popen(["/bin/sh", "-c", "exec sleep 5"]) as process:
            ends_s = time.monotonic() + LOOK_S
            while time.monotonic() < ends_s:
                assert command_line(process.pid)
            process.kill()


def test_one_that_has_ended_has_no_command_line() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "exec sleep 5"]) as process:
        process.kill()
        ends_s = time.monotonic() + 5
        while command_line(process.pid):
            assert time.monotonic() < ends_s
    assert command_line(process.pid) == ""
