"""One measurement, or one input written, in a process that does nothing else; run.py starts it.

python worker.py measure STAGE TASK WAY PATH
python worker.py write STAGE TASK ROWS PATH
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from measuring import measure_here
from stages import task_of


def main(do: str, stage: str, task: str, what: str, path: str) -> None:
    if do == "write":
        task_of(stage, task).write(Path(path), int(what))
    else:
        print("\n" + json.dumps(asdict(measure_here(task_of(stage, task).ways[what], Path(path)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
