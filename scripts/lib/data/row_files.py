"""Files of rows that people bring: parquet, CSV, TSV and JSONL, the texts also as .gz. Read a part at a time."""

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import ROW_FILES, expanded

ROWS = 2**18  # of a parquet file that are in memory at a time
LINES = 2**12  # of a JSONL file, which may have lists in them
BYTES = 2**24  # as many of a CSV file
TABLES = (".csv", ".tsv")
# What the first bytes of a text say that is no UTF-8.
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Format:
    """How a file is read."""

    kind: str  # its ending without .gz
    packed: bool  # by gzip
    delimiter: str = ","  # between the cells of a line

    @property
    def is_text(self) -> bool:
        """Whether every value is read as a text, so that an id such as 007 stays what it is."""
        return self.kind in TABLES

    @property
    def decimal_comma(self) -> bool:
        """Whether 0,5 is a number: in files of semicolons, as spreadsheets write them where that is the custom."""
        return self.delimiter == ";"


def format_of(path: str) -> Format:
    """How a file is read; InputError for other endings, and for texts that are not in UTF-8 by their first bytes."""
    name = path.lower().removesuffix(".gz")
    kind, packed = Path(name).suffix, path.lower().endswith(".gz")
    if not path.lower().endswith(ROW_FILES):
        raise InputError(f"{path} is none of {', '.join(ROW_FILES)}: convert it.")
    if kind == ".parquet":
        return Format(kind, False)
    with sentences(path, kind), _opened(path, packed) as file:
        start = file.read(2**16)
    mark = next((name for mark, name in MARKS.items() if start.startswith(mark)), "UTF-16" if b"\0" in start else None)
    if mark is not None:
        raise InputError(f"{path} is {mark}, or no text: save it as UTF-8.")
    if kind not in TABLES:
        return Format(kind, packed)
    header = start.partition(b"\n")[0]
    delimiter = "\t" if kind == ".tsv" else next((d for d in ",;\t" if d.encode() in header), ",")
    return Format(kind, packed, delimiter)


def column_names(path: str) -> list[str]:
    """The columns of a file; InputError if it is damaged or has two of one name."""
    given = format_of(path)
    with sentences(path, given.kind):
        if given.kind == ".parquet":
            names = pq.read_schema(expanded(path)).names
        elif given.is_text:
            with _opened(path, given.packed) as file:
                options = pacsv.ReadOptions(block_size=BYTES)
                names = pacsv.open_csv(file, read_options=options, parse_options=_cells(given)).schema.names
        else:
            names = list(next(iter(_json_lines(path, given))))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        headless = ", or give the file a first line of names" if twice.replace(".", "").isdecimal() else ""
        raise InputError(f"{path} has two columns {twice}: rename one{headless}.")
    return names


def parts(path: str, names: list[str]) -> Iterator[pa.RecordBatch]:
    """The columns `names` of a file, some rows at a time; of a CSV all values are texts."""
    given = format_of(path)
    with sentences(path, given.kind):
        if given.kind == ".parquet":
            with pq.ParquetFile(expanded(path)) as file:
                yield from file.iter_batches(batch_size=ROWS, columns=names)
        elif given.is_text:
            convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), include_columns=names)
            with _opened(path, given.packed) as file:
                yield from pacsv.open_csv(
                    file,
                    read_options=pacsv.ReadOptions(block_size=BYTES),
                    parse_options=_cells(given),
                    convert_options=convert,
                )
        else:
            lines = _json_lines(path, given)
            while rows := list(itertools.islice(lines, LINES)):
                yield pa.RecordBatch.from_pydict({name: [row.get(name) for row in rows] for name in names})


def read_typed(path: str, names: list[str], texts: list[str], unknown: list[str]) -> pa.Table:
    """Whole columns of whatever kind they are; InputError for a damaged file.

    texts: columns of a text file that stay texts. unknown: cells of a text file that say nothing.
    """
    given = format_of(path)
    with sentences(path, given.kind):
        if given.kind == ".parquet":
            return pq.read_table(expanded(path), columns=names)
        if not given.is_text:
            return pa.Table.from_batches(parts(path, names))
        convert = pacsv.ConvertOptions(
            include_columns=names,
            column_types=dict.fromkeys(texts, pa.string()),
            null_values=unknown,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            decimal_point="," if given.decimal_comma else ".",
        )
        with _opened(path, given.packed) as file:
            return pacsv.read_csv(file, parse_options=_cells(given), convert_options=convert)


class sentences:
    """Turns what is raised for a damaged file into an InputError that names it."""

    def __init__(self, path: str, kind: str) -> None:
        """kind: an ending."""
        self.path, self.kind = path, kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if isinstance(error, pa.ArrowException | OSError | EOFError | UnicodeDecodeError | json.JSONDecodeError):
            kind = self.kind[1:].upper() + " in UTF-8" if self.kind != ".parquet" else "parquet"
            raise InputError(
                f"{self.path} is damaged or no {kind} ({' '.join(str(error).split())}): replace it."
            ) from None


def _opened(path: str, packed: bool) -> IO[bytes]:
    return gzip.open(expanded(path)) if packed else expanded(path).open("rb")


def _cells(given: Format) -> pacsv.ParseOptions:
    return pacsv.ParseOptions(delimiter=given.delimiter)


def _json_lines(path: str, given: Format) -> Iterator[dict]:
    """The objects of a file, one a line; blank lines are none."""
    none = True
    with _opened(path, given.packed) as file:
        for number, line in enumerate(file, start=1):
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            if not text:
                continue
            none, row = False, json.loads(text)
            if not isinstance(row, dict):
                raise InputError(f'{path}, line {number}: each line must be an object, as {{"example": …}}.')
            yield row
    if none:
        raise InputError(f"{path} has no rows.")
