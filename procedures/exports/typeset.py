"""Run by itself, in a process of its own: reads a document as JSON, writes the PDF. Knows no Django and no database.

A compiler that is kept grows a worker by more than 200 MB; one that is started costs 0.1 s and leaves nothing.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """The document of the standard input as PDF/A-2b and PDF/UA-1 on the standard output. `at`: its time of making."""
    import typst

    compiler = typst.Compiler(
        str(HERE / "record.typ"), font_paths=[str(HERE / "fonts")], ignore_system_fonts=True
    )
    made = compiler.compile(
        sys_inputs={"document": sys.stdin.read()},
        format="pdf",
        pdf_standards=["a-2b", "ua-1"],
        timestamp=int(sys.argv[1]),
    )
    if isinstance(made, bytes):
        sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
