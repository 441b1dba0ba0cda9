"""What was changed in Studio is listed against the sources; what Studio adds by itself is not."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest
from lxml import etree

from integra_course.cli import main
from integra_course.diff_export import ExportError, read_export


@pytest.fixture
def export(mini_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The small course as it comes back from Studio: other order of attributes, marks of the platform, drafts."""
    assert main(["build", "--source", str(mini_root), "--output", str(tmp_path / "build")]) == 0
    capsys.readouterr()
    root = tmp_path / "export" / "course"
    shutil.copytree(tmp_path / "build" / "olx" / "course", root)
    for path in root.rglob("*.xml"):
        node = etree.parse(str(path)).getroot()
        for element in node.iter():
            if str(element.tag).startswith("integra_"):
                attributes = dict(element.attrib)
                element.attrib.clear()
                element.set("xblock-family", "xblock.v1")
                for name in sorted(attributes, reverse=True):
                    element.set(name, attributes[name])
        path.write_bytes(etree.tostring(node, encoding="utf-8"))
    (root / "drafts" / "vertical").mkdir(parents=True)
    (root / "drafts" / "vertical" / "abc.xml").write_text("<vertical/>", "utf-8")
    return root.parent


def diff(export: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], str]:
    status = main(["diff-export", str(export), "--source", str(source)])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err


def test_an_untouched_export_has_no_differences(
    export: Path, mini_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff(export, mini_root, capsys) == (0, ["Diferencias: 0."], "")


def test_a_changed_option_is_named_with_its_item_and_both_texts(
    export: Path, mini_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = next(
        option
        for path in (export / "course" / "vertical").glob("*-practicar.xml")
        for option in etree.parse(str(path)).iter("option")
    )
    item, old = node.getparent().get("key"), node.findtext("text")
    for path in (export / "course" / "vertical").glob("*-practicar.xml"):
        tree = etree.parse(str(path))
        for found in tree.iter("item"):
            if found.get("key") == item:
                found.find(f"option[@key='{node.get('key')}']/text").text = "Otro texto"
                path.write_bytes(etree.tostring(tree, encoding="utf-8"))

    status, lines, _ = diff(export, mini_root, capsys)

    assert status == 1
    assert len(lines) == 2
    assert f"item[{item}]/option[{node.get('key')}]/text[1]/texto" in lines[0]
    assert f"«{old}» → «Otro texto»" in lines[0]


def test_moved_removed_and_added_parts_are_named(
    export: Path, mini_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next((export / "course" / "vertical").glob("*-leer.xml"))
    tree = etree.parse(str(path)).getroot()
    name = tree[0].get("url_name")
    tree.remove(tree[0])
    etree.SubElement(tree, "html", url_name="nota").text = "Hola"
    path.write_bytes(etree.tostring(tree, encoding="utf-8"))

    status, lines, _ = diff(export, mini_root, capsys)

    assert status == 1
    assert any(line.startswith("html nota: todo: en Studio hay") for line in lines)
    assert any(line.startswith(f"integra_lesson {name}: todo: en Studio falta") for line in lines)
    assert any(f"vertical {path.stem}: orden:" in line for line in lines)


def test_a_changed_title_and_a_hidden_section_are_named(
    export: Path, mini_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next((export / "course" / "sequential").glob("*.xml"))
    tree = etree.parse(str(path)).getroot()
    tree.set("display_name", "Nuevo")
    tree.set("visible_to_staff_only", "true")
    path.write_bytes(etree.tostring(tree, encoding="utf-8"))

    _, lines, _ = diff(export, mini_root, capsys)

    assert any("@display_name" in line and "→ «Nuevo»" in line for line in lines)
    assert any("@visible_to_staff_only: en Studio hay «true»" in line for line in lines)


def test_the_archive_says_the_same_as_the_folder(
    export: Path, mini_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "course.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(export / "course", arcname="course")
        hostile = tarfile.TarInfo("../../etc/passwd.xml")
        hostile.size = 4
        file.addfile(hostile, io.BytesIO(b"<a/>"))
    assert diff(archive, mini_root, capsys) == diff(export, mini_root, capsys)


@pytest.mark.parametrize("content", [b"", b"no es un archivo", b"\x1f\x8b\x08\x00"])
def test_what_is_no_export_is_said(
    content: bytes, mini_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    status, lines, error = diff(path, mini_root, capsys)
    assert (status, lines) == (1, [])
    assert error


def test_a_folder_without_a_course_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExportError):
        read_export(tmp_path)


def test_a_build_says_whether_it_is_current(
    mini_copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["build", "--source", str(mini_copy), "--output", str(tmp_path / "build")]
    assert main([*arguments, "--check"]) == 1
    assert not (tmp_path / "build").exists()
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0
    lesson = next(mini_copy.rglob("leccion.md"))
    lesson.write_text(lesson.read_text("utf-8").rstrip("\n") + "\n\nUna frase más.\n", "utf-8")
    assert main([*arguments, "--check"]) == 1
    assert "no está al día" in capsys.readouterr().err
