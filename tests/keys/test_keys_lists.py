"""Lists of keys, users and teams narrowed, sorted and paged by LiteLLM's names, with `requests`, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from key_calls import ask, make, refusal

READ = {"Authorization": "Bearer sk-master"}


def get(url: str, path: str, **params: str | int | list[str]) -> Any:
    answer = requests.get(url + path, headers=READ, params=params, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def owners(gateway: str) -> str:
    """Thirty teams and three users, and keys of both; a team's name is another's in other letters."""
    for number in range(30):
        ask(gateway, "POST", "/team/new", {"team_id": f"crew-{number:02}", "team_alias": f"Crew {number}"})
    for name in ("u-ann", "u-bob", "u-Ann"):
        fields = {"user_id": name, "user_alias": name.upper(), "auto_create_key": False}
        ask(gateway, "POST", "/user/new", fields)
    make(gateway, team_id="crew-07", key_alias="of-the-team")
    make(gateway, team_id="crew-07", user_id="u-ann", key_alias="of-its-user")
    make(gateway, team_id="CREW-07", key_alias="of-another")
    make(gateway, user_id="u-ann", key_alias="of-nobodys-team")
    make(gateway, key_alias="told-in-notes", metadata={"team_id": "crew-07"})
    make(gateway, key_alias="as-terms-are-written", metadata={"team_id": "crew-07", "made_by": "x"})
    return gateway


def test_a_teams_keys_are_found_whoever_owns_them(owners: str) -> None:
    def aliases(**params: str) -> list[str]:
        found = get(owners, "/key/list", return_full_object="true", sort_by="key_alias", sort_order="asc", **params)
        assert found["total_count"] == len(found["keys"])
        return [each["key_alias"] for each in found["keys"]]

    assert aliases(team_id="crew-07") == ["of-its-user", "of-the-team"]
    assert aliases(team_id="CREW-07") == ["of-another"]
    assert aliases(user_id="u-ann") == ["of-its-user", "of-nobodys-team"]
    assert aliases(user_id="u-ann", team_id="crew-07") == ["of-its-user"]
    assert aliases(user_id="u-bob", team_id="crew-07") == [] == aliases(team_id='crew-07","made_by":"')
    assert get(owners, "/key/aliases", team_id="crew-07")["aliases"] == ["of-its-user", "of-the-team"]
    assert refusal(owners, "GET", "/key/list?organization_id=o").error["param"] == "organization_id"


def test_users_are_narrowed_sorted_and_paged(owners: str) -> None:
    def users(**params: str | int | list[str]) -> list[str]:
        return [each["user_id"] for each in get(owners, "/user/list", **params)["users"]]

    assert users(user_ids="u-bob,u-ann,nobody") == ["u-ann", "u-bob"]
    assert users(user_ids=["u-bob", "u-Ann"], sort_order="desc") == ["u-bob", "u-Ann"]
    assert users(user_ids=",") == []
    assert users(user_alias="-aNN", sort_by="created_at") == ["u-ann", "u-Ann"]
    whole = get(owners, "/user/list", page=2, page_size=20, sort_by="user_id", sort_order="asc")
    assert (whole["total"], whole["page"], whole["page_size"], whole["total_pages"]) == (33, 2, 20, 2)
    assert [each["user_id"] for each in whole["users"]][-3:] == ["u-Ann", "u-ann", "u-bob"]
    for name in ("user_email", "role", "team"):
        assert refusal(owners, "GET", f"/user/list?{name}=x").error["param"] == name
    for name, value in (("sort_by", "spend"), ("sort_order", "up"), ("page_size", "101"), ("page", "0")):
        assert refusal(owners, "GET", f"/user/list?{name}={value}").error["param"] == name


def test_a_list_of_teams_is_whole(owners: str) -> None:
    """LiteLLM's has no pages, and its readers take it for all."""
    assert len(get(owners, "/team/list")) == 33
    assert [each["team_id"] for each in get(owners, "/team/list", team_alias="crew 7")] == ["crew-07"]
    assert next(each["team_id"] for each in get(owners, "/team/list", page=2, page_size=5)) == "crew-05"
    assert [each["team_id"] for each in get(owners, "/team/list", team_id="crew-03")] == ["crew-03"]


@pytest.fixture(scope="module")
def foreign(owners: str) -> str:
    """Names that the databases would compare by their ASCII letters alone."""
    for number in range(3):
        make(owners, key_alias=f"Ärzte & Öffner, Straße {number}", team_id="AMT-ÜBER")
    make(owners, user_id="ÉCOLE")
    ask(owners, "POST", "/team/new", {"team_id": "aerzte", "team_alias": "Ärzte, Straße"})
    ask(owners, "POST", "/user/new", {"user_id": "aerztin", "user_alias": "Ärzte, Straße", "auto_create_key": False})
    return owners


@pytest.mark.parametrize("part", ["Ärzte", "ärzte", "ÄRZTE", "A\u0308rzte", "STRASSE", "raß"])
def test_letters_of_every_alphabet_are_found_in_either_case(foreign: str, part: str) -> None:
    assert get(foreign, "/key/list", search=part)["total_count"] == 3
    last = get(foreign, "/key/list", search=part, page=2, size=2, sort_by="key_alias", return_full_object="true")
    assert [each["key_alias"] for each in last["keys"]] == ["Ärzte & Öffner, Straße 0"]
    aliases = get(foreign, "/key/aliases", search=part, page=2, size=2)
    assert (aliases["aliases"], aliases["total_count"]) == (["Ärzte & Öffner, Straße 2"], 3)
    teams = get(foreign, "/team/list", team_alias=part)
    assert [each["team_id"] for each in teams] == ["aerzte", "aerztin"]
    assert [each["owner"] for each in get(foreign, "/user/list", user_alias=part)["users"]] == ["aerzte", "aerztin"]


def test_owners_of_keys_are_found_in_either_case_too(foreign: str) -> None:
    assert [get(foreign, "/key/list", search=part)["total_count"] for part in ("über", "école", "Écol")] == [3, 1, 1]
