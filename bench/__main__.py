"""`./scripts/bench [chat|stream|upload|start|files|counted] [--peers] [--full] [--profile]`: measures, then writes the
page."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import cores, describe
from bench.report import page
from bench.scenarios import chat, counted, files, profile, start, stream, upload
from bench.session import Session, write_json
from bench.standin.upstreams import upstreams
from bench.systems import install, ours, peers
from bench.systems.system import System

SCENARIOS = {
    "chat": chat.run,
    "stream": stream.run,
    "upload": upload.run,
    "start": start.run,
    "files": files.run,
    "counted": counted.run,
}


def main() -> None:
    options = _options()
    began = time.monotonic()
    placed = cores()
    os.sched_setaffinity(0, placed.load)
    run_dir = install.CACHE / "run"
    shutil.rmtree(run_dir, ignore_errors=True)
    run_dir.mkdir(parents=True)
    home = install.liftgate()
    systems: list[System] = [ours.direct(), ours.nginx_hop(), ours.liftgate(home)]
    if options.peers:
        systems += peers.all_peers(options.only.split(",") if options.only else peers.NAMES)
    if options.beside:
        systems.append(counted.beside(options.beside))
    wanted = [options.scenario] if options.scenario else list(SCENARIOS)
    out = _out(options)
    with upstreams(run_dir, placed.upstream) as standins:
        session = Session(run_dir, placed, standins, systems, options.rounds, options.full, options.peers, home)
        if options.profile:
            profile.run(session, wanted[0], out)
            return
        for name in wanted:
            since = time.monotonic()
            result = SCENARIOS[name](session)
            print(f"{name}: {time.monotonic() - since:.0f} s", flush=True)
            document = {
                "scenario": name,
                "when": datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC).strftime(
                    "%Y-%m-%d %H:%M UTC"
                ),
                "machine": describe(install.ROOT).as_json(),
                "cores": placed.sentence(),
                "rounds": options.rounds,
                "versions": {system.name: system.version for system in systems if system.version},
                **result,
            }
            write_json(out / f"{name}.json", document)
            page.write(out, name)
    print(f"wrote {_shown(out)} in {time.monotonic() - began:.0f} s")


def _out(options: argparse.Namespace) -> Path:
    """docs/performance; a run without the peers does not replace one that had them, unless --write says so."""
    page_dir = install.ROOT / "docs" / "performance"
    if options.peers or options.write or options.profile:
        return page_dir
    names = [options.scenario] if options.scenario else list(SCENARIOS)
    if any(page.has_peers(page_dir / f"{name}.json") for name in names):
        print("docs/performance keeps the run with peers; this one goes to bench/out (--write puts it there)")
        return install.ROOT / "bench" / "out"
    return page_dir


def _shown(path: Path) -> str:
    return str(path.relative_to(install.ROOT))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, help="one of them; all by default")
    parser.add_argument("--peers", action="store_true", help="also measure other gateways, installed into .cache/bench")
    parser.add_argument("--only", default="", metavar="NAMES", help="of the peers only these, with commas between")
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="with `counted`: another checkout, measured with nothing on"
    )
    parser.add_argument("--full", action="store_true", help="larger: uploads of 1 GiB, a million files")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of which the median counts")
    parser.add_argument("--write", action="store_true", help="write to docs/performance even without --peers")
    parser.add_argument("--profile", action="store_true", help="instead of measuring, say where Liftgate's time goes")
    return parser.parse_args()


if __name__ == "__main__":
    if "PYTHONDONTWRITEBYTECODE" in os.environ:
        sys.exit("unset PYTHONDONTWRITEBYTECODE: it slows every Python program that is measured (scripts/bench does)")
    main()
