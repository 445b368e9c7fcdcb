from __future__ import annotations

import subprocess
import sys

import pytest

from medtransfer.errors import DataError, UserError
from medtransfer.store import jobs
from medtransfer.store.home import Home


def test_a_job_that_is_done_leaves_its_record_and_no_folder(home: Home) -> None:
    with jobs.running(home, "job-1", "learn", "test.echo") as folder:
        (folder / "x").write_text("x")
        assert jobs.list_jobs(home)[0].state == "running"
    assert jobs.list_jobs(home)[0].state == "done"
    assert not folder.exists()


def test_a_failed_training_keeps_its_folder_and_a_failed_analysis_does_not(home: Home) -> None:
    for verb, kept in (("learn", True), ("analyse", False)):
        with pytest.raises(DataError), jobs.running(home, f"job-{verb}", verb, "test.echo") as folder:
            raise DataError("broken", code="study.broken", hint="Mend it.", subject="Doe_Jane.png")
        assert folder.exists() is kept
    assert {(job.state, job.error) for job in jobs.list_jobs(home)} == {("failed", "study.broken")}


def test_a_cancelled_job_is_recorded_as_such(home: Home) -> None:
    with pytest.raises(UserError), jobs.running(home, "job-1", "learn", "test.echo"):
        raise UserError("stopped", code=jobs.CANCELLED, hint="")
    assert jobs.list_jobs(home)[0].state == "cancelled"


def test_a_job_whose_process_was_killed_is_marked_interrupted(home: Home) -> None:
    story = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from medtransfer.store import jobs\n"
        "from medtransfer.store.home import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "with jobs.running(home, 'l', 'learn', 'p') as a, jobs.running(home, 'b', 'batch', 'p') as b:\n"
        "    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", story, str(home.root)], check=False)
    with jobs.running(home, "mine", "analyse", "p"):
        states = {job.id: job.state for job in jobs.list_jobs(home)}
    assert states == {"l": "interrupted", "b": "interrupted", "mine": "running"}
    assert (home.jobs / "l").is_dir()
    assert not (home.jobs / "b").exists()


def test_starting_an_interrupted_job_again_makes_it_run(home: Home) -> None:
    for _ in range(2):
        with jobs.running(home, "job-1", "learn", "p"):
            assert [job.state for job in jobs.list_jobs(home)] == ["running"]
