"""Runs one job: reads its folder, calls the plug-in's verb and puts the answer in place complete or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from medtransfer.contract import requests
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.messages import Cancelled, Done, Failed, Start
from medtransfer.contract.requests import AnalyseRequest, LearnRequest, PretrainRequest
from medtransfer.contract.verbs import JobCancelled, Plugin
from medtransfer.errors import InternalError, PluginError, UserError
from medtransfer.result.model import Result
from medtransfer.worker.channel import Channel
from medtransfer.worker.context import JobContext, ProgressSender
from medtransfer.worker.devices import Device, Runtime
from medtransfer.worker.failures import failure

_Request = TypeVar("_Request", AnalyseRequest, LearnRequest, PretrainRequest)


@dataclass(frozen=True, eq=False)
class Runner:
    """A plug-in with what stays the same from job to job."""

    plugin: Plugin
    manifest: Manifest
    channel: Channel
    sender: ProgressSender
    device: Device
    runtime: Runtime
    threads: int

    def run(self, start: Start) -> Done | Cancelled | Failed:
        """Do the job and return how it ended. Whatever the plug-in raises is told to the host, so nothing escapes."""
        try:
            self._verb(start)(start)
        except JobCancelled:
            return Cancelled(job=start.job)
        except BaseException as error:  # noqa: BLE001 - a plug-in's SystemExit must not end the worker either
            return failure(error, start.job)
        finally:
            self.sender.flush()
        return Done(job=start.job)

    def _verb(self, start: Start) -> Callable[[Start], None]:
        can = self.manifest.can
        if start.verb == "analyse" and can.analyse:
            return self._analyse
        if start.verb == "learn" and can.learn:
            return self._learn
        if start.verb == "pretrain" and can.pretrain:
            return self._pretrain
        raise UserError(
            f"this plug-in cannot {start.verb}",
            code="plugin.verb",
            hint="`medtransfer plugin info` says what a plug-in can do.",
        )

    def _analyse(self, start: Start) -> None:
        from medtransfer.result import writing
        from medtransfer.study import exchange

        folder = Path(start.folder)
        request = _request(AnalyseRequest, folder)
        image = exchange.load(folder / requests.IMAGE)
        bundle = ModelBundle.open(Path(request.bundle))
        scratch = folder / requests.SCRATCH
        with self._context(start.job, folder, scratch, folder / "cache", {}) as context:
            result = self.plugin.analyse(image, bundle, request, context)
        if not isinstance(result, Result):
            raise PluginError(
                f"the plug-in answered with {type(result).__name__} instead of a Result",
                code="plugin.answer",
                hint="Report it to the plug-in's author.",
            )
        target = folder / requests.RESULT_FOLDER
        shutil.rmtree(target, ignore_errors=True)
        writing.write(result, target, image.affine)

    def _learn(self, start: Start) -> None:
        from medtransfer.cohort import exchange
        from medtransfer.cohort.splitting import FrozenSplit

        folder = Path(start.folder)
        request = _request(LearnRequest, folder)
        cohort = exchange.load(folder / requests.COHORT)
        split = FrozenSplit.load(folder / requests.SPLIT)
        split.verify(cohort)
        cache = Path(request.cache) if request.cache else folder / "cache"
        weights = {name: Path(file) for name, file in request.weights.items()}
        with _put_in_place(folder / requests.BUNDLE_FOLDER) as output:
            with self._context(start.job, folder, output, cache, weights) as context:
                self.plugin.learn(cohort, split.partitions, request, context)
            ModelBundle.open(output).verify()

    def _pretrain(self, start: Start) -> None:
        from medtransfer.cohort import exchange

        folder = Path(start.folder)
        request = _request(PretrainRequest, folder)
        cohort = exchange.load(folder / requests.COHORT)
        cache = Path(request.cache) if request.cache else folder / "cache"
        with _put_in_place(folder / requests.BUNDLE_FOLDER) as output:
            with self._context(start.job, folder, output, cache, {}) as context:
                self.plugin.pretrain(cohort, request, context)
            ModelBundle.open(output).verify()

    @contextmanager
    def _context(
        self, job: str, folder: Path, output: Path, cache: Path, weights: Mapping[str, Path]
    ) -> Iterator[JobContext]:
        scratch = folder / requests.SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        checkpoints = folder / requests.CHECKPOINTS
        for needed in (scratch, checkpoints, cache):
            needed.mkdir(parents=True, exist_ok=True)
        try:
            yield JobContext(
                job=job,
                channel=self.channel,
                sender=self.sender,
                manifest=self.manifest,
                device=self.device,
                runtime=self.runtime,
                threads=self.threads,
                scratch=scratch,
                checkpoints=checkpoints,
                output=output,
                cache=cache,
                weights=weights,
            )
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _put_in_place(target: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``target`` when the block ends well and vanishes when it does not."""
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _request(kind: type[_Request], folder: Path) -> _Request:
    try:
        return kind.model_validate_json((folder / requests.REQUEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise InternalError(
            "the job's request is missing or not valid",
            code="job.request",
            hint="Start the job again; if it happens again, report it.",
        ) from error
