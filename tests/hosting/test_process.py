"""The worker's handle against real processes: what goes well, and every way in which a plug-in can break."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from medtransfer.cohort import exchange as cohort_exchange
from medtransfer.cohort.model import Case, Cohort, Partition
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.messages import Hello, Log, Progress, encode
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import (
    BUNDLE_FOLDER,
    CHECKPOINTS,
    COHORT,
    REQUEST,
    RESULT_FOLDER,
    SCRATCH,
    SPLIT,
    LearnRequest,
)
from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError, PluginError, UserError
from medtransfer.hosting import launch
from medtransfer.hosting.joblog import LOG
from medtransfer.hosting.process import Worker, never
from medtransfer.result.reading import read
from tests.hosting.conftest import OPTIONS, JobMaker, PluginFinder


def ignore(_: Progress | Log) -> None:
    """Hear nothing."""


def pid(worker: Worker) -> int:
    assert worker._conversation is not None
    return worker._conversation.process.pid


def works(worker: Worker, folder: Path) -> None:
    """Assert that the worker does a job."""
    worker.run("analyse", folder, ignore, never)
    assert (folder / RESULT_FOLDER).is_dir()


def gone(number: int) -> bool:
    """Whether a process has ended, even if nobody has collected its exit code yet."""
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def log_lines(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]


def test_a_job_gives_its_result_and_the_worker_stays_warm(plugin: PluginFinder, job: JobMaker) -> None:
    first, second = job("all"), job("all")
    heard: list[Progress | Log] = []
    with Worker() as worker:
        begun = time.monotonic()
        hello = worker.start(plugin("echo"), OPTIONS)
        start_s = time.monotonic() - begun
        worker.run("analyse", first, heard.append, never)
        begun = time.monotonic()
        worker.run("analyse", second, heard.append, never)
        assert time.monotonic() - begun < start_s
    assert (hello.plugin, hello.device) == ("test.echo", "cpu")
    result = read(second / RESULT_FOLDER)
    assert [(f.label, f.probability, f.positive) for f in result.findings] == [
        ("bright", 0.75, True),
        ("dark", 0.25, False),
    ]
    assert [heatmap.array.shape for heatmap in result.heatmaps] == [(12, 16), (12, 16)]
    assert result.passport.parameters["analysed"] == 2  # the same plug-in object answered both
    assert [m.text for m in heard if isinstance(m, Log)] == ["picture number 1", "picture number 2"]
    assert [line["text"] for line in log_lines(second)] == ["picture number 2"]
    assert {p.name for p in second.iterdir()} >= {RESULT_FOLDER, LOG}
    assert not (second / SCRATCH).exists()


def test_sigkill_in_the_middle_is_reported_and_the_next_job_works(misbehaving: Worker, job: JobMaker) -> None:
    killed = pid(misbehaving)

    def kill(_: Progress | Log) -> None:
        psutil.Process(killed).kill()

    folder = job("slow")
    with pytest.raises(PluginError) as caught:
        misbehaving.run("analyse", folder, kill, never)
    assert caught.value.code == "worker.died"
    if os.name == "posix":
        assert "SIGKILL" in caught.value.message
        assert "memory" in caught.value.message
    assert log_lines(folder)[-1]["text"].startswith("worker.died: ")
    assert not (folder / RESULT_FOLDER).exists()
    works(misbehaving, job("behave"))
    assert pid(misbehaving) != killed


def test_a_worker_killed_between_jobs_is_replaced(misbehaving: Worker, job: JobMaker) -> None:
    works(misbehaving, job("behave"))
    killed = psutil.Process(pid(misbehaving))
    killed.kill()
    killed.wait(5)
    works(misbehaving, job("behave"))


def test_exit_is_reported_with_the_code_and_last_lines_without_paths(misbehaving: Worker, job: JobMaker) -> None:
    with pytest.raises(PluginError, match="exit code 7") as caught:
        misbehaving.run("analyse", job("exit"), ignore, never)
    [note] = caught.value.__notes__
    assert "Reading [path] failed" in note
    assert "Doe" not in note
    works(misbehaving, job("behave"))


@pytest.mark.skipif(os.name != "posix", reason="signals name the crash on POSIX")
def test_a_native_crash_names_the_signal_and_the_line(misbehaving: Worker, job: JobMaker) -> None:
    with pytest.raises(PluginError, match="native code \\(SIGSEGV\\)") as caught:
        misbehaving.run("analyse", job("crash"), ignore, never)
    assert "misbehaving.py" in caught.value.__notes__[0]
    assert os.sep not in caught.value.__notes__[0].replace("Extension modules", "")


def test_cancel_stops_a_job_that_listens_and_keeps_the_worker(misbehaving: Worker, job: JobMaker) -> None:
    before = pid(misbehaving)
    stop = threading.Event()
    with pytest.raises(UserError) as caught:
        misbehaving.run("analyse", job("slow"), lambda _: stop.set(), stop.is_set)
    assert caught.value.code == "job.cancelled"
    works(misbehaving, job("behave"))
    assert pid(misbehaving) == before


def test_a_job_that_does_not_listen_is_ended_within_five_seconds(misbehaving: Worker, job: JobMaker) -> None:
    stop = threading.Event()
    folder = job("orphan")
    children: list[int] = []
    asked = 0.0

    def hear(message: Progress | Log) -> None:
        nonlocal asked
        if isinstance(message, Log):
            children.append(int(message.text.split()[1]))
        else:
            asked = time.monotonic()
            stop.set()

    with pytest.raises(UserError) as caught:
        misbehaving.run("analyse", folder, hear, stop.is_set)
    assert time.monotonic() - asked < 5.0
    assert caught.value.code == "job.cancelled"
    assert children
    assert all(gone(child) for child in children)
    assert not (folder / SCRATCH).exists()
    works(misbehaving, job("behave"))


def test_the_memory_limit_ends_the_worker_with_figures(plugin: PluginFinder, job: JobMaker) -> None:
    with Worker() as worker:
        worker.start(plugin("misbehaving"), replace(OPTIONS, memory_limit_mib=400.0))
        with pytest.raises(EnvironmentFailure, match=r"used \d+ MiB .* than the 400 MiB") as caught:
            worker.run("analyse", job("hog"), ignore, never)
        assert caught.value.code == "worker.memory-limit"
        works(worker, job("behave"))


def test_printing_and_reading_do_not_disturb_the_conversation(misbehaving: Worker, job: JobMaker) -> None:
    before = pid(misbehaving)
    works(misbehaving, job("noisy"))
    assert pid(misbehaving) == before


def test_a_flood_of_progress_is_thinned_and_the_last_arrives(misbehaving: Worker, job: JobMaker) -> None:
    heard: list[Progress | Log] = []
    begun = time.monotonic()
    misbehaving.run("analyse", job("flood"), heard.append, never)
    progress = [message for message in heard if isinstance(message, Progress)]
    assert len(progress) <= 3 + (time.monotonic() - begun) / 0.1
    assert progress[-1].fraction == 1.0
    assert progress[-1].values == {"step": 20_000.0}  # the loss was not a number


def test_unsendable_values_are_mended_and_the_log_has_no_path(misbehaving: Worker, job: JobMaker) -> None:
    folder = job("nonsense")
    works(misbehaving, folder)
    text = log_lines(folder)[0]["text"]
    assert text.startswith("wrote [path]")
    assert "\x1b" not in text


def test_an_error_on_purpose_arrives_with_all_its_fields(misbehaving: Worker, job: JobMaker) -> None:
    folder = job("data-error")
    with pytest.raises(DataError) as caught:
        misbehaving.run("analyse", folder, ignore, never)
    error = caught.value
    assert (error.code, error.message, error.hint, error.subject) == (
        "test.empty",
        "the picture is empty",
        "Take another.",
        "Doe_Jane.png",
    )
    assert "Doe" not in (folder / LOG).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("way", "kind", "code"),
    [
        ("exception", PluginError, "plugin.exception"),
        ("system-exit", PluginError, "plugin.exception"),
        ("full-disk", EnvironmentFailure, "disk.full"),
        ("no-memory", EnvironmentFailure, "worker.memory"),
    ],
)
def test_other_exceptions_are_explained(
    misbehaving: Worker, job: JobMaker, way: str, kind: type[MedTransferError], code: str
) -> None:
    before = pid(misbehaving)
    folder = job(way)
    with pytest.raises(kind) as caught:
        misbehaving.run("analyse", folder, ignore, never)
    assert caught.value.code == code
    assert caught.value.hint
    assert not (folder / RESULT_FOLDER).exists()
    log = (folder / LOG).read_text(encoding="utf-8")
    assert "Doe" not in log + caught.value.message
    assert "home" not in log
    works(misbehaving, job("behave"))
    assert pid(misbehaving) == before


def test_the_traceback_of_a_plugin_names_files_without_folders(misbehaving: Worker, job: JobMaker) -> None:
    with pytest.raises(PluginError, match="KeyError") as caught:
        misbehaving.run("analyse", job("exception"), ignore, never)
    assert "misbehaving.py" in caught.value.__notes__[0]
    assert "tests" not in caught.value.__notes__[0]


@pytest.mark.parametrize(("way", "code"), [("garbage", "worker.message"), ("huge-frame", "worker.frame")])
def test_a_broken_conversation_ends_the_worker(misbehaving: Worker, job: JobMaker, way: str, code: str) -> None:
    before = pid(misbehaving)
    with pytest.raises(PluginError) as caught:
        misbehaving.run("analyse", job(way), ignore, never)
    assert caught.value.code == code
    assert gone(before)
    works(misbehaving, job("behave"))


def test_learning_writes_a_verified_bundle_and_resumes(plugin: PluginFinder, tmp_path: Path) -> None:
    folder = learning_job(tmp_path)
    heard: list[Progress | Log] = []
    (folder / CHECKPOINTS).mkdir()
    (folder / CHECKPOINTS / "epochs").write_text("2")
    with Worker() as worker:
        worker.start(plugin("echo"), OPTIONS)
        worker.run("learn", folder, heard.append, never)
    bundle = ModelBundle.open(folder / BUNDLE_FOLDER)
    bundle.verify()
    assert (bundle.card.data.train, bundle.card.data.validation, bundle.card.data.test) == (4, 1, 1)
    assert [m.stage for m in heard if isinstance(m, Progress)] == ["epoch 3 of 3"]
    assert not [item.name for item in folder.iterdir() if item.name.startswith(".")]


def learning_job(tmp_path: Path) -> Path:
    folder = tmp_path / "learning"
    folder.mkdir()
    cases = tuple(
        Case(f"{n:016x}", tmp_path / f"{n}.png", f"patient {n}", {"bright": n % 2}, row=n + 2) for n in range(6)
    )
    cohort = Cohort(cases, ("bright",), "f" * 64)
    partitions: list[Partition] = ["train", "train", "train", "train", "validation", "test"]
    cohort_exchange.save(cohort, folder / COHORT)
    split = FrozenSplit.make(cohort, validation_share=0.2, test_share=0.2, seed=1)
    assert sorted(split.partitions.values()) == sorted(partitions)
    split.save(folder / SPLIT)
    request = LearnRequest(name="learnt", recipe=Recipe(), labels=["bright"])
    (folder / REQUEST).write_text(request.model_dump_json(), encoding="utf-8")
    return folder


def test_a_verb_that_the_manifest_denies_is_refused(misbehaving: Worker, job: JobMaker) -> None:
    with pytest.raises(UserError) as caught:
        misbehaving.run("learn", job("behave"), ignore, never)
    assert caught.value.code == "plugin.verb"


def test_an_exception_of_the_listener_ends_the_worker_and_passes(misbehaving: Worker, job: JobMaker) -> None:
    before = pid(misbehaving)

    def interrupt(_: Progress | Log) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        misbehaving.run("analyse", job("slow"), interrupt, never)
    assert gone(before)


def test_a_missing_request_is_a_bug_of_ours(misbehaving: Worker, tmp_path: Path) -> None:
    with pytest.raises(MedTransferError) as caught:
        misbehaving.run("analyse", tmp_path, ignore, never)
    assert (caught.value.kind, caught.value.code) == ("bug", "job.request")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a way to stop a process")
def test_a_silent_worker_is_ended(plugin: PluginFinder, job: JobMaker) -> None:
    with Worker() as worker:
        worker.start(plugin("misbehaving"), replace(OPTIONS, silence_timeout_s=2.5))

        def stop(_: Progress | Log) -> None:
            psutil.Process(pid(worker)).suspend()

        with pytest.raises(PluginError) as caught:
            worker.run("analyse", job("deaf"), stop, never)
        assert caught.value.code == "worker.hung"
        works(worker, job("behave"))


def test_closing_ends_the_process(plugin: PluginFinder) -> None:
    with Worker() as worker:
        number = worker.start(plugin("echo"), OPTIONS).pid
        assert psutil.pid_exists(number)
    assert gone(number)


def test_the_worker_ends_when_its_host_dies(plugin: PluginFinder) -> None:
    worker = Worker()
    number = worker.start(plugin("echo"), OPTIONS).pid
    assert worker._conversation is not None
    process = psutil.Process(number)
    worker._conversation._to_worker.close()
    process.wait(5)
    worker.close()


def stand_in(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Run that code instead of the worker."""
    monkeypatch.setattr(launch, "command", lambda *_: [sys.executable, "-c", code])


def test_a_worker_of_another_contract_is_refused(plugin: PluginFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    hello = Hello(plugin="test.echo", version="1.2.0", contract=99, pid=1, device="cpu", runtime="torch")
    stand_in(
        monkeypatch, f"import sys, time; sys.stdout.buffer.write({encode(hello)!r}); sys.stdout.flush(); time.sleep(9)"
    )
    with Worker() as worker, pytest.raises(PluginError) as caught:
        worker.start(plugin("echo"), OPTIONS)
    assert caught.value.code == "worker.contract"


def test_a_worker_that_never_gets_ready_is_ended(plugin: PluginFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "import time; time.sleep(60)")
    with Worker() as worker, pytest.raises(PluginError) as caught:
        worker.start(plugin("echo"), replace(OPTIONS, start_timeout_s=0.5))
    assert caught.value.code == "worker.start-timeout"


def test_starting_can_be_cancelled(plugin: PluginFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "import time; time.sleep(60)")
    with Worker() as worker, pytest.raises(UserError) as caught:
        worker.start(plugin("echo"), OPTIONS, lambda: True)
    assert caught.value.code == "job.cancelled"


def test_a_plugin_that_cannot_be_imported_says_what_is_missing(plugin: PluginFinder, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "misbehaving.py").write_text("import no_such_package\n")
    entry = replace(plugin("misbehaving"), sys_path=(broken,))
    with Worker() as worker, pytest.raises(PluginError, match="'no_such_package'") as caught:
        worker.start(entry, OPTIONS)
    assert caught.value.code == "plugin.import"


def test_a_plugin_without_its_class_is_refused(plugin: PluginFinder, tmp_path: Path) -> None:
    (tmp_path / "misbehaving.py").write_text("")
    entry = replace(plugin("misbehaving"), sys_path=(tmp_path,))
    with Worker() as worker, pytest.raises(PluginError) as caught:
        worker.start(entry, OPTIONS)
    assert caught.value.code == "plugin.entry"


def test_a_plugin_needs_the_verbs_that_its_manifest_declares_and_no_other(plugin: PluginFinder, tmp_path: Path) -> None:
    entry = replace(plugin("misbehaving"), sys_path=(tmp_path,))  # it declares analyse alone
    written = tmp_path / "misbehaving.py"
    written.write_text("class Misbehaving:\n    def analyse(self, *given): pass\n")
    with Worker() as worker:
        assert worker.start(entry, OPTIONS).plugin == "test.misbehaving"
    written.write_text("class Misbehaving:\n    def learn(self, *given): pass\n")
    with Worker() as worker, pytest.raises(PluginError, match="declares: analyse") as caught:
        worker.start(entry, OPTIONS)
    assert caught.value.code == "plugin.verbs"


def test_an_unusable_plugin_is_not_started(plugin: PluginFinder) -> None:
    with pytest.raises(PluginError, match="needs plug-in contract 2"):
        Worker().start(replace(plugin("echo"), reason="it needs plug-in contract 2"), OPTIONS)


def test_the_callers_python_settings_do_not_leak(plugin: PluginFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    monkeypatch.setenv("PYTHONSTARTUP", "/somewhere/else/start.py")
    entry = plugin("echo")
    assert entry.manifest is not None
    variables = launch.environment(entry, entry.manifest, 3)
    assert "/somewhere/else" not in variables["PYTHONPATH"]
    assert "PYTHONSTARTUP" not in variables
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == "3"
    assert variables["PYTHONPATH"].split(os.pathsep)[0] == str(entry.sys_path[0])
