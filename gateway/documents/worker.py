"""A process that draws: reads orders from its standard input, writes documents to its standard output, ends when the input ends.

Why a process: drawing holds the interpreter for milliseconds at a time, and a gateway that sends eighty messages a second has
none to spare. A paper that brings a library down takes this process with it, and no message. It gives way to the gateway (nice
10), has none of its secrets (an environment of its own), and ends with it, also after kill -9: the pipe it reads from then ends.

A frame is its length in four bytes, then as many bytes. An order is one frame of JSON, an answer one of JSON and then its files.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

LENGTH = struct.Struct(">L")
FRAME_MAX = 64 * 1024 * 1024
NICE = 10


def frame(data: bytes) -> bytes:
    return LENGTH.pack(len(data)) + data


def serve(templates: Path, fonts: Path | None, orders: BinaryIO, answers: BinaryIO) -> None:
    """Answer orders until there are no more. Says {"ready": true} first, or why it cannot begin."""
    from gateway.documents.drawing import Drawing  # slow to import, and nothing for the parent, which knows `frame`
    from gateway.errors import GatewayError

    try:
        drawing = Drawing(templates, fonts)
    except (GatewayError, ValueError, OSError) as error:
        _write(answers, {"ready": False, "why": str(error)}, ())
        return
    _write(answers, {"ready": True}, ())
    while True:
        head = orders.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        data = orders.read(LENGTH.unpack(head)[0])
        answer, files = _answer(drawing, data)
        _write(answers, answer, files)


def _answer(drawing: Any, data: bytes) -> tuple[dict[str, Any], tuple[bytes, ...]]:
    from gateway.documents.forms import Form
    from gateway.documents.paper import Paper
    from gateway.errors import CannotDraw

    try:
        order = json.loads(data)
        made = drawing.draw(Paper.load(order["paper"]), Form(order["form"]), order["language"])
    except CannotDraw as error:
        return {"why": error.why, "message": str(error)}, ()
    except Exception as error:  # the top of a request; its words may quote the paper, so only its class is told
        return {"why": "failed", "message": f"drawing failed ({type(error).__name__})"}, ()
    files = (made.data, *made.rest)
    told = {"mime": made.mime, "pages": made.pages, "boxes": made.boxes, "lost": made.lost}
    return {**told, "sizes": [len(one) for one in files]}, files


def _write(answers: BinaryIO, answer: dict[str, Any], files: tuple[bytes, ...]) -> None:
    answers.write(frame(json.dumps(answer).encode()))
    for one in files:
        answers.write(one)
    answers.flush()


def main() -> None:
    """argv: the directory of templates, the folder of further fonts or ""."""
    templates, fonts = sys.argv[1:3]
    os.nice(NICE)
    if sys.platform == "linux":
        # A layout that never ends would read no end of input either. PR_SET_PDEATHSIG, SIGKILL.
        ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not end up between two answers
    try:
        serve(Path(templates), Path(fonts) if fonts else None, sys.stdin.buffer, answers)
    except (BrokenPipeError, KeyboardInterrupt):
        pass


if __name__ == "__main__":
    main()
