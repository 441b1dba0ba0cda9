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
    assert said.startswith(str(place))
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


def test_without_the_list_of_erasures_the_name_would_be_back(
    committed_world, graduates, backup, tmp_path, erasures
):
    """What the list is for: the backup itself still has the name, as a ciphertext."""
    retire(committed_world.a, graduates[NAME])
    for path in erasures.glob("*.jsonl"):
        path.unlink()
    with empty_database(tmp_path) as url:
        assert manage(url, "integra_restore", str(backup)).returncode == 0
        assert NAME in json.loads(manage(url, "shell", "--no-imports", "-c", CENSUS).stdout)["names"]


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
