# SPDX-License-Identifier: MIT
"""Finds the functions of a source file and their lengths, by braces for C++ and by syntax for Python.

The C++ side is a heuristic and no parser: it looks at the text in front of each opening brace to
tell a function from a scope and from an initialiser. Within a function everything counts as body,
so a lambda belongs to the function around it.
"""

import ast
import dataclasses
import re

import sources


@dataclasses.dataclass
class Function:
    """A function, with the line it starts on and how many lines it has."""

    name: str
    line: int
    lines: int


_SCOPE_WORD = re.compile(r"\b(namespace|class|struct|union|enum)\b")
_EXTERN_C = re.compile(r'\bextern\s*""\s*$')
_CONSTRUCTOR_LIST = re.compile(r"\)\s*(?:noexcept\s*(?:\([^()]*\))?\s*)?:(?!:)")
_NAME = re.compile(r"(~?[\w:]+|operator\s*[^\s(]+)\s*\(")


def _strip_templates(header):
    """Removes `template <...>`, attributes and alignas, whose words would mislead."""
    header = re.sub(r"\[\[.*?\]\]", " ", header, flags=re.DOTALL)
    header = re.sub(r"\balignas\s*\([^()]*(?:\([^()]*\)[^()]*)*\)", " ", header)
    while match := re.search(r"\btemplate\s*<", header):
        depth, end = 1, match.end()
        while end < len(header) and depth:
            depth += {"<": 1, ">": -1}.get(header[end], 0)
            end += 1
        header = header[: match.start()] + header[end:]
    return header


def _kind(header):
    """Tells what the brace after `header` opens: 'function', 'scope' or 'value'."""
    plain = _strip_templates(header)
    if _EXTERN_C.search(plain):
        return "scope"
    if _CONSTRUCTOR_LIST.search(plain) and re.search(r"[\w>]\s*$", plain):
        return "value"
    before_call = re.sub(r"operator\s*[^\w\s(]+", "operator", plain).split("(")[0]
    if "(" not in plain:
        return "scope" if _SCOPE_WORD.search(plain) else "value"
    return "value" if "=" in before_call else "function"


def _cpp_functions(text):
    text = sources.blank(text)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)
    found, stack = [], []  # stack: (kind, header, line on which the header starts)
    header, header_line, line = "", 0, 1
    for char in text:
        inside = any(kind == "function" for kind, _, _ in stack)
        if char == "\n":
            line += 1
        if char == "{":
            kind = "body" if inside else _kind(header)
            stack.append((kind, header, header_line))
            header = ""
        elif char == "}" and stack:
            kind, opened_by, start = stack.pop()
            if kind == "function":
                name = _NAME.search(_strip_templates(opened_by))
                found.append(Function(name.group(1) if name else "?", start, line - start + 1))
            # After a value the same declaration goes on: the next member, or the body.
            header, header_line = (opened_by + "{}", start) if kind == "value" else ("", 0)
        elif char == ";" and not inside:
            header = ""
        elif not inside and (header or not char.isspace()):
            header_line = header_line if header else line
            header += char
    return found


def _python_functions(text):
    return [
        Function(item.name, item.lineno, item.end_lineno - item.lineno + 1)
        for item in ast.walk(ast.parse(text))
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def functions_of(path):
    """Returns the functions of the file at `path`."""
    text = path.read_text(encoding="utf-8")
    return _python_functions(text) if path.suffix == ".py" else _cpp_functions(text)
