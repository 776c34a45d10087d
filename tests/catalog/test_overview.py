"""Files found by name, type and state, copies counted by account: on both engines, in any order and over pages."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog_samples import NOW, commit, run, saved
from liftgate.catalog.connection import Connection
from liftgate.catalog.database import Database
from liftgate.catalog.rows.files import delete_file
from liftgate.catalog.rows.overview import Held, find_files, held, unsettled
from liftgate.errors import FileNotFound, InvalidRequest
from liftgate.records import FileSearch

LATER = NOW + 10


def names(conn: Connection, owner: str = "anna", **wanted: object) -> list[str]:
    found = find_files(conn, owner, FileSearch(**wanted), LATER)  # type: ignore[arg-type]
    return [file.filename for file in found.files]


def paged(conn: Connection, **wanted: object) -> Iterator[list[str]]:
    after = None
    while True:
        found = find_files(conn, "anna", FileSearch(after=after, **wanted), LATER)  # type: ignore[arg-type]
        yield [file.filename for file in found.files]
        if (after := found.next) is None:
            return


def test_names_are_found_by_their_words(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        def work(conn: Connection) -> None:
            decomposed = unicodedata.normalize("NFD", "Übungsblatt Straße.pdf")
            for at, name in enumerate(["Quarterly Report 2025.pdf", "report_draft.txt", decomposed, "100%_done.txt"]):
                commit(conn, content=name.encode(), filename=name, created_at=NOW + at)
            commit(conn, owner="ben", content=b"x", filename="report of ben.txt")
            commit(conn, content=b"inline", filename="report inline.txt", purpose="inline")
            commit(conn, content=b"kept", filename="report kept.txt", purpose="response")
            assert names(conn, search="REPORT") == ["report_draft.txt", "Quarterly Report 2025.pdf"]
            assert names(conn, search="2025 report") == ["Quarterly Report 2025.pdf"]
            assert names(conn, search="übungsblatt") == names(conn, search="STRASSE") == [decomposed]
            # What stands for any text in LIKE stands for itself here.
            assert names(conn, search="%_") == names(conn, search="100%") == ["100%_done.txt"]
            assert names(conn, search="r%t") == names(conn, search="report\x00") == names(conn, search="ben") == []
            assert names(conn, owner="carl", search="report") == []

        await database.write(work)

    run(database_url, scenario)


def test_an_id_finds_its_file_and_other_fields_narrow_it(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        def work(conn: Connection) -> None:
            talk = commit(conn, content=b"1", filename="talk.wav", mime_type="audio/wav", display_name="My Talk")
            commit(conn, content=b"2", filename="film.mp4", mime_type="video/mp4", purpose="batch", created_at=NOW + 1)
            commit(conn, content=b"3", filename="bad.mp4", mime_type="video/mp4", status="error", created_at=NOW + 2)
            commit(conn, content=b"4", filename="gone.mp4", mime_type="video/mp4", expires_at=NOW + 5)
            assert names(conn, search=talk.id) == names(conn, search="my talk") == ["talk.wav"]
            assert names(conn, type="video/") == ["bad.mp4", "film.mp4"]
            assert names(conn, type="video/", status="processed") == names(conn, purpose="batch") == ["film.mp4"]
            assert not any(names(conn, purpose=purpose) for purpose in ("inline", "response", "\ud800"))

        await database.write(work)

    run(database_url, scenario)


@pytest.mark.parametrize("sort", ["created_at", "filename", "bytes"])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_together_are_the_list_in_its_order(database_url: str, sort: str, descending: bool) -> None:
    async def scenario(database: Database) -> None:
        def work(conn: Connection) -> None:
            made = [("b 1", 3), ("A 2", 1), ("c x", 2), ("a 10", 3), ("B 2", 2)]
            for at, (name, size) in enumerate(made):
                commit(conn, content=name.encode().ljust(8)[: size + 4], filename=name, created_at=NOW + at)
            orders = {
                "created_at": ["b 1", "A 2", "a 10", "B 2"],
                "filename": ["a 10", "A 2", "b 1", "B 2"],
                "bytes": None,
            }
            pages = list(paged(conn, search="1", sort=sort, descending=descending, limit=1))
            assert [len(page) for page in pages] == [1] * len(pages)
            two = [name for page in paged(conn, sort=sort, descending=descending, limit=2) for name in page]
            whole = names(conn, sort=sort, descending=descending)
            assert two == whole and len(whole) == len(made)
            if expected := orders[sort]:
                kept = [name for name in whole if name != "c x"]
                assert kept == (expected[::-1] if descending else expected)
            else:
                sizes = [size for name in whole for known, size in made if known == name]
                assert sizes == sorted(sizes, reverse=descending)

        await database.write(work)

    run(database_url, scenario)


def test_a_page_goes_on_behind_a_deleted_file_and_never_behind_anothers(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        def work(conn: Connection) -> None:
            made = [commit(conn, content=b"%d" % at, filename=f"f{at}", created_at=NOW + at) for at in range(3)]
            other = commit(conn, owner="ben", content=b"x")
            delete_file(conn, "anna", made[1].id, LATER)
            assert names(conn, after=made[1].id) == ["f0"]
            with pytest.raises(InvalidRequest, match="begin again"):
                names(conn, after=made[1].id, sort="bytes")
            for sort in ("created_at", "filename", "bytes"):
                with pytest.raises(FileNotFound):
                    names(conn, after=other.id, sort=sort)

        await database.write(work)

    run(database_url, scenario)


def test_a_search_looks_at_so_many_and_says_where_it_goes_on(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        def work(conn: Connection) -> None:
            for at in range(8):
                name = "wanted" if at in (0, 6) else "other"
                commit(conn, content=b"%d" % at, filename=f"{name}{at}", created_at=NOW + at)
            pages: list[list[str]] = []
            after: str | None = None
            while after or not pages:
                wanted = FileSearch(search="wanted", after=after)
                files, after = find_files(conn, "anna", wanted, LATER, most=3)
                pages.append([file.filename for file in files])
            assert pages == [["wanted6"], [], ["wanted0"]]
            with pytest.raises(InvalidRequest, match="listed by 'created_at' only"):
                find_files(conn, "anna", FileSearch(sort="filename"), LATER, most=7)
            assert len(find_files(conn, "anna", FileSearch(sort="filename"), LATER, most=8).files) == 8

        await database.write(work)

    run(database_url, scenario)


def test_what_an_account_holds_and_what_is_unsettled(database_url: str) -> None:
    async def scenario(database: Database) -> None:
        def work(conn: Connection) -> None:
            first, second = commit(conn, content=b"one", filename="one"), commit(conn, content=b"two", filename="two")
            bens = commit(conn, owner="ben", content=b"three", filename="three")
            saved(conn, first.blob_id, bytes=100)
            saved(conn, second.blob_id, bytes=20, state="failed", error="It has no frames.", name="files/b")
            saved(
                conn, second.blob_id, bytes=20, account="project-2", state="uploading", expires_at=None, name="files/c"
            )
            saved(conn, bens.blob_id, bytes=5, name="files/d")
            saved(conn, first.blob_id, bytes=7, account="project-2", expires_at=LATER - 1, name="files/e")
            failed = Held("project-1", "failed", 1, 20)
            coming = Held("project-2", "uploading", 1, 20)
            assert sorted(held(conn, "anna", LATER)) == [Held("project-1", "active", 1, 100), failed, coming]
            assert sorted(held(conn, None, LATER)) == [Held("project-1", "active", 2, 105), failed, coming]
            [found] = unsettled(conn, "anna", ("failed",), LATER, 10)
            assert (found.file_id, found.filename, found.copy.error) == (second.id, "two", "It has no frames.")
            assert [each.filename for each in unsettled(conn, "anna", ("uploading", "processing"), LATER, 10)] == [
                "two"
            ]
            assert unsettled(conn, "ben", ("failed", "uploading"), LATER, 10) == []

        await database.write(work)

    run(database_url, scenario)


@pytest.mark.full
def test_ten_thousand_names_are_searched_in_little_time(tmp_path: Path) -> None:
    """At most 50 ms of CPU, counted by the thread that works; how long it waits is not counted."""

    async def scenario(database: Database) -> float:
        def fill(conn: Connection) -> None:
            for at in range(10_000):
                commit(conn, content=b"%d" % at, filename=f"Lecture {at:05}.mp4", created_at=NOW + at)

        def look(conn: Connection) -> float:
            begun = time.thread_time()
            assert names(conn, search="lecture 00007") == ["Lecture 00007.mp4"]
            return time.thread_time() - begun

        await database.write(fill, timeout=60)
        return min([await database.read(look) for _ in range(3)])

    assert run(f"sqlite:///{tmp_path}/catalog.db", scenario, timeout=60) < 0.050
