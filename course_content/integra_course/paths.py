"""The order of modules in words: what comes before one, and the paths through all of them."""

from __future__ import annotations

from html import escape

from integra_course.model import Course, Module


def describe_before(course: Course, module: Module) -> str:
    """Return what to do before ``module``, in a few sentences; empty where nothing comes before."""
    titles = {each.key: f"«{each.title}»" for each in course.modules}
    needed = [titles[key] for key in module.before.needed if key in titles]
    helpful = [titles[key] for key in module.before.helpful if key in titles]
    sentences = []
    if needed:
        sentences.append(f"Antes de este módulo: {_join(needed)}.")
        if module.before.unless:
            sentences.append(f"Si {module.before.unless}, puedes empezar aquí.")
    if helpful:
        sentences.append(f"También ayuda: {_join(helpful)}.")
    return " ".join(sentences)


def describe_paths(course: Course) -> str:
    """Return the paths as HTML, each an ordered list of modules; empty where the course has none."""
    if not course.paths:
        return ""
    titles = {module.key: escape(module.title) for module in course.modules}
    parts = ["<h2>Elige tu orden</h2><p>El curso es el mismo. Lo que cambia es por dónde empiezas.</p>"]
    for path in course.paths:
        listed = "".join(f"<li>{titles[key]}</li>" for key in path.modules)
        parts.append(f"<h3>{escape(path.title)}</h3><ol>{listed}</ol>")
    return "".join(parts)


def _join(names: list[str]) -> str:
    return " y ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
