#!/usr/bin/env python3
"""Lists the structs that a program was built with: what its debugging information says.

usage: structs.py PROGRAM TOP DIRECTORY...
Prints a JSON object: name of each struct declared in a file of these directories of the source tree
TOP -> its fields. Fields of unnamed unions and structs inside count as its own. Where the object was
compiled plays no part: a compiler cache may have brought it from elsewhere.
"""
import json
import os
import re
import subprocess
import sys

ENTRY = re.compile(r" <([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \((DW_TAG_\w+)\)")
ATTRIBUTE = re.compile(r"\s+<[0-9a-f]+>\s+(DW_AT_\w+)\s*: (.*)")


def entries(program):
    """(depth, offset, tag, attributes) of every entry, in order."""
    output = subprocess.run(
        ["readelf", "--debug-dump=info", "--wide", program], check=True, capture_output=True, text=True
    ).stdout
    entry = None
    for line in output.splitlines():
        head = ENTRY.match(line)
        if head:
            if entry:
                yield entry
            entry = (int(head[1], 16), int(head[2], 16), head[3], {})
        elif entry and (attribute := ATTRIBUTE.match(line)):
            entry[3][attribute[1]] = attribute[2].strip()
    if entry:
        yield entry


def text(attributes, name="DW_AT_name"):
    """"(indirect string, offset: 0x1f): endpoint" and "endpoint" alike."""
    value = attributes.get(name)
    return re.sub(r"^\(string\) ", "", value.rsplit("): ", 1)[-1].strip()) if value else None


def number(attributes, name):
    """5 of "5", "(data1) 5" and "0x5"."""
    value = re.sub(r"^\([^)]*\)\s*", "", attributes.get(name, "0"))
    return int(value.split()[0], 0)


def file_names(program):
    """Of each compilation unit: number in DW_AT_decl_file -> path."""
    output = subprocess.run(
        ["readelf", "--debug-dump=rawline", "--wide", program], check=True, capture_output=True, text=True
    ).stdout
    units, directories, names, part = {}, {}, {}, None
    for line in output.splitlines():
        if match := re.match(r"\s+Offset:\s+(0x[0-9a-f]+|\d+)", line):
            directories, names, part = {}, {}, None
            units[int(match[1], 0)] = names
        elif "Directory Table" in line:
            part = directories
        elif "File Name Table" in line:
            part = names
        elif part is not None and (match := re.match(r"\s+(\d+)\s+(?:\(udata\)\s+)?(?:(\d+)\s+)?(.*)", line)):
            name = match[3].rsplit("): ", 1)[-1].strip()
            if part is names and match[2] is not None:
                part[int(match[1])] = os.path.join(directories.get(int(match[2]), ""), name)
            elif part is directories:
                part[int(match[1])] = name
    return units


def relative(path, top):
    """A source file's path in the tree, whether the compiler was given ../src/a.c or all of it."""
    path = os.path.normpath(path)
    if os.path.isabs(path):
        return os.path.relpath(path, top)
    return re.sub(r"^(\.\./)+", "", path)


def structs(program, top, wanted):
    files, found = file_names(program), {}
    by_offset, parents, stack, unit_files = {}, {}, [], {}
    all_entries = list(entries(program))
    for depth, offset, tag, attributes in all_entries:
        by_offset[offset] = (tag, attributes)
        del stack[depth:]
        parents[offset] = stack[-1] if stack else None
        stack.append(offset)

    def owner(offset):
        """The named struct a member belongs to, through unnamed ones."""
        while offset is not None:
            tag, attributes = by_offset[offset]
            if tag not in ("DW_TAG_structure_type", "DW_TAG_union_type"):
                return None
            if text(attributes):
                return offset
            offset = parents[offset]
        return None

    places = {}
    for depth, offset, tag, attributes in all_entries:
        if tag == "DW_TAG_compile_unit":
            unit_files = files.get(number(attributes, "DW_AT_stmt_list"), {})
        elif tag == "DW_TAG_structure_type" and text(attributes) and "DW_AT_declaration" not in attributes:
            path = unit_files.get(number(attributes, "DW_AT_decl_file"), "")
            if relative(path, top).split("/")[0] in wanted:
                places[offset] = path
                found.setdefault(text(attributes), [])
        elif tag == "DW_TAG_member" and text(attributes):
            struct = owner(parents[offset])
            if struct in places:
                fields = found[text(by_offset[struct][1])]
                if text(attributes) not in fields:
                    fields.append(text(attributes))
    return found


def main():
    program, top, *directories = sys.argv[1:]
    print(json.dumps(structs(program, os.path.abspath(top), directories), indent=1))


main()
