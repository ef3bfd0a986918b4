"""What every test may ask for: pytester, kept apart from the run that it is part of."""

from __future__ import annotations

import gc
import importlib
import itertools
import pkgutil
import signal
import warnings

import pytest

import pytest_proctape
from tests.hangs import HangWatch

pytest_plugins = ["pytester"]


# pytester forgets the modules that an inner run imports. Ours keep state of the process (its table of
# children, an audit hook) and know each other's classes, so all of them are loaded here, for good.
for module in pkgutil.walk_packages(pytest_proctape.__path__, "pytest_proctape."):
    if not module.name.endswith(".__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            if missing.name != "wasmtime":
                raise
# And freezegun: each inner run with a clock would import it anew.
importlib.import_module("freezegun.api")


def pytest_configure(config: pytest.Config) -> None:
    """Signals as in the foreground, and a run on workers that goes on behind a test that hangs."""
    # What a shell or nohup starts in the background ignores them, and so would all that tests start.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(HangWatch(), "hang watch")


def pytest_collection_finish() -> None:
    """Take what collection has made out of the garbage collector's rounds: it lives to the end anyway.

    Many tests collect garbage, to see that nothing is left or to leave nothing; so does pytest at the end
    of each inner run. Among thousands of collected tests every round would take a tenth of a second.
    """
    gc.collect()
    gc.freeze()


_ENDED = itertools.count(1)


def pytest_runtest_logfinish() -> None:
    """Now and then, the same for what tests have left for good: what they have imported, and reports.

    That grows, and with it each of the many rounds, by a tenth of the whole run towards its end.
    """
    if next(_ENDED) % 50 == 0:
        with warnings.catch_warnings():
            # What an earlier test has left open is not to be a warning of the next one.
            warnings.simplefilter("ignore")
            gc.collect()
        gc.freeze()


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Pytest's own `pytester`, whose inner runs are the same on any machine and under any plugin.

    `CI` makes pytest print whole diffs; xdist's variables would make an inner run believe that it is a
    worker; a shuffled inner run has no order to test; pytest-asyncio warns where its scope is not set.
    (pytester itself drops the PYTEST_ADDOPTS of the outer run.)
    """
    for name in ("CI", "BUILD_NUMBER", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -o asyncio_default_fixture_loop_scope=function")
    return pytester
