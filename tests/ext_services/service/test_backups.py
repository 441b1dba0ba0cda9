"""A backup comes back whole into an empty database, and brings nobody back who was forgotten since."""

import io
import json
import os
import subprocess
import sys
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from service_support import NOW, confirm

from integra_grading import events
from integra_service.people.erasures import UnreadableErasureError
from integra_service.people.models import LearnerIdentity, LegalName
from integra_service.upkeep.backups import BackupError, replay_erasures, restore_backup
from integra_service.upkeep.management.commands.integra_rehearse_restore import empty_database

NAME = "Rosa Canario Respaldada"
CENSUS = """
import json
from integra_service.people.models import LegalName, LearnerIdentity
from integra_service.people.names import confirmed_name
from integra_service.credentials.models import Credential
print(json.dumps({
    "names": sorted(filter(None, (confirmed_name(i.person) for i in LearnerIdentity.objects.for_system()))),
    "states": sorted(Credential.objects.for_system().values_list("state", flat=True)),
}))
"""


WITHOUT = """
import json
from integra_service.audit.models import AuditEntry
print(json.dumps(AuditEntry.objects.filter(action="restore.without_erasures").count()))
"""


@pytest.fixture
def erasures(settings, tmp_path, monkeypatch):
    folder = tmp_path / "erasures"
    settings.INTEGRA_ERASURES = folder
    monkeypatch.setenv("INTEGRA_ERASURES", str(folder))
    return folder


@pytest.fixture
def graduates(committed_world, erasures):
    """Two certified people of city A, by name."""
    room, found = committed_world.a, {}
    for name in (NAME, "Luz Canario Quedada"):
        learner = uuid.uuid4()
        room.send(room.tell(learner))
        confirm(room.enter(learner), name)
        found[name] = learner
    assert LegalName.objects.count() == 2
    return found


@pytest.fixture
def backup(graduates, tmp_path):
    return make_backup(tmp_path / "backups")


def make_backup(folder):
    said = run("integra_backup", str(folder))
    (place,) = folder.iterdir()
    assert said.startswith(f"{place}: ")
    return place


def run(*command):
    out = io.StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def retire(room, learner):
    answer = room.send(room.event(learner, 11, events.LearnerRetired(**room.common())))
    assert answer.status_code == 202


def manage(url, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "integra_service", *arguments],
        env={**os.environ, "INTEGRA_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_restored_backup_forgets_again_who_was_forgotten_since(
    committed_world, graduates, backup, tmp_path
):
    retire(committed_world.a, graduates[NAME])

    with empty_database(tmp_path) as url:
        done = manage(url, "integra_restore", str(backup))
        assert done.returncode == 0, done.stderr
        assert "erasures: 1 noted, 1 of them forgotten again here" in done.stdout
        assert "chain intact" in done.stdout
        assert "0 records changed." in done.stdout
        census = json.loads(manage(url, "shell", "--no-imports", "-c", CENSUS).stdout)
        assert census == {"names": ["Luz Canario Quedada"], "states": ["erased", "valid"]}
        again = manage(url, "integra_restore", str(backup))
        assert again.returncode == 1
        assert "not empty" in again.stderr


@pytest.mark.parametrize("loss", ["folder", "file", "lines", "other lines"])
def test_without_the_list_of_erasures_nothing_is_restored(
    committed_world, graduates, erasures, tmp_path, monkeypatch, loss
):
    retire(committed_world.a, graduates[NAME])
    backup = make_backup(tmp_path / "backups")
    (path,) = erasures.glob("*.jsonl")
    forgotten = json.loads(path.read_text())["person"]
    match loss:
        case "folder":
            monkeypatch.setenv("INTEGRA_ERASURES", str(tmp_path / "nowhere"))
            expected = f"There is no folder {tmp_path / 'nowhere'}"
        case "file":
            path.rename(erasures / "another-host.jsonl")
            expected = f"has no file {path.name}"
        case "lines":
            path.write_text("")
            expected = "Of 1 people who were forgotten before the backup"
        case _:
            path.write_text(path.read_text().replace(forgotten, str(uuid.uuid4())))
            expected = "does not name 1"
    with empty_database(tmp_path) as url:
        refused = manage(url, "integra_restore", str(backup))
        assert refused.returncode == 1
        assert expected in refused.stderr
        assert "Copy the folder INTEGRA_ERASURES of every host" in refused.stderr
        # Nothing is there: the same restore works once the list is.
        path.write_text(json.dumps({"at": NOW.isoformat(), "person": forgotten}) + "\n")
        monkeypatch.setenv("INTEGRA_ERASURES", str(erasures))
        assert manage(url, "integra_restore", str(backup)).returncode == 0


def test_nobody_was_forgotten_yet_and_the_folder_is_gone(graduates, backup, erasures, tmp_path):
    """Who was forgotten after the backup stands in the file that it names, and in no other."""
    (path,) = erasures.glob("*.jsonl")
    assert path.read_text() == ""
    path.unlink()
    with empty_database(tmp_path) as url:
        refused = manage(url, "integra_restore", str(backup))
    assert (refused.returncode, f"has no file {path.name}" in refused.stderr) == (1, True)


def test_nobody_was_forgotten_yet_and_a_restore_works(graduates, backup, tmp_path):
    with empty_database(tmp_path) as url:
        done = manage(url, "integra_restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert "erasures: 0 noted" in done.stdout


def test_restored_without_erasures_the_name_is_back_and_it_is_said_and_audited(
    committed_world, graduates, erasures, tmp_path
):
    """What the list is for: an older backup still has the name, as a ciphertext."""
    old = make_backup(tmp_path / "old")
    retire(committed_world.a, graduates[NAME])
    new = make_backup(tmp_path / "new")
    for path in erasures.glob("*.jsonl"):
        path.unlink()
    with empty_database(tmp_path) as url:
        done = manage(url, "integra_restore", str(old), "--without-erasures")
        assert done.returncode == 0
        assert "WITHOUT ERASURES" in done.stderr
        assert "Keep its doors closed" in done.stderr
        assert NAME in json.loads(manage(url, "shell", "--no-imports", "-c", CENSUS).stdout)["names"]
        assert json.loads(manage(url, "shell", "--no-imports", "-c", WITHOUT).stdout) == 1
    for path in erasures.glob("*.jsonl"):
        path.unlink()
    (tmp_path / "again").mkdir()
    with empty_database(tmp_path / "again") as url:
        assert manage(url, "integra_restore", str(new), "--without-erasures").returncode == 0
    # Whom the newer one knew as forgotten is noted again.
    (path,) = erasures.glob("*.jsonl")
    assert len(path.read_text().splitlines()) == 1


def test_a_rehearsal_refuses_what_a_restore_would(committed_world, graduates, erasures, tmp_path):
    retire(committed_world.a, graduates[NAME])
    backup = make_backup(tmp_path / "backups")
    for path in erasures.glob("*.jsonl"):
        path.write_text("")
    with pytest.raises(CommandError, match=f"{erasures} does not name 1"):
        run("integra_rehearse_restore", str(backup))


def test_a_backup_says_how_many_erasures_this_host_noted(committed_world, graduates, erasures, tmp_path):
    retire(committed_world.a, graduates[NAME])
    assert f"erasures: 1 known, 1 of them noted on this host in {erasures}" in run(
        "integra_backup", str(tmp_path)
    )


def test_a_backup_is_not_written_where_its_disk_should_be(graduates, tmp_path):
    with pytest.raises(
        CommandError, match=f"There is no folder {tmp_path / 'unmounted'}: is its disk mounted"
    ):
        run("integra_backup", str(tmp_path / "unmounted" / "backups"))
    assert not (tmp_path / "unmounted").exists()


def test_the_folder_of_all_backups_is_no_backup_and_the_latest_in_it_is_named(backup):
    for command in ("integra_rehearse_restore", "integra_restore"):
        with pytest.raises(CommandError, match=f"name one of its folders, the latest is {backup}"):
            run(command, str(backup.parent))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")
def test_a_role_that_may_make_no_database_is_told_what_to_grant(backup):
    with connection.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS integra_plain")
        cursor.execute("CREATE ROLE integra_plain NOCREATEDB")
        cursor.execute("SET ROLE integra_plain")
        try:
            with pytest.raises(CommandError, match=r"ALTER ROLE .* CREATEDB"):
                run("integra_rehearse_restore", str(backup))
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE integra_plain")


def test_a_rehearsal_tells_time_and_loss_and_leaves_nothing(committed_world, graduates, backup, erasures):
    retire(committed_world.a, graduates[NAME])
    noted = [path.read_text() for path in erasures.glob("*.jsonl")]

    said = run("integra_rehearse_restore", str(backup))

    assert "ready after" in said
    assert "loss at this moment: 1 events" in said
    assert "0 records changed." in said
    assert [path.read_text() for path in erasures.glob("*.jsonl")] == noted
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'integra_rehearsal_%'")
            assert cursor.fetchone() == (0,)


def test_a_rehearsal_without_a_backup_takes_one(graduates):
    said = run("integra_rehearse_restore")
    assert said.startswith("backup: ")
    assert "loss at this moment: 0 events" in said


@pytest.mark.parametrize("harm", ["content", "note", "missing"])
def test_a_harmed_backup_is_refused(backup, harm):
    match harm:
        case "content":
            with (backup / "database").open("ab") as file:
                file.write(b"x")
        case "note":
            (backup / "note.json").write_text("{}")
        case _:
            (backup / "note.json").unlink()
    with pytest.raises(CommandError):
        run("integra_rehearse_restore", str(backup))


def test_another_key_of_names_is_told_before_anything_is_restored(backup, settings):
    settings.INTEGRA_NAME_KEYS = (b"another-key-of-names-of-32-bytes",)
    with pytest.raises(BackupError, match="INTEGRA_NAME_KEY"):
        restore_backup(backup)


def test_a_line_nobody_can_read_stops_what_would_bring_names_back(committed_world, graduates, erasures):
    retire(committed_world.a, graduates[NAME])
    with next(erasures.glob("*.jsonl")).open("a") as file:
        file.write('{"person": \n')
    with pytest.raises(UnreadableErasureError, match="line 2 cannot be read"):
        replay_erasures(NOW)


def test_the_list_holds_a_random_id_and_nothing_else(committed_world, graduates, erasures):
    identity = LearnerIdentity.objects.for_system().get(learner_uuid=graduates[NAME])
    retire(committed_world.a, graduates[NAME])
    retire(committed_world.a, graduates[NAME])
    (path,) = erasures.glob("*.jsonl")
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["person"] == str(identity.person.uuid)
    assert set(json.loads(line)) == {"at", "person"}
    assert path.stat().st_mode & 0o077 == 0
