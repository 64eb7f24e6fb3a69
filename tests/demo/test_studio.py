"""The studio itself, where what it does must be right for the demo to be true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

from demo_process import EXAMPLES
from hypothesis import given, strategies as st

sys.path.insert(0, str(EXAMPLES))

from studio import faults, load, prose
from studio.settings import EPOCH


@given(name=st.sampled_from(sorted(faults.SCHEDULE)), round_=st.integers(0, 1000))
def test_a_fault_comes_back_and_goes_again(name, round_):
    fault = faults.SCHEDULE[name]
    begin = EPOCH + fault.first + round_ * fault.every
    assert faults.active(name, begin + 0.01)
    assert faults.active(name, begin + fault.lasts - 0.01)
    assert not faults.active(name, begin + fault.lasts + 0.01)
    assert not faults.active(name, begin - 0.01)


@given(st.floats(0, 1e6), st.floats(0.1, 200))
def test_the_traffic_is_bounded(seconds, mean):
    assert 0 < load.rate_at(seconds, mean) <= max(25.0, 1.4 * 1.8 * mean)


def test_titles_are_of_the_length_that_the_api_takes():
    assert all(1 <= len(title) <= 200 for title in prose.HOSTILE_TITLES)
    assert all(1 <= len(prose.title()) <= 200 for _ in range(500))


def test_a_job_is_claimed_once_and_recovered_from_its_checkpoint(tmp_path):
    program = textwrap.dedent("""
        import os
        from concurrent.futures import ThreadPoolExecutor
        from sqlalchemy import select
        from studio import jobs
        from studio.catalogue import open_catalogue
        from studio.database import Book, Job, Session

        open_catalogue()
        with Session.begin() as session:
            book = session.scalars(select(Book)).first()
            ids = {jobs.submit(session, book, "draft", "u-1").id for _ in range(20)}
        with ThreadPoolExecutor(8) as pool:
            claimed = [job for job in pool.map(lambda _: jobs.claim(), range(40)) if job]
        assert sorted(job.id for job in claimed) == sorted(ids), "each is claimed, once"
        jobs.checkpoint(claimed[0], "outline")

        jobs.os.getpid = lambda: os.getppid()  # as another worker, after the first is gone
        jobs.recover()
        with Session() as session:
            again = {job.id: job for job in session.scalars(select(Job))}
        assert {job.state for job in again.values()} == {"queued"}
        assert again[claimed[0].id].checkpoint == ["outline"]

        job = jobs.claim()
        assert job.attempts == 2
        jobs.give_back(job, RuntimeError("no"))
        with Session() as session:
            assert session.get(Job, job.id).state == "dead"
    """)
    environ = {
        **os.environ,
        "PYTHONPATH": str(EXAMPLES),
        "PLAINVIEW_DIR": str(tmp_path / "spool"),
        "PLAINVIEW_CONSOLE": "off",
        "STUDIO_DATABASE": str(tmp_path / "studio.db"),
    }
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_documentation_tells_the_schedule_as_it_is():
    page = (EXAMPLES.parent / "docs/how-to/demo.md").read_text()
    told = [tuple(map(int, row)) for row in re.findall(r"\| (\d+) s \| (\d+) s \| [^|]*\|", page)]
    assert told == [(fault.first, fault.every) for fault in faults.SCHEDULE.values()]
