"""Reading the sources of a course: ``course.yaml`` names modules and banks, and the rest follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from integra_course.facts import VALUE, Fact, Facts, list_files
from integra_course.markup import to_html
from integra_course.model import (
    MINUTE_TYPES,
    Area,
    Bank,
    Before,
    Closing,
    Course,
    Deliverable,
    GradedPart,
    Info,
    LearningPath,
    LegalReview,
    LevelCount,
    Module,
    Outcome,
    Practice,
    Rubric,
    Stratum,
    Term,
    Tests,
    Unit,
)
from integra_course.problems import Place, Problems
from integra_course.reading_deliverable import read_definition
from integra_course.reading_items import LEVELS, Use, read_item
from integra_course.reading_lesson import read_lesson
from integra_course.reading_panel import read_panel
from integra_course.schema import FORM, NAME, OUTCOME, SLUG, Fields
from integra_course.source import read_text, read_yaml
from integra_grading.cut_scores import Panel, compute_cut

SCHEMA = "integra.curso/1"
MODULE = re.compile(r"m[0-9]{2}")
UNIT_FOLDER = re.compile(r"u[0-9]{2}")
RUN = re.compile(r"[a-z0-9]+")
ORG = re.compile(r"[A-Za-z0-9]+")
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\.(png|jpg|svg|webp|pdf)")
# Written key → type in the manifest and in reports (dossier 2.1: R, W, Q, F, D).
WRITTEN_MINUTES = dict(
    zip(("lectura", "ejemplo", "practica", "campo", "entregable"), MINUTE_TYPES, strict=True)
)
TITLES = (
    "inicio",
    "prueba_inicial",
    "mi_avance",
    "modulo",
    "estado_del_modulo",
    "evaluacion_directa",
    "leccion",
    "practica",
    "entregable",
    "cierre",
    "prueba_final",
    "facilitacion",
    "mesa",
)
BYPASS_RULES = {
    "preguntas_por_forma": ("form_items", 1, 100),
    "exonera_desde": ("exempt_at", 1, 100),
    "cursa_hasta": ("take_at_most", 0, 100),
    "exonera_con_dos_formas": ("second_exempt_at", 1, 200),
    "formas_por_persona": ("max_sittings", 1, 10),
    "ventana_meses": ("window_months", 1, 60),
    "espera_dias": ("wait_days", 0, 365),
    "vigencia_meses": ("valid_months", 1, 60),
    "minutos": ("minutes", 1, 180),
}
DUE = {"siempre": "always", "si_hizo_el_modulo": "training"}
ACCEPTED_BY = {"facilitador": "facilitator", "automatico": "automatic"}
DOCUMENTS = ("modelo_de_negocio", "punto_de_equilibrio", "flujo_de_caja", "presupuesto")
MAX_IMAGE_BYTES = 40_000


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the sources stand; ``banks`` overlays the public banks with a partner's own."""

    root: Path
    banks: Path | None = None

    def bank_file(self, name: str) -> tuple[Path, str, bool]:
        """Return path, shown name and whether the bank is the public one."""
        if self.banks is not None:
            own = self.banks / f"{name}.yaml"
            if own.is_file():
                return own, f"INTEGRA_BANKS/{name}.yaml", False
        return self.root / "banks" / f"{name}.yaml", f"banks/{name}.yaml", True


class Reader:
    """Reads one course; every refusal lands in ``problems`` and reading goes on."""

    def __init__(self, sources: Sources, problems: Problems) -> None:
        self.sources = sources
        self.problems = problems
        self.facts = Facts()

    def open(self, file: str) -> Fields | None:
        """Return the keys of ``file``, a path inside the sources."""
        return self._open(self.sources.root / file, file)

    def _named(self, file: str, place: Place) -> Fields | None:
        """Return the keys of a file that is named at ``place``."""
        if (self.sources.root / file).is_file():
            return self.open(file)
        self.problems.refuse(place, "file_missing", f"No existe {file}. Créalo o corrige el nombre.")
        return None

    def _open(self, path: Path, file: str) -> Fields | None:
        mapping = read_yaml(path, file, self.problems, self.facts)
        return None if mapping is None else Fields(mapping, Place(file), self.problems)

    def course(self) -> Course | None:
        """Return the course, or None where ``course.yaml`` or what it names could not be read."""
        facts = self._facts()
        fields = self.open("course.yaml")
        if fields is None:
            return None
        fields.choice("esquema", {SCHEMA: SCHEMA})
        info = self._info(fields)
        minutes = fields.integer("minutos", 1, 100_000)
        achievements = self._distinct(fields.texts_with_places("logros"))
        for name, place in achievements.items():
            if not SLUG.fullmatch(name):
                self.problems.refuse(
                    place, "bad_slug", f"«{name}» no sirve como logro. Usa minúsculas: emprendimiento."
                )
        module_names = self._distinct(fields.texts_with_places("modulos"))
        areas = tuple(_area(area) for area in fields.groups("areas"))
        paths = tuple(_path(path) for path in fields.groups("rutas", is_required=False))
        rubrics = tuple(_rubric(rubric) for rubric in fields.groups("rubricas"))
        bypass_rules = _bypass_rules(fields)
        titles = _titles(fields)
        graded_parts, pass_mark = _grading(fields)
        tests = self._tests(fields)
        closings = tuple(self._closing(each) for each in fields.groups("cierres", is_required=False))
        fields.finish()
        modules = tuple(
            module
            for name, place in module_names.items()
            if (module := self._module(name, place)) is not None
        )
        self.facts.warn_of_unused(self.problems)
        if info is None or tests is None:
            return None
        return Course(
            places={key: fields.place_of(key) for key in fields.keys()},  # noqa: SIM118 - Fields is no mapping
            info=info,
            minutes=minutes,
            achievements=tuple(achievements),
            areas=areas,
            paths=paths,
            modules=modules,
            rubrics=rubrics,
            tests=tests,
            closings=tuple(closing for closing in closings if closing is not None),
            bypass_rules=bypass_rules,
            titles=titles,
            graded_parts=graded_parts,
            pass_mark=pass_mark,
            static_files=self._static_files(),
            facts=facts,
        )

    def _facts(self) -> tuple[Fact, ...]:
        """Read the facts; from then on every text may refer to them."""
        found: dict[str, Fact] = {}
        for path in list_files(self.sources.root):
            fields = self.open(f"hechos/{path.name}")
            if fields is None:
                continue
            for each in fields.groups("hechos"):
                fact = _fact(each)
                if fact is not None and fact.key in found:
                    each.refuse("clave", "duplicate_key", f"«{fact.key}» ya está en {found[fact.key].place}.")
                elif fact is not None:
                    found[fact.key] = fact
            fields.finish()
        self.facts = Facts(found.values())
        return tuple(found.values())

    def _info(self, course: Fields) -> Info | None:
        fields = course.group("curso")
        if fields is None:
            return None
        file = fields.text("presentacion", max_length=200)
        info = Info(
            place=fields.place,
            key=fields.slug("clave"),
            title=fields.text("titulo", max_length=120),
            org=fields.slug("organizacion", ORG),
            number=fields.slug("codigo", ORG),
            run=fields.slug("edicion", RUN),
            language=fields.choice("idioma", {"es-419": "es-419"}),
            start=_moment(fields, "inicio"),
            end=_moment(fields, "fin"),
            image=fields.slug("imagen", FILE_NAME),
            summary=fields.text("resumen", max_length=300),
            overview_html=self._page(fields, "presentacion", file),
        )
        if info.start and info.end and info.start >= info.end:
            fields.refuse(
                "fin", "out_of_range", "El curso termina antes de empezar. Escribe una fecha posterior."
            )
        if info.image and not (self.sources.root / "static" / info.image).is_file():
            fields.refuse("imagen", "file_missing", f"No existe static/{info.image}. Ponla en esa carpeta.")
        fields.finish()
        return info

    def _page(self, fields: Fields, key: str, file: str) -> str:
        path = self._inside(fields, key, file)
        text = read_text(path, file, self.problems, self.facts) if path else None
        return to_html(text, Place(file), self.problems) if text else ""

    def _inside(self, fields: Fields, key: str, file: str) -> Path | None:
        """Return the path of a file the author names, which must stay inside the sources."""
        if not file:
            return None
        if not re.fullmatch(r"[a-z0-9_-]+(/[a-z0-9_-]+)*\.(md|yaml)", file):
            fields.refuse(
                key, "bad_path", f"«{file}» no sirve como nombre de archivo. Usa minúsculas: leccion.md."
            )
            return None
        path = self.sources.root / file
        if not path.is_file():
            fields.refuse(key, "file_missing", f"No existe {file}. Créalo o corrige el nombre.")
            return None
        return path

    def _distinct(self, named: tuple[tuple[str, Place], ...]) -> dict[str, Place]:
        """Return names with their places, refusing one that stands twice."""
        places: dict[str, Place] = {}
        for name, place in named:
            if name in places:
                self.problems.refuse(place, "duplicate_key", f"«{name}» ya está en la lista. Deja uno solo.")
            places.setdefault(name, place)
        return places

    def _module(self, name: str, place: Place) -> Module | None:
        if not MODULE.fullmatch(name):
            self.problems.refuse(
                place, "bad_slug", f"«{name}» no sirve como módulo. Escribe «m» y dos cifras: m06."
            )
            return None
        fields = self._named(f"modules/{name}/modulo.yaml", place)
        if fields is None:
            return None
        key = fields.slug("clave", MODULE)
        if key and key != name:
            fields.refuse(
                "clave", "key_mismatch", f"La carpeta es «{name}» y la clave «{key}». Deben ser iguales."
            )
        can_be_bypassed = fields.flag("se_puede_exonerar")
        outcomes = tuple(_outcome(outcome) for outcome in fields.groups("resultados"))
        folders = self._distinct(fields.texts_with_places("unidades"))
        bypass, min_calculations = self._bypass(fields, can_be_bypassed)
        deliverable = self._deliverable(fields)
        legal_review = _legal_review(fields)
        before = self._before(fields)
        title = fields.text("titulo", max_length=120)
        fields.finish()
        units = tuple(
            unit for folder, at in folders.items() if (unit := self._unit(name, folder, at)) is not None
        )
        return Module(
            place=fields.place,
            key=name,
            title=title,
            before=before,
            can_be_bypassed=can_be_bypassed,
            outcomes=outcomes,
            units=units,
            bypass=bypass,
            min_calculations=min_calculations,
            deliverable=deliverable,
            legal_review=legal_review,
        )

    def _before(self, module: Fields) -> Before:
        """Return what comes before; a module may name one that this edition of the course leaves out."""
        named = {
            key: self._distinct(module.texts_with_places(key, is_required=False))
            for key in ("antes", "conviene")
        }
        for name, place in (pair for places in named.values() for pair in places.items()):
            if not MODULE.fullmatch(name) or not (self.sources.root / "modules" / name).is_dir():
                self.problems.refuse(
                    place, "unknown_module", f"No existe el módulo «{name}». Escribe su clave: m06."
                )
        unless = module.text("salvo", max_length=120, is_required=False)
        return Before(module.place_of("antes"), tuple(named["antes"]), tuple(named["conviene"]), unless)

    def _bypass(self, module: Fields, can_be_bypassed: bool) -> tuple[Bank | None, int]:
        """Return the ring and how many calculations every form must hold."""
        if not can_be_bypassed:
            if module.has("evaluacion_directa") and module.is_good_at("se_puede_exonerar"):
                module.refuse(
                    "evaluacion_directa",
                    "not_bypassable",
                    "El módulo no se puede exonerar. Borra esta clave o cambia la otra.",
                )
            module.group("evaluacion_directa", is_required=False)
            return None, 0
        fields = module.group("evaluacion_directa")
        if fields is None:
            return None, 0
        bank = self._bank(fields, Use.BYPASS)
        min_calculations = fields.integer("cuentas_por_forma", 0, 100)
        fields.finish()
        return bank, min_calculations

    def _bank(self, fields: Fields, use: Use) -> Bank | None:
        name = fields.slug("banco")
        if not name:
            return None
        path, file, is_public = self.sources.bank_file(name)
        if not path.is_file():
            fields.refuse(
                "banco", "file_missing", f"No existe banks/{name}.yaml. Revisa el nombre del banco."
            )
            return None
        bank = self._open(path, file)
        if bank is None:
            return None
        strata: tuple[Stratum, ...] = ()
        if use is not Use.TEST:
            strata = tuple(_stratum(stratum, "clave", "por_forma") for stratum in bank.groups("estratos"))
        key = bank.slug("clave")
        items = tuple(item for each in bank.groups("preguntas") if (item := read_item(each, use)) is not None)
        bank.finish()
        return Bank(bank.place, key, use.value, is_public, items, strata)

    def _deliverable(self, module: Fields) -> Deliverable | None:
        fields = module.group("entregable", is_required=False)
        if fields is None:
            return None
        name = fields.slug("archivo")
        due = fields.choice("exigible", DUE)
        accepted_by = fields.choice("acepta", ACCEPTED_BY)
        rubric = fields.slug("rubrica")
        document = (
            fields.choice("documento", {each: each for each in DOCUMENTS}) if fields.has("documento") else ""
        )
        fields.finish()
        form = self._named(f"deliverables/{name}.yaml", fields.place_of("archivo")) if name else None
        if form is None:
            return None
        definition: dict[str, Any] = read_definition(form)
        if definition["key"] and definition["key"] != name:
            form.refuse(
                "clave",
                "key_mismatch",
                f"El archivo es «{name}» y la clave «{definition['key']}». Iguálalas.",
            )
        return Deliverable(
            fields.place, name, definition["title"], due, accepted_by, rubric, document, definition
        )

    def _unit(self, module: str, folder: str, place: Place) -> Unit | None:
        if not UNIT_FOLDER.fullmatch(folder):
            self.problems.refuse(
                place, "bad_slug", f"«{folder}» no sirve como unidad. Escribe «u» y dos cifras: u03."
            )
            return None
        base = f"modules/{module}/{folder}"
        fields = self._named(f"{base}/unidad.yaml", place)
        if fields is None:
            return None
        key = fields.slug("clave")
        if key and key != f"{module}-{folder}":
            fields.refuse("clave", "key_mismatch", f"Por su carpeta, la clave debe ser «{module}-{folder}».")
        minutes = fields.integer("minutos", 1, 1000)
        minutes_by_type = _minutes_by_type(fields)
        if fields.is_good_at("minutos") and minutes_by_type and sum(minutes_by_type.values()) != minutes:
            fields.refuse(
                "minutos",
                "minutes_mismatch",
                f"Dice {minutes} y los minutos por tipo suman {sum(minutes_by_type.values())}. Corrige uno de los dos.",
            )
        is_always_required = fields.flag("obligatoria_siempre")
        title = fields.text("titulo", max_length=120)
        outcomes = fields.texts("resultados")
        terms = tuple(_term(term) for term in fields.groups("glosario", is_required=False))
        lesson = fields.text("leccion", max_length=100)
        has_practice = minutes_by_type.get("practice", 1) > 0
        practice_file = fields.text("practica", max_length=100, is_required=has_practice)
        if practice_file and not has_practice:
            fields.refuse(
                "practica", "no_minutes", "La unidad no tiene minutos de práctica. Borra «practica» o ponlos."
            )
        fields.finish()
        lesson_path = self._inside(fields, "leccion", lesson and f"{base}/{lesson}")
        sections = (
            read_lesson(lesson_path, f"{base}/{lesson}", self.problems, self.facts) if lesson_path else ()
        )
        practice = self._practice(fields, base, practice_file) if practice_file else None
        if practice is None and has_practice:
            return None
        return Unit(
            place=fields.place,
            key=f"{module}-{folder}",
            title=title,
            minutes=minutes,
            minutes_by_type=minutes_by_type,
            is_always_required=is_always_required,
            outcomes=outcomes,
            sections=sections,
            terms=terms,
            practice=practice,
        )

    def _practice(self, unit: Fields, base: str, name: str) -> Practice | None:
        if self._inside(unit, "practica", name and f"{base}/{name}") is None:
            return None
        fields = self.open(f"{base}/{name}")
        if fields is None:
            return None
        key = fields.slug("clave")
        items = tuple(
            item for each in fields.groups("preguntas") if (item := read_item(each, Use.PRACTICE)) is not None
        )
        fields.finish()
        return Practice(fields.place, key, items)

    def _tests(self, course: Fields) -> Tests | None:
        fields = course.group("pruebas")
        if fields is None:
            return None
        forms = fields.texts_with_places("formas")
        further_forms = fields.texts_with_places("formas_siguientes", is_required=False)
        for form, place in (*forms, *further_forms):
            if not FORM.fullmatch(form):
                self.problems.refuse(
                    place, "bad_slug", f"«{form}» no sirve como forma. Escribe una letra: A."
                )
        blueprint = tuple(_stratum(each, "resultado", "preguntas") for each in fields.groups("plan"))
        levels = tuple(_level_count(each) for each in fields.groups("niveles", is_required=False))
        bank = self._bank(fields, Use.TEST)
        pre, post = fields.group("inicial"), fields.group("final")
        fields.finish()
        if pre is None or post is None or bank is None:
            return None
        panel = self._panel(post)
        if panel is not None and post.has("corte"):
            post.refuse("corte", "cut_twice", "El corte sale del panel. Borra «corte».")
        tests = Tests(
            place=fields.place,
            cut_place=post.place_of("corte" if panel is None else "panel"),
            forms=tuple(form for form, _ in forms),
            further_forms=tuple(form for form, _ in further_forms),
            pre_minutes=pre.integer("minutos", 1, 300),
            post_minutes=post.integer("minutos", 1, 300),
            cut=post.integer("corte", 1, 1000, default=compute_cut(panel).points if panel else None),
            panel=panel,
            max_attempts=post.integer("intentos", 1, 10),
            wait_hours=post.integer("horas_de_espera", 0, 1000),
            blueprint=blueprint,
            levels=levels,
            bank=bank,
        )
        pre.finish()
        post.finish()
        return tests

    def _panel(self, post: Fields) -> Panel | None:
        name = post.text("panel", max_length=60, is_required=False)
        if self._inside(post, "panel", name) is None:
            return None
        fields = self.open(name)
        return None if fields is None else read_panel(fields)

    def _closing(self, fields: Fields) -> Closing | None:
        bank = self._bank(fields, Use.CLOSING)
        area, title = fields.slug("area"), fields.text("titulo", max_length=120)
        minutes, cut = fields.integer("minutos", 1, 300), fields.integer("corte", 1, 1000)
        max_attempts = fields.integer("intentos", 1, 10)
        wait_hours = fields.integer("horas_de_espera", 0, 1000)
        if not fields.finish() or bank is None:
            return None
        return Closing(fields.place, area, title, minutes, cut, max_attempts, wait_hours, bank)

    def _static_files(self) -> tuple[str, ...]:
        folder = self.sources.root / "static"
        return tuple(sorted(self._checked_files(folder))) if folder.is_dir() else ()

    def _checked_files(self, folder: Path) -> Iterator[str]:
        for path in folder.iterdir():
            place = Place(f"static/{path.name}")
            if path.is_symlink() or not path.is_file():
                self.problems.refuse(
                    place, "bad_static", "Aquí van solo archivos, sin carpetas ni enlaces. Muévelo."
                )
            elif not FILE_NAME.fullmatch(path.name):
                self.problems.refuse(
                    place, "bad_static", "El nombre no sirve. Usa minúsculas, cifras y guiones: puesto.png."
                )
            elif path.suffix != ".pdf" and path.stat().st_size > MAX_IMAGE_BYTES:
                self.problems.refuse(
                    place, "image_too_big", "La imagen pasa de 40 kB. Redúcela: hay datos prepagados."
                )
            else:
                yield path.name


def _moment(fields: Fields, key: str) -> str:
    text = fields.text(key, max_length=20)
    if not text:
        return ""
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - the Z is part of the format
    except ValueError:
        fields.refuse(
            key, "bad_moment", f'«{text}» no es una fecha con hora. Escribe "2026-01-31T05:00:00Z".'
        )
        return ""
    return text


def _minutes_by_type(unit: Fields) -> dict[str, int]:
    fields = unit.group("minutos_por_tipo")
    if fields is None:
        return {}
    minutes = {kind: fields.integer(written, 0, 1000) for written, kind in WRITTEN_MINUTES.items()}
    return minutes if fields.finish() else {}


def _outcome(fields: Fields) -> Outcome:
    outcome = Outcome(fields.place, fields.slug("clave", OUTCOME), fields.text("texto", max_length=300))
    fields.finish()
    return outcome


def _term(fields: Fields) -> Term:
    term = Term(fields.text("palabra", max_length=60), fields.text("definicion", max_length=300))
    fields.finish()
    return term


def _stratum(fields: Fields, key: str, count: str) -> Stratum:
    stratum = Stratum(fields.place, fields.slug(key, OUTCOME), fields.integer(count, 1, 100))
    fields.finish()
    return stratum


def _level_count(fields: Fields) -> LevelCount:
    levels = fields.texts_with_places("niveles")
    for level, place in levels:
        if level not in LEVELS:
            fields.problems.refuse(
                place, "bad_choice", f"«{level}» no es un nivel. Escribe uno de: {', '.join(LEVELS)}."
            )
    count = LevelCount(
        fields.place,
        fields.slug("modulo"),
        tuple(level for level, _ in levels),
        fields.integer("preguntas", 0, 100),
    )
    fields.finish()
    return count


def _area(fields: Fields) -> Area:
    key, title = fields.slug("clave"), fields.text("titulo", max_length=120, is_required=False)
    area = Area(fields.place, key, title, fields.texts("modulos"))
    fields.finish()
    return area


def _path(fields: Fields) -> LearningPath:
    key, title = fields.slug("clave"), fields.text("titulo", max_length=120)
    path = LearningPath(fields.place, key, title, fields.texts("modulos"))
    fields.finish()
    return path


def _rubric(fields: Fields) -> Rubric:
    version = fields.slug("version")
    cut = fields.integer("corte", 1, 1000)
    criteria = []
    for criterion in fields.groups("criterios"):
        criteria.append(
            {
                "key": criterion.slug("clave", NAME),
                "title": criterion.text("titulo", max_length=120),
                "must_be_positive": criterion.flag("no_puede_ser_cero"),
                "levels": [
                    {"points": points, "text": text} for points, text in enumerate(criterion.texts("niveles"))
                ],
            }
        )
        criterion.finish()
    fields.finish()
    highest = sum(
        len(levels) - 1 for criterion in criteria if isinstance(levels := criterion["levels"], list)
    )
    if cut > highest:
        fields.refuse("corte", "out_of_range", f"El corte pasa del máximo posible, que es {highest}.")
    content = {"version": version, "cut": cut, "max_score": highest, "criteria": criteria}
    return Rubric(fields.place, version, content)


def _legal_review(module: Fields) -> LegalReview | None:
    fields = module.group("revision_legal", is_required=False)
    if fields is None:
        return None
    if not fields.choice("estado", {"pendiente": False, "firmada": True}):
        fields.finish()
        return LegalReview()
    review = LegalReview(fields.text("por", max_length=120), fields.day("fecha"))
    fields.finish()
    return review


def _fact(fields: Fields) -> Fact | None:
    key, value = fields.slug("clave", NAME), fields.text("valor", max_length=60)
    if value and not VALUE.fullmatch(value):
        fields.refuse(
            "valor", "bad_value", "Escribe solo el dato, sin comillas, dos puntos ni signos de formato."
        )
    meaning, source = fields.text("texto", max_length=400), fields.text("fuente", max_length=300)
    valid_from, checked_on = fields.day("desde"), fields.day("revisado")
    if not fields.finish() or valid_from is None or checked_on is None:
        return None
    return Fact(fields.place, key, value, meaning, valid_from, checked_on, source)


def _bypass_rules(course: Fields) -> dict[str, int]:
    fields = course.group("evaluacion_directa")
    if fields is None:
        return {}
    rules = {name: fields.integer(key, low, high) for key, (name, low, high) in BYPASS_RULES.items()}
    if fields.finish():
        if not rules["take_at_most"] < rules["exempt_at"] <= rules["form_items"]:
            fields.refuse(
                "exonera_desde",
                "out_of_range",
                "Debe pasar de «cursa_hasta» y caber en «preguntas_por_forma».",
            )
        if rules["second_exempt_at"] > 2 * rules["form_items"]:
            fields.refuse(
                "exonera_con_dos_formas", "out_of_range", "Pasa de las preguntas de dos formas. Bájalo."
            )
    return rules


def _titles(course: Fields) -> dict[str, str]:
    fields = course.group("titulos")
    if fields is None:
        return dict.fromkeys(TITLES, "")
    titles = {key: fields.text(key, max_length=80) for key in TITLES}
    fields.finish()
    return titles


def _grading(course: Fields) -> tuple[tuple[GradedPart, ...], Decimal]:
    fields = course.group("calificacion")
    if fields is None:
        return (), Decimal(0)
    pass_mark = fields.decimal("aprueba_con") or Decimal(0)
    if fields.is_good_at("aprueba_con") and not 0 < pass_mark <= 1:
        fields.refuse("aprueba_con", "out_of_range", "Es una parte de 1. Escribe, por ejemplo, 0.7.")
    groups = fields.groups("partes")
    parts = tuple(
        GradedPart(
            place=part.place,
            key=part.choice("clave", {key: key for key in ("modulos", "entregables", "prueba_final")}),
            type=part.text("tipo", max_length=40),
            short_label=part.text("sigla", max_length=8),
            weight=part.decimal("peso") or Decimal(0),
        )
        for part in groups
    )
    for part in groups:
        part.finish()
    if fields.finish() and sum(part.weight for part in parts) != 1:
        fields.refuse(
            "partes", "weights", f"Los pesos suman {sum(part.weight for part in parts)} y deben sumar 1."
        )
    return parts, pass_mark


def read_course(sources: Sources, problems: Problems) -> Course | None:
    """Return the course of ``sources``; what is wrong with it is in ``problems``."""
    return Reader(sources, problems).course()
