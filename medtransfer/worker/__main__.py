"""Start a worker: ``python -m medtransfer.worker --entry module:Class --manifest PATH [--device ...] [--threads N]``.

The host starts it with pipes for standard input, output and error; by hand it is of no use.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import cast, get_args

import psutil

from medtransfer.contract.manifest import CONTRACT, Can, Manifest, Verb, read_manifest
from medtransfer.contract.messages import Heartbeat, Hello
from medtransfer.contract.verbs import Plugin
from medtransfer.errors import PluginError
from medtransfer.worker.channel import Channel, take_pipes
from medtransfer.worker.context import ProgressSender
from medtransfer.worker.devices import choose_device, choose_runtime
from medtransfer.worker.failures import failure
from medtransfer.worker.runner import Runner

HEARTBEAT_S = 1.0


def main() -> None:
    """Load the plug-in, say hello, and do jobs until the host asks to end."""
    arguments = _arguments()
    channel = Channel(*take_pipes())
    faulthandler.enable()  # a crash in native code then leaves its Python lines on standard error
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the host's to answer: it sends Cancel
    sender = ProgressSender(channel)
    channel.start_reading()
    threading.Thread(target=_beat, args=(channel, sender), name="heartbeat", daemon=True).start()
    try:
        runner = _prepare(arguments, channel, sender)
    except BaseException as error:  # noqa: BLE001 - whatever importing a plug-in raises is told to the host
        channel.send(failure(error))
        os._exit(1)  # the reading thread still waits on its pipe: an ordinary exit could wait with it
    while (job := channel.next_job()) is not None:
        channel.send(runner.run(job))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m medtransfer.worker")
    parser.add_argument("--entry", required=True)
    parser.add_argument("--manifest", required=True, type=Path)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def _prepare(arguments: argparse.Namespace, channel: Channel, sender: ProgressSender) -> Runner:
    manifest = read_manifest(arguments.manifest)
    plugin = load_plugin(arguments.entry, manifest.can)
    device = choose_device(arguments.device, manifest)
    runner = Runner(plugin, manifest, channel, sender, device, choose_runtime(device), arguments.threads)
    channel.send(_hello(manifest, runner))
    return runner


def load_plugin(entry: str, can: Can) -> Plugin:
    """Import and build the entry class, ``module:Class``.

    Raises
    ------
    PluginError
        When the module has no such class, or its objects lack a verb that the manifest declares. What the import
        raises passes through.
    """
    module_name, _, class_name = entry.partition(":")
    entry_class = getattr(importlib.import_module(module_name), class_name, None)
    if not callable(entry_class):
        raise PluginError(
            f"the plug-in's module has no class {class_name!r}",
            code="plugin.entry",
            hint="The manifest's entry must name the plug-in's class: report it to its author.",
        )
    plugin = entry_class()
    verbs = [verb for verb in get_args(Verb) if getattr(can, verb)]
    lacking = [verb for verb in verbs if not callable(getattr(plugin, verb, None))]
    if lacking:
        raise PluginError(
            f"the plug-in's class {class_name!r} lacks what its manifest declares: {', '.join(lacking)}",
            code="plugin.verbs",
            hint="Report it to the plug-in's author.",
        )
    return cast(Plugin, plugin)


def _hello(manifest: Manifest, runner: Runner) -> Hello:
    return Hello(
        plugin=manifest.id,
        version=manifest.version,
        contract=CONTRACT,
        pid=os.getpid(),
        device=runner.device,
        runtime=runner.runtime,
    )


def _beat(channel: Channel, sender: ProgressSender) -> None:
    process = psutil.Process()
    while True:
        channel.send(Heartbeat(resident_mib=process.memory_info().rss / 2**20))
        sender.flush()
        time.sleep(HEARTBEAT_S)


if __name__ == "__main__":
    main()
    sys.exit(0)
