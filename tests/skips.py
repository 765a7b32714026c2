"""Tests that did not run are told with their reasons; in CI none may be missing that could have run.

A developer's machine may lack what it likes. With CI set, a test may skip for want of a GPU, because
root may do what the test is about, or for want of recordings that are nobody's to pass on. It may also
skip for what `.ci/install` said cannot be had there: names of programs, in BANDSTOP_UNAVAILABLE.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

import pytest

ALLOWED = ("torch sees no GPU here", "root may write everywhere", "are not beside", "is not beside")
"""Words of the reasons that are accepted anywhere."""


def refused(reasons: Iterable[str], unavailable: str = "") -> list[str]:
    """Those reasons that CI does not accept.

    >>> refused(["chromium is not installed", "torch sees no GPU here"])
    ['chromium is not installed']
    >>> refused(["chromium is not installed"], "node chromium")
    []
    """
    accepted = (*ALLOWED, *unavailable.split())
    return [reason for reason in reasons if not any(words in reason for words in accepted)]


def reasons(reporter: pytest.TerminalReporter) -> Counter[str]:
    """How many tests skipped for each reason; a module that skips counts as one."""
    skipped = reporter.stats.get("skipped", ())
    return Counter(r.longrepr[2].removeprefix("Skipped: ") for r in skipped)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where a test that could have run did not; xdist's workers leave that to their master."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    wrong = refused(reasons(reporter), os.environ.get("BANDSTOP_UNAVAILABLE", ""))
    if os.environ.get("CI") and wrong and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a reason."""
    found = reasons(terminalreporter)
    wrong = refused(found, os.environ.get("BANDSTOP_UNAVAILABLE", ""))
    if found:
        terminalreporter.section("tests that did not run")
    for reason, count in sorted(found.items()):
        mark = "  <- could have been installed: see .ci/debian.txt" if reason in wrong else ""
        terminalreporter.write_line(f"{count:4}  {reason}{mark}")
    if os.environ.get("CI") and wrong:
        terminalreporter.write_line(f"FAILED: {len(wrong)} reasons that CI does not accept")
