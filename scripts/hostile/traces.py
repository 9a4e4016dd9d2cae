"""Hostile traces of requests."""

from hostile.door import Door, Inputs, content, inside, words
from hostile.files import special_files
from hostile.samples import zipped

LINES: dict[str, str | bytes] = {
    "empty": "",
    "blank lines": "\n" * 1000,
    "negative": "-1\n",
    "fractions": "1.5\n",
    "exponents": "1e3\n",
    "NaN": "nan\n",
    "infinite": "inf\n",
    "huge": f"{10**18}\n" * 3,
    "10^9 requests": "1000000000\n" * 10,
    "10^40": f"{10**40}\n",
    "10^6 digits": "9" * 1_000_000 + "\n",
    "all zero": "0\n" * 100,
    "one second": "5\n",
    "text": "five\n",
    "HTML": "<html>\n",
    "ANSI": "5\n\x1b[31m\x1b]0;x\x07\n",
    "RTL": "5\n\u202e7\n",
    "NUL": "5\n\0\n",
    "markup": "5\n[/x]\n",
    "other digits": "٣\n५\n",
    "underscores": "1_000\n",
    "signs": "+5\n",
    "hexadecimal": "0x10\n",
    "CRLF": "5\r\n" * 30,
    "CR": "5\r" * 30,
    "tabs": "\t5\t\n" * 30,
    "two columns": "1 5\n2 6\n",
    "no UTF-8": b"5\n\xff\n",
    "UTF-16": "5\n6\n".encode("utf-16"),
    "BOM": b"\xef\xbb\xbf5\n6\n",
    "a line of 100 MB": "5" * 100_000_000,
    "10^6 lines": "5\n" * 1_000_000,
    "zip": zipped({"a": b"5\n"}),
    "form feeds": "5\x0c6\x1c7\u2028" * 20,
}


def inputs() -> Inputs:
    for name, text in LINES.items():
        yield name, content("trace.txt", data=text)
    yield "125 million lines", lambda case: inside(case, "trace.txt").write_bytes(b"5\n" * 125_000_000)
    yield from special_files("trace.txt").items()


door = Door(
    "trace",
    content("trace.txt", data="".join(f"{5 + index % 7}\n" for index in range(30))),
    {
        "simulate": words(
            "simulate",
            "repository={case}/base/repository",
            "load.trace={case}/in/trace.txt",
            "policy=largest",
            "output=out",
        ),
        "history": words(
            "simulate",
            "repository={case}/base/repository",
            "load={mean_rps: 9, seconds: 10}",
            "policy=largest",
            "forecaster=learned",
            "forecaster.history={case}/in/trace.txt",
            "output=out",
        ),
    },
    parts=("base",),
)
door.add_all(inputs())
