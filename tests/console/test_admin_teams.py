"""The tree of teams as a page."""

from __future__ import annotations

from core.context import Work
from core.testkit.fixtures import Api, People
from sdk import where
from tests.console.site import Site


def test_teams_are_a_tree_that_is_changed_where_it_is_shown(client: Api, work: Work, people: People) -> None:
    site = Site(client)
    page = site.get("/admin/teams")
    assert page.texts("//ul[@class='teams']//strong") == ["Team 0", "Team 1", "Team 2"]
    assert "rep00" in " ".join(page.texts("//ul[@class='teams']/li[1]//summary"))
    teams = work.records("core.team")
    assert site.post("/admin/teams", {"name": "New", "parent": str(people.teams[0]), "manager": str(people.manager)}).status == 303
    assert teams.find(where(name="New"))[0]["parent"] == people.teams[0]
    assert site.post("/admin/teams", {"person": str(people.rep), "team": str(people.teams[1])}).status == 303
    assert work.records("core.user").get(people.rep)["team"] in (people.teams[1], str(people.teams[1]))
    (top,) = teams.find(where(name="Sales"))
    circle = site.post("/admin/teams", {"team": str(top["id"]), "name": "Sales", "parent": str(people.teams[0])})
    assert circle.status == 422
    assert circle.all("//*[@role='alert']")
    assert site.post("/admin/teams", {"person": "x", "team": ""}).status == 404
    rep = Site(client.as_user(people.rep))
    assert not rep.get("/admin/teams").all("//main//form")
    assert rep.post("/admin/teams", {"name": "Mine"}).status == 403
