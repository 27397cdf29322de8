"""Run every `bench_*.py` in this folder, or those named: `python -m benchmarks [--quick] [NAME ...]`."""

import argparse
import time
from importlib import import_module
from pathlib import Path

from landscape.core.threads import let_waiting_threads_sleep

FOLDER = Path(__file__).parent


def main() -> None:
    found = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(found)}")
    parser.add_argument("--quick", action="store_true", help="smaller cases and fewer repeats")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(found))
    if unknown:
        parser.error(f"there is no benchmark named {unknown[0]!r}; choose from: {', '.join(found)}")
    let_waiting_threads_sleep()
    for name in asked.names or found:
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        import_module(f"benchmarks.bench_{name}").main(quick=asked.quick)
        print(f"   {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
