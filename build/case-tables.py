#!/usr/bin/env python3
"""Writes src/Epp.Native/Templates/Writing/CaseMap.Tables.cs from Python's own case mappings."""
import pathlib

def escaped(text):
    return "".join("\\u%04X" % ord(c) if ord(c) > 126 else c for c in text)

def literal(pairs):
    lines, line = [], ""
    for source, target in pairs:
        entry = escaped(source) + escaped(target) + ";"
        if len(line) + len(entry) > 110:
            lines.append(line)
            line = ""
        line += entry
    return " +\n".join('        "%s"' % text for text in lines + [line])

every = [chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000]
upper = [(c, c.upper()) for c in every if len(c.upper()) > 1]
title = [(c, c.title()) for c in every if c.title() != c.upper()]
path = pathlib.Path(__file__).parent.parent / "src/Epp.Native/Templates/Writing/CaseMap.Tables.cs"
head, _, _ = path.read_text().partition("    private const string SpecialUpper")
path.write_text(head + "    private const string SpecialUpper =\n%s;\n\n    private const string SpecialTitle =\n%s;\n}\n"
                % (literal(upper), literal(title)))
