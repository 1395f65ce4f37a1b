"""The page at /docs: the OpenAPI document as a person reads it. No script and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{margin-bottom:0}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
p{overflow-wrap:anywhere}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer;overflow-wrap:anywhere}
summary b{display:inline-block;min-width:4.5rem}
code{background:var(--soft);padding:.1rem .3rem;border-radius:.2rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;overflow-wrap:anywhere;padding:.25rem .5rem;border-top:1px solid var(--line)}
td:first-child code{overflow-wrap:break-word}
.scope{float:right;font-size:.85rem;opacity:.75}
@media(max-width:40rem){table,tbody,tr,td,th{display:block}td+td{border-top:0;padding-top:0}th:empty{display:none}
td:first-child code{overflow-wrap:anywhere}}
"""


def page(document: Mapping[str, Any]) -> str:
    """The whole page as HTML."""
    info = document["info"]
    groups: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups[operation["tags"][0]].append(_operation(method, path, operation))
    parts = [f'<h2 id="{_anchor(name)}">{escape(name)}</h2>{"".join(rows)}' for name, rows in groups.items()]
    schemas = "".join(_schema(name, one) for name, one in sorted(document["components"]["schemas"].items()))
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in (*groups, "Schemas"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])}: the internal API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])}</h1><p>{escape(info['summary'])} {escape(info['description'])} "
        '<a href="/openapi.json">The same as OpenAPI 3.1</a>.</p>'
        f'<nav>{links}</nav>{"".join(parts)}<h2 id="schemas">Schemas</h2>{schemas}</body></html>'
    )


def _anchor(name: str) -> str:
    return escape(name.lower().replace(" ", "-"), quote=True)


def _operation(method: str, path: str, one: Mapping[str, Any]) -> str:
    scope = f'<span class="scope">scope <code>{escape(one["x-scope"])}</code></span>' if "x-scope" in one else ""
    body = f"<p>{escape(one['description'])}</p>" if one.get("description") else ""
    if one.get("parameters"):
        rows = [
            (
                f"{parameter['name']} ({parameter['in']}{', required' if parameter['required'] else ''})",
                parameter["description"],
            )
            for parameter in one["parameters"]
        ]
        body += _table(("parameter", ""), [(f"<code>{escape(name)}</code>", escape(about)) for name, about in rows])
    if one.get("requestBody"):
        content = one["requestBody"]["content"].items()
        body += _table(
            ("body", ""), [(f"<code>{escape(media)}</code>", _type(part["schema"])) for media, part in content]
        )
    answers = []
    for status, answer in one["responses"].items():
        shapes = [_type(part["schema"]) for part in answer.get("content", {}).values()]
        answers.append((f"<code>{escape(status)}</code>", f"{escape(answer['description'])} {' '.join(shapes)}"))
    body += _table(("answer", ""), answers)
    title = f"<b>{escape(method.upper())}</b> <code>{escape(path)}</code> {escape(one['summary'])}"
    return f"<details><summary>{scope}{title}</summary>{body}</details>"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    about = f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""
    required = set(schema.get("required", ()))
    rows = [
        (f"<code>{escape(field)}</code>{'' if field in required else ' (optional)'}", _type(one) + _limits(one))
        for field, one in schema.get("properties", {}).items()
    ]
    shape = _table(("field", ""), rows) if rows else f"<p>{_type(schema)}</p>"
    title = f"<summary><code>{escape(name)}</code></summary>"
    return f'<details id="{_anchor("schema-" + name)}">{title}{about}{shape}</details>'


def _type(schema: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{_anchor("schema-" + name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return escape(f"{words} ({schema['format']})" if schema.get("format") else words)


def _limits(schema: Mapping[str, Any]) -> str:
    names = {"minLength": "from", "maxLength": "to", "minimum": "from", "maximum": "to", "maxItems": "at most"}
    found = [f"{words} {schema[name]}" for name, words in names.items() if name in schema]
    if schema.get("pattern"):
        found.append(f"like {schema['pattern']}")
    if schema.get("description"):
        found.append(str(schema["description"]))
    return f", {escape(', '.join(found))}" if found else ""


def _table(heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    body = "".join(f"<tr><td>{first}</td><td>{second}</td></tr>" for first, second in rows)
    return f"<table><tr><th>{heads[0]}</th><th>{heads[1]}</th></tr>{body}</table>"
