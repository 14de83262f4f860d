from pathlib import Path

from actors.places import check_folder, fault_of_places


def test_a_folder_that_is_not_there_yet_can_be_made(tmp_path: Path) -> None:
    assert check_folder(tmp_path / "new" / "files") is None
    assert not (tmp_path / "new").exists()


def test_a_folder_behind_a_file_is_refused_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    fault = check_folder(tmp_path / "file" / "files")

    assert fault is not None
    assert fault.startswith("FILES_PATH ")


def test_the_first_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store, socket, files = tmp_path / "s.db", tmp_path / "s.sock", tmp_path / "files"

    assert fault_of_places(store=store, socket=socket, files=files) is None
    missing = fault_of_places(store=tmp_path / "no" / "s.db", socket=socket, files=files)
    assert missing is not None
    assert "FILES_PATH" in str(fault_of_places(store=store, socket=socket, files=tmp_path / "file"))
