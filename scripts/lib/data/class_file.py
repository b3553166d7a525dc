"""The file `classes` of a study with folders: the order of the folders, or what the classes are called, in the forms that are around.

- a text with a folder's name a line (`wnids.txt`), in the order of the labels. Lines without a folder are classes without pictures.
- a text with a folder's name and the class's name a line, apart by a tab, a comma or a space (`words.txt`, `LOC_synset_mapping.txt`).
  Lines without a folder are left out, since such files name more than one data set has, unless all lines begin with numbers.
- a text with a class's name a line, where the folders are called 0, 1, 2 …: the folder 0 is the first line.
- JSON: a list of folders; folder to name; folder to number (`class_to_idx`); number to folder (`id2label`); number to [folder, name]
  (`imagenet_class_index.json`).
"""

import csv
import json
import re
from collections.abc import Sequence, Set

from scripts.lib.data.class_order import Classes, called, key
from scripts.lib.data.text_file import read_lines
from scripts.lib.jobs.errors import InputError

WANTED = "a text file with a folder's name a line, and its class's name after it where that is another"
NUMBER = re.compile(r"[0-9]+")
WORDNET = re.compile(r"n[0-9]{8}")
SPACE_OR_COMMA = re.compile(r",|\s+")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
LISTED, MAPPED = "the lines of `classes`", "the lines of `classes` that have a folder"
NUMBERED = "the lines of `classes`, which the folders number from 0"

# A folder's name and its class's name; of a list of folders both are one.
Rows = list[tuple[str, str]]


def read_classes(path: str, found: Sequence[str]) -> Classes:
    """The classes that a file names, given the names of the folders that there are (or what a list of labels calls classes).

    Raises InputError if the file names no class for one of them, or one twice.
    """
    lists, pairs = _readings(path)
    wanted = {key(name): name for name in found}
    for rows in lists:
        if wanted.keys() <= {key(folder) for folder, _ in rows}:
            _check_once(path, rows)
            folders = [folder for folder, _ in rows]
            return Classes(folders, folders, LISTED)
    for rows in filter(None, pairs):
        folders = {key(folder) for folder, _ in rows}
        # Lists of labels may call classes by their names. Where several rows begin alike, the beginnings are no folders.
        by_name = len(folders) == len(rows) and wanted.keys() <= folders | {key(name) for _, name in rows}
        if wanted.keys() <= folders or by_name:
            there = _rows_meant(rows, wanted.keys())
            _check_once(path, there)
            return called([folder for folder, _ in there], [name for _, name in there], MAPPED)
    for rows in lists:
        if found and all(NUMBER.fullmatch(name) and int(name) < len(rows) for name in found):
            _check_once(path, rows)
            folder_of = {int(name): name for name in found}
            folders = [folder_of.get(number, str(number)) for number in range(len(rows))]
            return Classes(folders, [name for _, name in rows], NUMBERED)
    named = {key(name) for rows in (*lists, *pairs) for row in rows for name in row}
    missing = [name for spelled, name in wanted.items() if spelled not in named] or list(found)
    raise InputError(
        f"{path} names no class for {len(missing)} of the {len(wanted)} folders or labels, as {missing[0]!r}: give {WANTED}."
    )


def _rows_meant(rows: Rows, wanted: Set[str]) -> Rows:
    """The rows that name the wanted; all where the rows number the classes, since a number that no picture has is a class without any."""
    body = rows if NUMBER.fullmatch(rows[0][0]) else rows[1:]  # perhaps without the columns' names
    if body and all(NUMBER.fullmatch(folder) for folder, _ in body):
        return body
    return [row for row in rows if not wanted or key(row[0]) in wanted or key(row[1]) in wanted]


def _readings(path: str) -> tuple[list[Rows], list[Rows]]:
    """What the file may mean: lists of folders, and folders with names; the first that fits the folders is meant."""
    lines = read_lines(path, WANTED)
    ending = path[path.rfind(".") :].lower()
    if ending == ".json":
        return _of_json(path, "\n".join(lines))
    lines = [line.strip() for line in lines if line.strip()]
    whole = [(line, line) for line in lines]
    if ending in DELIMITERS:
        rows = list(csv.reader(lines, delimiter=DELIMITERS[ending]))
    else:
        rows = [line.split("\t", 1) if "\t" in line else SPACE_OR_COMMA.split(line, maxsplit=1) for line in lines]
    pairs = [(row[0].strip(), row[1].strip()) for row in rows if len(row) > 1 and row[1].strip()]
    tabs = ending in DELIMITERS or all("\t" in line for line in lines)
    in_columns = len(pairs) == len(lines) and (tabs or all(WORDNET.fullmatch(folder) for folder, _ in pairs))
    return [] if in_columns else [whole], [pairs]


def _of_json(path: str, text: str) -> tuple[list[Rows], list[Rows]]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is no JSON ({error}): correct it.") from None
    if isinstance(content, list) and all(isinstance(each, str) for each in content):
        return [[(each, each) for each in content]], []
    if isinstance(content, dict) and content:
        values = list(content.values())
        if all(type(each) is int for each in values) and sorted(values) == list(range(len(values))):
            return [[(name, name) for name in sorted(content, key=content.get)]], []
        numbered = all(name.isdecimal() for name in content)
        in_order = [content[name] for name in sorted(content, key=int)] if numbered else values
        if numbered and all(isinstance(each, list) and len(each) == 2 for each in values):
            return [], [[(str(folder), str(name)) for folder, name in in_order]]
        if all(isinstance(each, str) for each in values):
            lists = [[(each, each) for each in in_order]] if numbered else []
            return lists, [list(content.items())]
    raise InputError(
        f"{path} must be a JSON list of folders, or an object of folders and names, folders and numbers, or numbers and folders."
    )


def _check_once(path: str, rows: Rows) -> None:
    """Raise InputError if a folder is named twice."""
    seen: set[str] = set()
    for folder, _ in rows:
        if key(folder) in seen:
            raise InputError(f"{path} names {folder!r} twice: name every folder once.")
        seen.add(key(folder))
