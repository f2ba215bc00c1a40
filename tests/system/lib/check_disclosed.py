#!/usr/bin/env python3
"""Checks that a disclosure names everything the relay's store and programs hold.

usage: check_disclosed.py DISCLOSURE STORE EXEMPT PROCESS=STRUCTS...
DISCLOSURE  what `chappectl disclose --all --json` printed
STORE       chappe.db, or a copy
EXEMPT      lib/not_disclosed
STRUCTS     what structs.py printed for the program
Prints what is missing, one a line, and fails if anything is, or if it had nothing to look at.
"""
import json
import sqlite3
import sys


def named(disclosure):
    """{(kind, process, name): data} of every place, and the places' identifiers."""
    places = disclosure["relay"]["places"] + disclosure["device_places"]
    by_name = {
        (p["kind"], p["process"], p["name"]): [d["name"] for d in p["data"]] for p in places
    }
    return by_name, {p["place"] for p in places}


def exemptions(path, places):
    exempt = set()
    for number, line in enumerate(open(path), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        process, struct, place = words
        if place != "-" and place not in places:
            yield f"{path}:{number}: the disclosure has no place {place}"
        exempt.add((process, struct))
    yield exempt


def check_columns(store, places):
    database = sqlite3.connect(store)
    tables = [
        name
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    count = 0
    for table in tables:
        data = places.get(("table", "chappe-control", table))
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        count += len(columns)
        if data is None:
            yield f"table {table} is not disclosed"
            continue
        yield from (f"column {table}.{c} is not disclosed" for c in columns if c not in data)
        yield from (f"column {table}.{d} is disclosed and does not exist" for d in data if d not in columns)
    yield count


def check_structs(process, structs, places, exempt):
    count = 0
    for struct, fields in sorted(structs.items()):
        data = places.get(("struct", process, struct))
        if data is None:
            if (process, struct) not in exempt:
                yield f"struct {struct} of {process} is neither disclosed nor in not_disclosed"
            continue
        count += len(fields)
        yield from (f"field {struct}.{f} of {process} is not disclosed" for f in fields if f not in data)
        yield from (
            f"field {struct}.{d} of {process} is disclosed and does not exist" for d in data if d not in fields
        )
    for kind, owner, name in places:
        if kind == "struct" and owner == process and name not in structs:
            yield f"struct {name} of {process} is disclosed and does not exist"
    for owner, name in sorted(exempt):
        if owner == process and name not in structs:
            yield f"not_disclosed names struct {name} of {process}, which does not exist"
    yield count


def main():
    disclosure, store, exempt_path, *programs = sys.argv[1:]
    places, identifiers = named(json.load(open(disclosure)))
    complaints, counts = [], []
    *found, exempt = exemptions(exempt_path, identifiers)
    complaints += found
    *found, count = check_columns(store, places)
    complaints += found
    counts.append(f"{count} columns")
    nothing = count == 0
    for program in programs:
        process, path = program.split("=", 1)
        structs = json.load(open(path))
        *found, count = check_structs(process, structs, places, exempt)
        complaints += found
        counts.append(f"{count} fields of {process} in {len(structs)} structs")
        nothing = nothing or count == 0
    for complaint in complaints:
        print(complaint)
    print("looked at " + ", ".join(counts))
    if nothing:
        print("nothing to look at: does the program have debugging information?")
    return 1 if complaints or nothing else 0


sys.exit(main())
