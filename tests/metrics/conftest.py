"""What the tests of metrics share."""

from __future__ import annotations

import itertools
import os
import subprocess

import pytest
from metered import Metered

import plainview

_numbers = itertools.count(1)


@pytest.fixture
def metered(tmp_path):
    """A configuration of production, in a folder of its own."""
    made = Metered(tmp_path / "data")
    made.configure()
    yield made
    plainview.shutdown()


@pytest.fixture
def name():
    """A name that no other test has: metrics are there as long as their process."""
    return f"test_{next(_numbers)}"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    where = tmp_path / "small"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(where)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield where
    plainview.shutdown()
    subprocess.run(["umount", "-l", str(where)], check=True)
