#!/usr/bin/env python3
"""The truth about templates: Python's jinja2, set up as transformers does it.

  jinja-oracle.py fuzz SEED COUNT   random templates and contexts with their results, one JSON object a line
  jinja-oracle.py characters        case and classes of every code point, and of words with a sigma; lines as above
  jinja-oracle.py goldens FOLDER    the folder's templates over its conversations, and its snippets: what rendered.jsonl holds
  jinja-oracle.py folder FOLDER SEED COUNT   every template below FOLDER (*.jinja, and the chat_template of *.json) over the
                                    conversations of goldens/, those that Wild makes, and COUNT random ones each

A result is "prompt", or "error" with Python's exception. Needs Debian's python3-jinja2; run it with /usr/bin/python3.
"""
import copy
import datetime
import functools
import json
import pathlib
import random
import signal
import sys
import unicodedata
import warnings

import jinja2
import jinja2.ext
import jinja2.sandbox

warnings.simplefilter("ignore")
NOW = datetime.datetime(2024, 7, 26, 12, 34, 56)


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_support"), [], [], body).set_lineno(line)

    def _support(self, caller):
        return caller()


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return env


ENV = environment()


class TooSlow(Exception):
    pass


def give_up(*_):
    raise TooSlow()


@functools.lru_cache(4)
def compiled(template):
    return ENV.from_string(template)


def result(template, context):
    """The rendering; None where Python needs too long or the text holds an address."""
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(3)
    try:
        prompt = compiled(template).render(**copy.deepcopy(context))
    except (TooSlow, MemoryError):
        return None
    except Exception as e:  # noqa: BLE001
        return {"error": type(e).__name__ + ": " + str(e)[:200]}
    finally:
        signal.alarm(0)
    if " at 0x" in prompt or len(prompt) > 500_000:
        return None
    return {"prompt": prompt}


STRINGS = [
    "", " ", "a", "Hello, World!", "  padded \n", "it's", 'say "hi"', "a'b\"c", "<b>&amp;</b>", "line1\nline2\r\nline3\x0bv",
    "日本語🙂", "é\u0301", "\u200b\u00a0x", "ß ﬁ İ", "ǆ ΑΣ", "x=1,y=2", "user", "assistant", "12", "-3.5", "1e5", "0x1f", "True",
    "a-b_c d", "tab\there", "\x00\x7f\x1f", "{{ x }}", "{}", "%s", "AbC", "aXbXc", "---", "/path/to", "\\n", "\u2028end",
]
NUMBERS = [0, 1, 2, 3, -1, -7, 10, 255, 1.0, 0.5, -2.5, 1e16, 1e-7, 123456789.125, 2**63, -(2**64), 1e22, 0.1, 100000]
ROLES = ["system", "user", "assistant", "tool"]
VARS = ["s", "u", "i", "f", "n", "t", "l", "ls", "o", "ld", "messages", "tools", "empty", "big", "nope"]
METHODS = [
    "strip()", "lstrip()", "rstrip()", "strip('a ')", "split()", "split(' ')", "split('X', 1)", "rsplit(None, 1)", "splitlines()",
    "upper()", "lower()", "title()", "capitalize()", "swapcase()", "startswith('a')", "endswith(('a', '!'))", "find('l')",
    "rfind('l')", "count('a')", "replace('a', 'bb')", "replace('', '-')", "join(['x', 'y'])", "isdigit()", "isalpha()", "isspace()",
    "isupper()", "islower()", "isalnum()", "format(1, x=2)", "zfill(5)", "center(9)", "ljust(7, '*')", "partition('l')",
    "rpartition(' ')", "removeprefix('a')", "removesuffix('!')", "expandtabs(4)", "splitlines(true)", "istitle()", "isascii()",
    "casefold()", "items()", "keys()", "values()", "get('k')", "get('zz', 3)", "index(1)", "count(1)", "copy()", "append(1)",
    "update({})", "bit_length()", "is_integer()", "nosuch()",
]
FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "trim('a')", "length", "count", "first", "last", "list", "string", "tojson",
    "tojson(indent=2)", "tojson(sort_keys=true)", "tojson(separators=(',', ':'))", "tojson(ensure_ascii=true)", "default('D')",
    "d('D', true)", "join", "join(', ')", "join('-', attribute='k')", "int", "int(7)", "float", "abs", "round", "round(1)",
    "round(2, 'floor')", "reverse|list", "sort", "sort(reverse=true)", "sort(case_sensitive=true)", "sort(attribute='v')",
    "unique|list", "map('upper')|list", "map(attribute='k')|list", "map(attribute='k', default='-')|join(',')",
    "select|list", "reject('none')|list", "select('string')|list", "selectattr('k')|list", "selectattr('k', 'equalto', 'x')|list",
    "rejectattr('v', 'defined')|list", "sum", "min", "max", "max(attribute='v')", "items|list", "dictsort", "dictsort(by='value')",
    "batch(2)|list", "batch(3, 0)|list", "slice(2)|list", "slice(3, 'z')|list", "indent", "indent(2, true)", "indent('>', blank=true)",
    "replace('a', 'b')", "replace('l', 'L', 1)", "e", "escape", "safe", "groupby('k')", "groupby('v')|list", "sum(attribute='v')",
    "attr('k')", "center(11)", "truncate(5)", "truncate(6, true, '')", "wordcount", "urlencode", "format(1)", "xmlattr",
    "filesizeformat", "forceescape", "nosuch",
]
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "true",
    "false", "odd", "even", "divisibleby 3", "divisibleby(2)", "sameas none", "in [1, 'a']", "eq 1", "equalto('a')", "gt 1", "ne 'x'",
    "lower", "upper", "callable", "escaped", "le 2", "filter", "nosuch",
]


class Grammar:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.loops = 0
        self.macros = []

    def pick(self, choices):
        return self.r.choice(choices)

    def value(self, depth=0):
        k = self.r.random()
        if k < 0.35 or depth > 2:
            return self.pick(STRINGS)
        if k < 0.6:
            return self.pick(NUMBERS)
        if k < 0.75:
            return self.pick([None, True, False])
        if k < 0.88:
            return [self.value(depth + 1) for _ in range(self.r.randrange(4))]
        return {self.pick(["k", "v", "content", "role", "é", "items", "x y"]): self.value(depth + 1) for _ in range(self.r.randrange(4))}

    def context(self):
        r = self.r
        context = {
            "s": self.pick(STRINGS), "u": "日本🙂é", "i": self.pick([0, 1, 7, -3]), "f": self.pick([1.0, 0.5, 1e22, -0.0, 1e-7]),
            "n": None, "t": self.pick([True, False]), "l": [self.value(1) for _ in range(r.randrange(5))],
            "ls": [self.pick(STRINGS) for _ in range(r.randrange(5))], "o": {"k": 1, "a": {"x": [1, 2]}, "items": self.value(1)},
            "ld": [{"k": self.pick(["x", "y", "X"]), "v": r.randrange(4)} for _ in range(r.randrange(5))],
            "messages": [self.message() for _ in range(r.randrange(5))], "tools": self.pick([None, [], [{"type": "function", "function": {
                "name": "f", "description": "D <é>", "parameters": {"type": "object", "properties": {"p": {"type": "number"}}}}}]]),
            "empty": self.pick([[], {}, ""]), "big": 12345678901234567890, "add_generation_prompt": r.random() < 0.5,
            "bos_token": "<s>", "eos_token": "</s>",
        }
        return context

    def message(self):
        message = {"role": self.pick(ROLES), "content": self.pick([*STRINGS, None])}
        if self.r.random() < 0.2:
            message["content"] = [{"type": "text", "text": self.pick(STRINGS)} for _ in range(self.r.randrange(3))]
        if self.r.random() < 0.2:
            message["tool_calls"] = [{"id": "c1", "function": {"name": "f", "arguments": self.value(1)}}]
        return message

    def literal(self):
        k = self.r.random()
        if k < 0.4:
            return self.pick(["'a'", "'l'", "''", "'x y'", "\"it's\"", "'\\n'", "'é\\u00e9'", "'%s-%s'", "'{0}'", "'A' 'b'"])
        if k < 0.7:
            return self.pick(["0", "1", "2", "3", "-1", "1.5", "1e3", "1_000", "0.1", "99999999999999999999", "2.0"])
        return self.pick(["none", "true", "false", "None", "True", "[]", "{}", "()", "[1, 'a']", "(1, 2)", "{'k': 'v'}", "(1,)"])

    def name(self):
        return self.pick(VARS + ["x", "x", "y", "ns.a", "message.content", "message['role']"] + (["loop.index", "loop.last", "loop.first",
            "loop.previtem", "loop.nextitem", "loop.length", "loop.revindex0", "loop.index0 % 2"] if self.loops else []))

    def expression(self, depth=0):
        if depth > 3 or self.r.random() < 0.25:
            return self.name() if self.r.random() < 0.65 else self.literal()
        e = lambda: self.expression(depth + 1)  # noqa: E731
        k = self.r.randrange(20)
        if k < 3:
            return f"{e()}|{self.pick(FILTERS)}"
        if k < 5:
            return f"({e()}).{self.pick(METHODS)}"
        if k < 7:
            return f"{e()} {self.pick(['+', '-', '~', '~', '/', '//', '%'])} {e()}"
        if k == 7:
            return f"{e()} {self.pick(['*', '**'])} {self.pick(['0', '2', '3', '-1', 'i'])}"
        if k == 8:
            return f"{e()} {self.pick(['==', '!=', '<', '>=', '>', '<=', 'in', 'not in'])} {e()}"
        if k == 9:
            return f"{e()} is {self.pick(['', 'not '])}{self.pick(TESTS)}"
        if k == 10:
            return f"({e()} if {e()}{self.pick([' else ' + e(), ''])})"
        if k == 11:
            return f"({e()} {self.pick(['and', 'or'])} {e()})"
        if k == 12:
            return f"not {e()}"
        if k == 13:
            # A failing slice of a constant is undefined or an error depending on what the optimizer made of its surroundings.
            if self.r.random() < 0.5:
                return f"({e()})[{self.pick(['0', '-1', repr('k'), 'i', '1', '-2'])}]"
            base = self.pick(["s", "u", "l", "ls", "ld", "messages", "y", "x", "[1, 2, 3]", "'abcde'", "(1, 2)", "range(7)", "o", "nope"])
            return f"{base}[{self.pick(['1:', ':-1', '::-1', '::2', '-2:', '1:2', '5:1:-1', ':', 'i:', ':i', '-9:9', '::-3', '2::-1'])}]"
        if k == 14:
            return f"({e()}).{self.pick(['k', 'a', 'x', 'content', 'items', 'real', 'nosuch', 'a.x', '0'])}"
        if k == 15:
            return self.pick([f"[{e()}, {e()}]", f"({e()}, {e()})", "{'a': %s, 1: %s}" % (e(), e()), f"[{e()}]"])
        if k == 16:
            return self.pick(["range(3)", "range(1, i)", "range(5, 0, -2)|list", "dict(a=1, b=%s)" % e(), "namespace(a=1).a",
                              "strftime_now('%d %b %Y')", "dict(o, z=1)", "'%s' % " + e(), "'%5.2f|%d' % (f, i)", "'{:>5}|{!r}'.format(i, s)",
                              "cycler('a', 'b').next()"])
        if k == 17 and self.macros:
            return f"{self.pick(self.macros)}({self.pick(['', e(), 'b=' + e(), e() + ', ' + e()])})"
        if k == 18:
            return f"-{e()}"
        return f"({e()})"

    def open(self):
        return self.pick(["{%", "{%", "{%", "{%-", "{%+"])

    def close(self):
        return self.pick(["%}", "%}", "%}", "-%}", "+%}"])

    def tag(self, text):
        return f"{self.open()} {text} {self.close()}"

    def text(self):
        return self.pick(["", " ", "\n", "text", "  \n  ", "<|im_start|>", "a\n", "\n\n", "\t", "é🙂", "}} ", "x\r\n"])

    def block(self, depth):
        return "".join(self.statement(depth) for _ in range(self.r.randrange(1, 4)))

    def statement(self, depth=0):
        k = self.r.randrange(22)
        if k < 8 or depth > 3:
            return self.text() + self.pick(["{{ %s }}", "{{- %s -}}", "{{ %s -}}"]) % self.expression() + self.text()
        if k < 11:
            other = self.pick(["", self.tag("else") + self.block(depth + 1), self.tag("elif " + self.expression()) + self.block(depth + 1)])
            return self.tag("if " + self.expression()) + self.block(depth + 1) + other + self.tag("endif")
        if k < 14:
            return self.loop(depth)
        if k == 14:
            return self.tag(f"set {self.pick(['x', 'y', 's', 'x, y', 's', 'i', 'tools', 'empty'])} = {self.expression()}")
        if k == 15:
            return self.tag("set ns = namespace(a=0, b='')") + self.tag(f"set ns.{self.pick('ab')} = {self.expression()}")
        if k == 16:
            return self.tag(self.pick(["set x", "set y | upper", "set s", "set u"])) + self.block(depth + 1) + self.tag("endset")
        if k == 17:
            name = self.pick(["m1", "m2"])
            loops, self.loops = self.loops, 0
            text = self.tag(f"macro {name}(a, b={self.literal()})") + self.block(depth + 2) + self.pick(
                ["{{ a }}", "{{ b }}", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller else '' }}"]) + self.tag("endmacro")
            self.loops = loops
            self.macros.append(name)
            return text
        if k == 18:
            return self.tag("filter " + self.pick(["upper", "trim", "replace('a', 'b')", "indent(2)"])) + self.block(depth + 1) + self.tag("endfilter")
        if k == 19:
            return self.tag(f"with x = {self.expression()}, y = x") + self.block(depth + 1) + self.tag("endwith")
        if k == 20:
            if self.macros and self.r.random() < 0.5:
                return self.tag(f"call {self.pick(self.macros)}(1)") + "C{{ x }}" + self.tag("endcall")
            return self.pick(["{# c #}", "{#- c -#}\n", "{% raw %}{{ x }}{% endraw %}\n", "{%- raw -%} {% {%- endraw -%} ", " {# c #}\n"])
        return self.tag("generation") + self.block(depth + 2) + self.tag("endgeneration") if not self.loops else self.text()

    def loop(self, depth):
        target = self.pick(["x", "message", "y", "k, v"])
        over = self.pick(["messages", "l", "ls", "ld", "o", "range(3)", "u", "o.items()", "o|items", "tools", self.expression(2), "[1, 2, 3]",
                          "[[1, 2], [3, 4]]", "messages[1:]"])
        condition = self.pick(["", "", "", f" if {self.pick(['x', 'message', 'x is string', 'x != 2'])}"])
        self.loops += 1
        body = self.block(depth + 1)
        if self.r.random() < 0.2:
            body += self.tag("if " + self.pick(["loop.index > 1", "x", "loop.last"])) + self.tag(self.pick(["break", "continue"])) + self.tag("endif") + "z"
        self.loops -= 1
        other = self.tag("else") + "none" if self.r.random() < 0.2 else ""
        return self.tag(f"for {target} in {over}{condition}") + body + other + self.tag("endfor")


HEAD = ("{% set ns = namespace(a=1, b='') %}{% set x = 'X' %}{% set y = [1, 'a'] %}{% set message = {'role': 'user', 'content': 'c'} %}"
        "{% macro m1(a, b='B') %}[{{ a }}{{ b }}]{% endmacro %}{% macro m2() %}m{{ varargs }}{{ kwargs }}{% endmacro %}")


def fuzz(seed, count):
    for made in range(count):
        grammar = Grammar(seed * 1_000_003 + made)
        grammar.macros = ["m1", "m2"]
        context = grammar.context()
        template, outcome = HEAD, None
        for _ in range(grammar.r.randrange(1, 8)):
            longer = template + grammar.statement()
            found = result(longer, context)
            # Most statements that fail are dropped, so that most templates get to their end.
            if found is not None and ("prompt" in found or grammar.r.random() < 0.04):
                template, outcome = longer, found
        if outcome is not None:
            print(json.dumps({"name": f"{seed}/{made}", "template": template, "context": context, **outcome}))


CASES = "{{ c.upper() }}|{{ c.lower() }}|{{ c.title() }}|{{ c.capitalize() }}|{{ c.swapcase() }}|{{ c.casefold() }}"
CLASSES = "".join("{{ c.%s()|int }}" % name for name in [
    "isalpha", "isdecimal", "isdigit", "isnumeric", "isalnum", "isupper", "islower", "istitle", "isspace", "isprintable", "isidentifier"])
# The tables know Unicode 15.0. Five letters were no lower case before; newer Pythons know what 15.1 added.
OTHERS = [0x10FC, 0xA7F2, 0xA7F3, 0xA7F4, 0xAB69, *range(0x2FFC, 0x3000), 0x31EF, *range(0x2EBF0, 0x2EE5E)]


def characters():
    template = "{% for c in s %}" + CASES + "|" + CLASSES + "{{ [c, ('a' ~ c).isidentifier()] }}\n{% endfor %}"
    known = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) not in ("Cn", "Cs", "Co") and n not in OTHERS]
    # Of the private and unassigned ones a few: all are alike.
    known += [chr(n) for n in [0xE000, 0xFFFF, 0xFFFFF, 0x10FFFF, 0x378, 0xE0080]]
    for at in range(0, len(known), 512):
        context = {"s": "".join(known[at:at + 512])}
        print(json.dumps({"name": "U+%04X" % ord(known[at]), "template": template, "context": context, **result(template, context)}))
    letters = ["Σ", "Α", "σ", "a", "1", ".", "'", "\u02b0", "\u0345", "\u01c5", "ı", " ", "ß", "\u0307", "İ"]
    words = ["".join(letters[n // 15 ** i % 15] for i in range(4)) for n in range(0, 15 ** 4, 7)]
    for at in range(0, len(words), 256):
        context = {"l": words[at:at + 256]}
        words_template = "{% for c in l %}" + CASES + "|{{ c.isupper() }}{{ c.islower() }}{{ c.istitle() }}\n{% endfor %}"
        print(json.dumps({"name": "word %d" % at, "template": words_template, "context": context, **result(words_template, context)}))


SNIPPET_CONTEXT = {
    "s": " xabAb a", "u": "日本🙂é", "l": [1, "a", None, True, 2.5], "o": {"k": 1, "a": {"x": [1, 2]}, "items": "I"},
    "ls": ["b", "A", "a", "C"], "ld": [{"k": "x", "v": 2}, {"k": "y", "v": 1}, {"k": "x", "v": 3}], "big": 12345678901234567890,
}


def goldens(folder):
    conversations = json.loads((folder / "conversations.json").read_text())
    for path in sorted(folder.glob("*.jinja")):
        for name, conversation in conversations.items():
            context = {"tools": None, "documents": None, "bos_token": "<s>", "eos_token": "</s>", **conversation}
            print(json.dumps({"template": path.name, "conversation": name, **result(path.read_text(), context)}, ensure_ascii=False))
    for line in (folder / "snippets.txt").read_text().splitlines():
        print(json.dumps({"snippet": line, **result(line, SNIPPET_CONTEXT)}, ensure_ascii=False))


TOOL = {"type": "function", "function": {"name": "get_weather", "description": "Weather of a <city> & 'more', \"now\"\nsecond line", "parameters": {
    "type": "object", "properties": {
        "city": {"type": "string", "description": "Name, e.g. Zürich 🙂"}, "days": {"type": "integer", "minimum": 0, "default": 1},
        "unit": {"type": "string", "enum": ["C", "F"]}, "exact": {"type": ["boolean", "null"]},
        "places": {"type": "array", "items": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}, "required": ["lat"]}},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "any": {}, "ref": {"$ref": "#/$defs/X"}},
    "required": ["city", "days"], "$defs": {"X": {"type": "string"}}, "additionalProperties": False}, "return": {"type": "object"}}, "strict": True}
BARE = {"type": "function", "function": {"name": "ping", "description": None, "parameters": {"type": "object", "properties": {}}}}
FLAT = {"type": "function", "name": "now", "description": "Time.", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}
NONE = {"type": "function", "function": {"name": "nothing"}}
ARGUMENTS = [{}, {"city": "Zürich", "days": 3}, {"a": [1, {"b": None}], "f": 1.0, "t": True, "big": 12345678901234567890, "e": 1e-7}, "{\"city\": \"Rome\"}", "",
             {"text": "two\nlines <tag> \"q\" 'a' \\ \u2028", "n": -0.0}, None]
TEXTS = ["Hi", "", " \n padded \n\n", "Grüße 👋 aus 日本", "two\nlines", "<think>\nplan\n</think>\n\nanswer", "<think>open", "no open</think>rest", "a</think>b</think>c",
         "{\"t\": 21.5, \"l\": [1, null]}", "/no_think please", "/think x", "<|im_start|>user\n{{ x }}<|im_end|>", "\x00\x1f\u2028\u00a0nbsp", "a" * 300, "[1, 2]", "<tool_response>\nr\n</tool_response>"]


def call(r, number):
    found = {"id": r.choice([f"call{number:05d}", "123456789", f"chatcmpl-tool-{number}", "functions.ping:" + str(number)]), "type": "function",
             "function": {"name": r.choice(["get_weather", "ping"]), "arguments": r.choice(ARGUMENTS)}}
    for key in ["id", "type"]:
        if r.random() < 0.1:
            del found[key]
    return found


def parts(r):
    kinds = [{"type": "text", "text": r.choice(TEXTS)}, {"type": "image"}, {"type": "image_url", "image_url": {"url": "http://x"}}, {"type": "audio"},
             {"type": "video"}, {"type": "input_audio", "input_audio": {}}, {"text": "no type"}, "bare"]
    return [r.choice(kinds[:1] * 6 + kinds) for _ in range(r.choice([0, 1, 1, 2, 3]))]


def conversation(r):
    """Mostly what a client sends; sometimes what a template refuses."""
    style, messages, number = r.choice([0, 0, 0, 0.3, 1]), [], 0

    def content(r):
        return parts(r) if r.random() < style else r.choice(TEXTS)

    with_calls, is_strict = r.random() < 0.4, r.random() < 0.5
    if r.random() < 0.5:
        messages.append({"role": r.choice(["system", "system", "system", "system", "system", "developer"]), "content": content(r)})
    for turn in range(r.choice([0, 1, 1, 1, 2, 2, 3])):
        messages.append({"role": "user", "content": content(r)})
        if turn == 2 and r.random() < 0.3:
            break
        while with_calls and r.random() < 0.5:
            calls = [call(r, number + i) for i in range(r.choice([1, 1, 1, 2, 3]))]
            message = {"role": "assistant", "content": r.choice([None, "", r.choice(TEXTS)]), "tool_calls": calls}
            if r.random() < 0.3:
                message[r.choice(["reasoning_content", "reasoning", "thinking"])] = r.choice(TEXTS)
            if r.random() < 0.1:
                del message["content"]
            messages.append(message)
            for made in calls:
                answer = {"role": r.choice(["tool", "tool", "tool", "tool", "ipython", "function"]), "content": content(r)}
                if r.random() < 0.8 and "id" in made:
                    answer["tool_call_id"] = made["id"]
                if r.random() < 0.5:
                    answer["name"] = made["function"]["name"]
                messages.append(answer)
            number += len(calls)
        if is_strict or r.random() < 0.75:
            message = {"role": "assistant", "content": content(r)}
            if r.random() < 0.3:
                message[r.choice(["reasoning_content", "reasoning_content", "reasoning", "thinking"])] = r.choice([*TEXTS, None])
            if r.random() < 0.1:
                message["tool_calls"] = r.choice([[], None])
            messages.append(message)
    if is_strict and messages and r.random() < 0.7:
        messages.pop()
    if r.random() < 0.08 and messages:
        messages.insert(r.randrange(len(messages) + 1), {"role": r.choice(["critic", "system", "assistant", "context", "documents"]), "content": content(r)})
    if r.random() < 0.05:
        messages.append({"role": "user", "content": r.choice([None, 5, 1.5, True, {"text": "x"}])})
    return messages


def wild(r):
    context = {"messages": conversation(r), "add_generation_prompt": r.random() < 0.6,
               "tools": r.choice([None, None, [], [TOOL], [BARE, TOOL], [TOOL, FLAT], [NONE]]), "documents": None}
    if r.random() < 0.15:
        context["documents"] = r.choice([[], [{"title": "One", "text": "first", "doc_id": 1}, {"title": "Zwei", "contents": "2", "n": 1.5}], [{"data": {"k": "v"}}]])
    for name, values in {"enable_thinking": [True, False], "thinking": [True, False], "reasoning_effort": ["low", "medium", "high"], "date_string": ["1 May 2025"],
                         "builtin_tools": [["browser"], ["python", "browser"], []], "custom_tools": [[TOOL]], "tools_in_user_message": [True, False],
                         "controls": [{"length": "short", "language": "de"}], "citation_mode": ["fast"], "safety_mode": ["NONE"], "model_identity": ["You are X."],
                         "preserve_thinking": [True, False], "clear_thinking": [True, False], "keep_past_thinking": [True, False], "xml_tools": [[json.dumps(TOOL)]], "python_tools": [["def f(): pass"]],
                         "available_tools": [[TOOL]], "continue_final_message": [True], "system_prompt": ["SP"], "add_vision_id": [True], "skip_think": [True],
                         "thinking_budget": [0, 512, -1], "role": ["assistant"]}.items():
        if r.random() < 0.12:
            context[name] = r.choice(values)
    for name, value in {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}.items():
        if r.random() < 0.97:
            context[name] = value
    return context


def templates(folder):
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".jinja":
            yield str(path.relative_to(folder)), path.read_bytes().decode()
        elif path.suffix == ".json":
            found = json.loads(path.read_bytes()).get("chat_template")
            for named in [{"name": "", "template": found}] if isinstance(found, str) else found or []:
                yield f"{path.relative_to(folder)} {named['name']}", named["template"]


def folder_of_templates(folder, seed, count):
    fixed = json.loads((pathlib.Path(__file__).parent / "goldens" / "conversations.json").read_text())
    for name, template in templates(folder):
        r = random.Random(f"{seed} {name}")
        contexts = [{"tools": None, "documents": None, "bos_token": "<s>", "eos_token": "</s>", **c} for c in fixed.values()] + [wild(r) for _ in range(count)]
        for context in contexts:
            outcome = result(template, context)
            if outcome is not None:
                print(json.dumps({"name": name, "template": template, "context": context, **outcome}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fuzz"]:
        fuzz(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["characters"]:
        characters()
    elif sys.argv[1:2] == ["goldens"]:
        goldens(pathlib.Path(sys.argv[2]))
    elif sys.argv[1:2] == ["folder"]:
        folder_of_templates(pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        sys.exit(__doc__)
