"""Series, runs and what comes of them: through the API and in the background, on real deals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from core.context import Work
from core.extension import discover
from core.extension.discover import GROUP, State
from core.testkit.fixtures import Api, MakeTenant, People
from core.testkit.leaks.hearsay import Listener
from plugins.forecast import runs
from plugins.forecast.history import Definition, read
from plugins.forecast.periods import label_of, number_in, number_of, start_of
from sdk import Draft, where
from sdk.context import id_of
from sdk.fields import Money
from tests.plugins.imports import Done
from tests.plugins.process import Process
from tests.probe.fixtures import OURS

FORECAST = "/api/v1/forecast"
WON = {"entity": "pipeline.deal", "measure": "sum:base_amount", "date_field": "close_date", "conditions": "status=won"}


def month(back: int, today: date = date(2026, 1, 1)) -> date:
    """The fifth of the month so many before this one."""
    return start_of(number_of(today, "month") - back, "month").replace(day=5)


def won(work: Work, process: Process, rows: Sequence[tuple[date, object]], **more: object) -> None:
    """Deals that were won, in one write."""
    stage = process.stages["won"]
    drafts = [Draft("create", {"name": f"deal {number}", "pipeline": process.id, "stage": stage, "close_date": day,
                               "amount": worth if isinstance(worth, Money | dict) else {"amount": str(worth)}, **more})
              for number, (day, worth) in enumerate(rows)]  # fmt: skip
    for outcome in work.records("pipeline.deal").write(drafts):
        if outcome.refusal is not None:
            raise outcome.refusal


def three_years(work: Work, process: Process, **more: object) -> list[float]:
    """36 months with a season and a trend, two deals a month."""
    random = np.random.default_rng(1)
    values = [round(float(1000 + 20 * n + 300 * np.sin(2 * np.pi * n / 12) + random.normal(0, 40)), 2) for n in range(36)]
    rows = [(month(36 - n), part) for n, value in enumerate(values) for part in (100, round(value - 100, 2))]
    won(work, process, rows, **more)
    return values


@pytest.fixture
def forecast(client: Api, drain: Callable[[], int]) -> Callable[..., dict[str, Any]]:
    """Define a series, run it, drain; the run as its owner sees it."""

    def run(api: Api = client, **definition: object) -> dict[str, Any]:
        series = api.post(f"{FORECAST}/series", {"name": f"series {definition}"[:90], **WON, **definition})
        assert series.status_code == 201, series.json
        begun = api.post(f"{FORECAST}/series/{series.json['id']}/runs")
        assert (begun.status_code, begun.json["state"]) == (202, "waiting")
        drain()
        return dict(api.get(f"{FORECAST}/runs/{begun.json['id']}").json)

    return run


def results(api: Api, run: dict[str, Any]) -> list[dict[str, Any]]:
    return list(api.get(f"{FORECAST}/results", {"run": run["id"], "sort": "created_at,id"}).json["data"])


def points(api: Api, result: dict[str, Any]) -> list[dict[str, Any]]:
    return list(api.get(f"{FORECAST}/points", {"result": result["id"], "sort": "step"}).json["data"])


# --- G5 ------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("G5")
def test_three_years_of_deals_are_forecast_with_intervals_and_a_back_test(client: Api, work: Work, process: Process, forecast: Any) -> None:
    values = three_years(work, process)
    won(work, process, [(date(2026, 1, 10), 5000)])  # this month is not over: it is no history yet
    run = forecast(horizon=6)
    assert (run["state"], run["done"], run["total"], run["through"], run["left_out"]) == ("succeeded", 1, 1, "2025-12", "2026-01")
    (result,) = results(client, run)
    assert (result["verdict"], result["periods"], result["season"], result["first_period"]) == ("beats_naive", 36, 12, "2023-01")
    assert Decimal(result["mape"]) < Decimal(result["naive_mape"])
    assert Decimal(result["mase"]) < Decimal(result["naive_mase"])
    ahead = points(client, result)
    assert [point["period"] for point in ahead] == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]
    expected = [1000 + 20 * n + 300 * np.sin(2 * np.pi * n / 12) for n in range(36, 42)]
    assert [float(point["mean"]) for point in ahead] == pytest.approx(expected, rel=0.12)
    for point in ahead:
        low95, low80, mean, high80, high95 = (Decimal(point[name]) for name in ("low_95", "low_80", "mean", "high_80", "high_95"))
        assert low95 <= low80 <= mean <= high80 <= high95
    test = client.get(f"{FORECAST}/results/{result['id']}/backtest").json
    assert test["history"] == values
    tried = {one["model"]: one for one in test["models"]["tried"]}
    assert {"forecast.seasonal_naive", "forecast.holt_winters", "forecast.regression", "forecast.theta"} <= tried.keys()
    assert min(tried.values(), key=lambda one: one["mae"])["model"] == result["model"]
    assert len(tried[result["model"]]["by_step"]) == 6


@pytest.mark.feature("G12")
def test_the_same_data_give_the_same_forecast_and_the_same_numbers(client: Api, work: Work, process: Process, forecast: Any) -> None:
    three_years(work, process)
    made = []
    for number in range(2):
        (result,) = results(client, forecast(horizon=4, name=f"again {number}"))
        test = client.get(f"{FORECAST}/results/{result['id']}/backtest").json
        drop = ("id", "result", "run", "created_at", "updated_at")
        made.append((test, [{k: v for k, v in row.items() if k not in drop} for row in (result, *points(client, result))]))
    assert made[0] == made[1]


def test_the_history_equals_an_independent_computation_by_pandas(client: Api, work: Work, process: Process, people: People) -> None:
    random = np.random.default_rng(3)
    rows = [(month(int(back)).replace(day=int(day)), int(worth)) for back, day, worth in
            zip(random.integers(1, 30, 120), random.integers(1, 28, 120), random.integers(1, 9000, 120), strict=True)]  # fmt: skip
    won(work, process, rows[:60], owner=str(people.reps[0][0]))
    won(work, process, rows[60:], owner=str(people.reps[1][0]))
    frame = pd.DataFrame(rows, columns=["on", "worth"])
    frame["owner"] = ["rep00"] * 60 + ["rep10"] * 60
    for grain, frequency in (("month", "M"), ("quarter", "Q"), ("week", "W-SUN")):
        frame["period"] = pd.PeriodIndex(pd.to_datetime(frame["on"]), freq=frequency)
        with work.transaction():
            found = read(work, Definition.of({**WON, "grain": grain, "split_by": "owner"}))
        for history in found.series:
            mine = frame[frame["owner"] == history.key].groupby("period")["worth"].sum()
            last = pd.Period("2026-01-15", freq=frequency) - 1
            whole = mine[mine.index <= last].reindex(pd.period_range(mine.index.min(), last, freq=frequency), fill_value=0)
            assert history.values == whole.astype(float).tolist(), (grain, history.key)
            assert start_of(history.first, grain) == whole.index[0].start_time.date()


def test_months_without_a_deal_are_zeros_and_splits_begin_on_their_own(work: Work, process: Process) -> None:
    for name in ("A", "B"):
        work.records("catalog.product").create({"name": name})
    won(work, process, [(month(5), 10), (month(2), 30)], product="A")
    won(work, process, [(month(3), 7)], product="B")
    with work.transaction():
        found = read(work, Definition.of({**WON, "grain": "month", "split_by": "product"}))
    assert {history.key: (label_of(history.first, "month"), history.values) for history in found.series} == {
        "A": ("2025-08", [10, 0, 0, 30, 0]),
        "B": ("2025-10", [7, 0, 0]),
    }


def test_who_buys_twice_in_a_week_is_one_customer_of_that_week(work: Work, process: Process) -> None:
    accounts = [id_of(work.records("customers.account").create({"name": name})) for name in ("A", "B")]
    days = [date(2025, 12, 15), date(2025, 12, 16), date(2025, 12, 21), date(2025, 12, 29)]
    for account, chosen in ((accounts[0], days), (accounts[1], days[:1])):
        won(work, process, [(day, 10) for day in chosen], account=account)
    for grain, expected in (("week", [2, 0, 1, 0]), ("month", [2])):
        with work.transaction():
            found = read(work, Definition.of({**WON, "measure": "distinct:account", "grain": grain, "split_by": None}))
        assert [history.values for history in found.series] == [expected]
    with work.transaction():
        found = read(work, Definition.of({**WON, "measure": "distinct:account", "grain": "week", "split_by": "account"}))
    assert {history.key: history.values for history in found.series} == {"A": [1, 0, 1, 0], "B": [1, 0, 0, 0]}
    asked, weekly = list[str](), Definition.of({**WON, "measure": "distinct:account", "grain": "week", "split_by": None})
    sa.event.listen(work.platform.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with work.transaction():
        assert read(work, weekly).series[0].values == [2, 0, 1, 0]
    assert len(asked) < 10, "not one for each week"
    work.tenant = replace(work.tenant, week_start=7)  # whose weeks are others than those of forecasts
    with work.transaction():
        assert read(work, weekly).series[0].values == [2, 0, 1, 0]


def test_of_two_people_of_one_name_each_has_a_chart_of_its_own(client: Api, work: Work, process: Process, forecast: Any) -> None:
    for number, worth in ((1, 4711), (2, 1234)):
        person = id_of(work.records("core.user").create({"name": "张伟", "email": f"z{number}@acme.example"}))
        won(work, process, [(month(back), worth) for back in (3, 2, 1)], owner=person)
    run = forecast(split_by="owner")
    seen, pages = set(), set()
    for row in results(client, run):
        assert row["key"] == "张伟"
        drawn = client.get(f"{FORECAST}/runs/{run['id']}/chart", {"result": row["id"]}).json
        seen.add(drawn["layer"][0]["data"]["values"][0]["value"])
        page = client.get(f"/console/forecast/outlook/{run['id']}", {"result": row["id"]}).text
        pages |= {worth for worth in ("4,711", "1,234") if worth in page}
    assert (seen, pages) == ({4711, 1234}, {"4,711", "1,234"})


def test_what_has_no_rate_is_counted_and_amounts_in_several_currencies_are_refused(
    client: Api, work: Work, process: Process, forecast: Any
) -> None:
    won(work, process, [(month(2), 10), (month(1), {"amount": "5", "currency": "CHF"})])
    run = forecast()
    assert (run["state"], run["unpriced"]) == ("succeeded", 1)
    run = forecast(measure="sum:amount")
    assert run["state"] == "failed"
    assert "currencies" in run["error"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"entity": "no.such"}, "cannot_be_asked"), ({"measure": "sum:name"}, "cannot_be_asked"), ({"measure": "avg:base_amount"}, "not_additive"),
     ({"date_field": "name"}, "no_date"), ({"conditions": "status"}, "cannot_be_asked"), ({"conditions": "nothing=1"}, "cannot_be_asked"),
     ({"split_by": "amount"}, "cannot_be_asked"), ({"grain": "day"}, "unknown_choice"), ({"horizon": 61}, "out_of_range")],
)  # fmt: skip
def test_a_definition_that_cannot_be_asked_is_refused(client: Api, wrong: dict[str, object], code: str) -> None:
    answer = client.post(f"{FORECAST}/series", {"name": "wrong", **WON, **wrong})
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json["errors"]] == [code]


def test_nothing_to_forecast_is_a_run_without_results(client: Api, process: Process, forecast: Any) -> None:
    run = forecast()
    assert (run["state"], run["total"]) == ("succeeded", 0)
    assert client.get(f"{FORECAST}/runs/{run['id']}/chart").status_code == 404


@pytest.mark.feature("G5")
def test_a_short_history_is_said_to_be_short(client: Api, work: Work, process: Process, forecast: Any) -> None:
    won(work, process, [(month(3), 10), (month(1), 30)])
    (result,) = results(client, forecast(horizon=2))
    assert (result["verdict"], result["model"], result["mase"]) == ("thin_data", "forecast.naive", None)
    assert [(point["mean"], point["low_80"]) for point in points(client, result)] == [("30", None), ("30", None)]


def test_figures_beyond_what_can_be_kept_are_said_to_be_so(client: Api, work: Work, process: Process, forecast: Any) -> None:
    won(work, process, [(month(1), 9_000_000_000_000), (month(1), 9_000_000_000_000)])
    (result,) = results(client, forecast())
    assert result["verdict"] == "out_of_range"
    assert points(client, result) == []


def test_a_chart_shows_history_and_forecast(client: Api, work: Work, process: Process, forecast: Any) -> None:
    three_years(work, process)
    chart = client.get(f"{FORECAST}/runs/{forecast(horizon=3)['id']}/chart").json
    line, *bands = chart["layer"]
    assert [value["period"] for value in line["data"]["values"]][-4:] == ["Dec 2025", "Jan 2026", "Feb 2026", "Mar 2026"]
    assert len(bands) == 2
    assert len(bands[0]["data"]["values"]) == 3


# --- G7 through the API --------------------------------------------------------------------------------------------


@pytest.mark.feature("G7")
def test_an_index_is_imported_and_judged_with_its_errors(
    client: Api, work: Work, process: Process, taken: Callable[..., Done], forecast: Any
) -> None:
    random = np.random.default_rng(5)
    index, noise = random.normal(100, 10, 42), random.normal(0, 1, 42)
    won(work, process, [(month(36 - n), round(float(5000 + 60 * (index[n] - 100) + random.normal(0, 60)), 2)) for n in range(36)])
    months = [month(36 - n).replace(day=1) for n in range(42)]
    for name, line in (("PMI", index), ("Dice", noise)):
        work.records("forecast.market_series").create({"name": name, "planned": True})
        csv = "Month,Index\n" + "".join(f"{on},{value:.4f}\n" for on, value in zip(months, line, strict=True))
        upload = {"map": ["Month=on", "Index=value"], "set": [f"market_series={name}"]}
        assert taken("forecast.market_point", csv, **upload).counts == {"created": 42}
        assert taken("forecast.market_point", csv, **upload).counts == {"failed": 42}, "a month has one figure"
    series = client.post(f"{FORECAST}/series", {"name": "won", **WON, "horizon": 6}).json["id"]
    for name in ("PMI", "Dice"):
        assert client.post(f"{FORECAST}/factors", {"series": series, "name": name, "market_series": name}).status_code == 201
    client.post(f"{FORECAST}/market_series", {"name": "Empty"})
    client.post(f"{FORECAST}/factors", {"series": series, "name": "Empty", "market_series": "Empty"})
    client.post(f"{FORECAST}/market_events", {"name": "11.11", "kind": "promotion", "starts_on": "2025-11-01", "ends_on": "2025-11-11"})
    client.post(f"{FORECAST}/factors", {"series": series, "name": "Promotions", "event_kind": "promotion"})
    run = runs.start(work, UUID(series))
    runs.carry_out(work, id_of(run))
    verdicts = {row["factor"]: row for row in client.get(f"{FORECAST}/factor_verdicts").json["data"]}
    assert {name: row["verdict"] for name, row in verdicts.items()} == {
        "PMI": "helps", "Dice": "no_help", "Promotions": "no_help", "Empty": "too_short",
    }  # fmt: skip
    assert Decimal(verdicts["PMI"]["error_with"]) < Decimal(verdicts["PMI"]["error_without"])
    assert verdicts["Dice"]["error_with"] is not None
    (result,) = client.get(f"{FORECAST}/results").json["data"]
    assert (result["factors"], result["model"]) == ("PMI", "forecast.regression")


def test_a_factor_names_one_thing(client: Api) -> None:
    series = client.post(f"{FORECAST}/series", {"name": "won", **WON}).json["id"]
    assert client.post(f"{FORECAST}/factors", {"series": series, "name": "?"}).status_code == 422
    backwards = {"name": "?", "starts_on": "2025-11-11", "ends_on": "2025-11-01"}
    assert client.post(f"{FORECAST}/market_events", backwards).status_code == 422


def test_an_event_counts_by_the_days_that_it_covers(work: Work) -> None:
    from plugins.forecast.market import Market

    series = id_of(work.records("forecast.series").create({"name": "won", **WON}))
    work.records("forecast.factor").create({"series": series, "name": "e", "event_kind": "promotion"})
    work.records("forecast.market_event").create({"name": "x", "kind": "promotion", "starts_on": "2025-01-17", "ends_on": "2025-02-14"})
    work.records("forecast.market_event").create({"name": "y", "kind": "promotion", "starts_on": "0001-01-01", "ends_on": "9999-12-31"})
    with work.transaction():
        (factor,) = Market(work, series, "month").over(number_in("2025-01", "month"))
    line = factor.seen(3, 1).past
    assert list(line) == pytest.approx([1 + 15 / 31, 1 + 14 / 28, 1])


# --- runs ----------------------------------------------------------------------------------------------------------


def test_a_run_that_was_killed_goes_on_where_it_was(
    client: Api, work: Work, process: Process, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rep in people.all_reps:
        won(work, process, [(month(2), 10), (month(1), 20)], owner=str(rep))
    monkeypatch.setattr(runs, "CHUNK", 2)
    series = id_of(work.records("forecast.series").create({"name": "won", **WON, "split_by": "owner"}))
    run, kept = id_of(runs.start(work, series)), runs.keep
    calls: list[int] = []

    def killed(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        kept(*arguments)

    monkeypatch.setattr(runs, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        runs.carry_out(work, run)
    row = work.records("forecast.run").values([run])[run]
    assert (row["state"], row["done"], row["total"]) == ("running", 4, 9)
    runs.carry_out(work, run)
    row = work.records("forecast.run").values([run])[run]
    assert (row["state"], row["done"]) == ("succeeded", 9)
    found = [result["key"] for result in work.records("forecast.result").find(where(run=run))]
    assert sorted(map(str, found)) == sorted(f"rep{team}{person}" for team in range(3) for person in range(3))


def test_a_cancelled_run_stops_and_cannot_be_cancelled_twice(client: Api, work: Work, process: Process, drain: Callable[[], int]) -> None:
    won(work, process, [(month(2), 10)])
    series = client.post(f"{FORECAST}/series", {"name": "won", **WON}).json["id"]
    run = client.post(f"{FORECAST}/series/{series}/runs").json["id"]
    assert client.post(f"{FORECAST}/runs/{run}/cancellations").json["state"] == "cancelled"
    drain()
    assert client.get(f"{FORECAST}/runs/{run}").json["state"] == "cancelled"
    assert client.get(f"{FORECAST}/results", {"run": run}).json["data"] == []
    assert client.post(f"{FORECAST}/runs/{run}/cancellations").status_code == 409


def test_nobody_writes_runs_and_results_by_hand(client: Api) -> None:
    for plural in ("runs", "results", "points", "wins", "model_cards", "factor_verdicts"):
        assert client.post(f"{FORECAST}/{plural}", {}).status_code in (404, 405), plural


# --- rights --------------------------------------------------------------------------------------------------------


def test_a_forecast_is_over_what_its_owner_sees_and_no_other_team_sees_it(
    client: Api, work: Work, process: Process, people: People, forecast: Any
) -> None:
    won(work, process, [(month(2), 10), (month(1), 20)], owner=str(people.reps[0][0]))
    won(work, process, [(month(2), 700)], owner=str(people.reps[1][0]))
    rep, other = client.as_user(people.reps[0][0]), client.as_user(people.reps[1][0])
    (result,) = results(rep, mine := forecast(rep, name="mine"))
    assert rep.get(f"{FORECAST}/results/{result['id']}/backtest").json["history"] == [10, 20]
    (whole,) = results(client, everything := forecast(client, name="all"))
    assert client.get(f"{FORECAST}/results/{whole['id']}/backtest").json["history"] == [710, 20]
    for api, run, row in ((other, mine, result), (rep, everything, whole)):
        assert api.get(f"{FORECAST}/runs/{run['id']}").status_code == 404
        assert api.get(f"{FORECAST}/results/{row['id']}/backtest").status_code == 404
        assert api.get(f"{FORECAST}/runs/{run['id']}/chart").status_code == 404
        assert api.post(f"{FORECAST}/runs/{run['id']}/cancellations").status_code == 404
        assert row["id"] not in {one["result"] for one in api.get(f"{FORECAST}/points").json["data"]}
        assert row["id"] not in {one["result"] for one in api.get(f"{FORECAST}/backtests").json["data"]}
    assert client.as_user(people.manager).get(f"{FORECAST}/runs/{mine['id']}").status_code == 200


@pytest.mark.feature("B5")
@pytest.mark.parametrize("made_by", ["somebody", "oneself"])
def test_nobody_reads_in_a_forecast_what_is_hidden_where_it_stands(
    client: Api, work: Work, process: Process, forecast: Any, made_by: str
) -> None:
    won(work, process, [(month(back), 4711) for back in range(1, 30)])
    role = work.records("core.role").create({"key": "watcher", "name": "Watcher"})["id"]
    person = id_of(work.records("core.user").create({"name": "W", "email": "w@acme.example", "roles": ["watcher"]}))

    def grant(permission: str, scope: str = "all", fields: Sequence[str] | None = None) -> UUID:
        return id_of(work.records("core.grant").create({"role": role, "permission": permission, "scope": scope, "only_fields": fields}))

    with work.transaction():
        shapes = [work.shape(name) for name in work.entities() if name.startswith("forecast.")]
        seen = sorted(work.shape("pipeline.deal").fields.keys() - {"amount", "base_amount"})
    for shape in shapes:
        grant(f"{shape.entity.full_name}.read", "all" if shape.entity.parent is None else "parent")
    for permission in ("forecast.run.inspect", "forecast.run.start", "forecast.series.create"):
        grant(permission)
    whole = grant("pipeline.deal.read")
    watcher = client.as_user(person)
    run = forecast(client if made_by == "somebody" else watcher)
    ears = Listener(watcher, shapes)
    heard, page = " ".join(ears.hears("4711")), f"/console/forecast/outlook/{run['id']}"
    for place in ("/backtests", "/points", "/backtest", "/chart"):
        assert place in heard, place
    assert "4,711" in watcher.get(page).text
    work.records("core.grant").delete(whole)
    narrow = grant("pipeline.deal.read", fields=seen)
    series = work.records("forecast.run").values([UUID(run["id"])])[UUID(run["id"])]["series"]
    work.records("forecast.series").update(series, {"measure": "count"})  # what the run has added up stays what it was
    assert ears.hears("4711", "4,711") == []
    assert (watcher.get(page).status_code, "4,711" in watcher.get(page).text) == (200, False)
    assert ears.finds("4711") == []
    assert watcher.get(f"{FORECAST}/results?verdict=naive_best").status_code == 400
    assert watcher.get(f"{FORECAST}/runs/{run['id']}/chart").status_code == 403
    work.records("core.grant").delete(narrow)
    grant("pipeline.deal.read")
    work.records("core.grant").delete(id_of(work.records("core.grant").find(where(role=role, permission="forecast.run.inspect"))[0]))
    assert bool(ears.hears("4711")) == (made_by == "oneself")


@pytest.mark.feature("B6")
def test_no_refusal_quotes_a_condition_that_is_hidden(client: Api, work: Work) -> None:
    series = id_of(work.records("forecast.series").create({"name": "won", **WON}))
    role = work.records("core.role").create({"key": "planner", "name": "Planner"})["id"]
    rights = {
        "forecast.series.read": ["name", "entity", "measure", "date_field"],
        "forecast.series.update": None,
        "customers.account.read": None,
        "pipeline.deal.read": None,
    }
    for permission, seen in rights.items():
        work.records("core.grant").create({"role": role, "permission": permission, "scope": "all", "only_fields": seen})
    planner = id_of(work.records("core.user").create({"name": "Planner", "email": "planner@acme.example", "roles": ["planner"]}))
    other = {"entity": "customers.account", "measure": "count", "date_field": "created_at"}
    (told, quoted) = (one.patch(f"{FORECAST}/series/{series}", other).json["errors"][0] for one in (client.as_user(planner), client))
    assert (told["code"], "status" in told["message"]) == ("cannot_be_asked", False), told
    assert "status" in quoted["message"], "who sees it is told what is wrong with it"
    refused = client.as_user(planner).patch(f"{FORECAST}/series/{series}", {"date_field": "name"}).json["errors"][0]
    assert (refused["code"], "pipeline.deal" in refused["message"]) == ("no_date", False), refused


@pytest.mark.feature("B6")
def test_a_forecast_over_more_than_its_reader_sees_tells_that_one_no_figures(
    client: Api, work: Work, process: Process, people: People, forecast: Any
) -> None:
    """A manager looks into a representative's forecast as far as every deal in it, with its amount, is one that the manager sees."""
    won(work, process, [(month(back), 4711) for back in range(1, 30)])
    rep, manager = client.as_user(people.rep), client.as_user(people.manager)

    def hears(api: Api, run: Any) -> bool:
        rows = api.get(f"{FORECAST}/points", {"limit": 500}).json["data"]
        results = {row["id"] for row in api.get(f"{FORECAST}/results").json["data"] if row["run"] == run["id"]}
        return any("mean" in row for row in rows if row["result"] in results)

    deals = [id_of(row) for row in work.records("pipeline.deal").find(())]
    work.records("pipeline.deal").write_all([Draft("update", {"owner": str(people.rep)}, id) for id in deals])
    run = forecast(rep)
    assert hears(rep, run)
    assert hears(manager, run)
    work.records("pipeline.deal").update(deals[0], {"owner": str(people.reps[2][0])})
    share = {"record": f"pipeline.deal:{deals[0]}", "user": str(people.rep)}
    lent = id_of(work.records("core.share").create(share))
    assert (hears(rep, run), hears(manager, run)) == (True, False), "one of them is shared with the representative alone"
    work.records("core.share").delete(lent)
    assert hears(manager, run)
    people_of, roles = work.records("core.user"), work.records("core.user").get(people.rep)["roles"]
    people_of.update(people.rep, {"roles": []})
    assert not hears(manager, run), "who has no right to deals any more could not have made it, and says nothing of what is in it"
    people_of.update(people.rep, {"roles": roles})
    assert hears(manager, run)
    with work.transaction():
        seen = sorted(work.shape("pipeline.deal").fields.keys() - {"amount", "base_amount"})
    role = work.records("core.role").create({"key": "narrow", "name": "Narrow"})["id"]
    for more in ({"scope": "all", "only_fields": seen}, {"scope": "own"}):
        work.records("core.grant").create({"role": role, "permission": "pipeline.deal.read", **more})
    for name in ("run", "result", "point"):
        scope = "all" if name == "run" else "parent"
        work.records("core.grant").create({"role": role, "permission": f"forecast.{name}.read", "scope": scope})
    work.records("core.grant").create({"role": role, "permission": "forecast.run.inspect", "scope": "all"})
    work.records("core.user").update(people.manager, {"roles": ["narrow"]})
    assert not hears(manager, run), "all the deals, and amounts of the own alone"


def test_another_tenant_sees_nothing(client: Api, work: Work, process: Process, make_tenant: MakeTenant, forecast: Any) -> None:
    won(work, process, [(month(1), 20)])
    run = forecast()
    other = make_tenant("other")
    admin = id_of(client.platform.system(other.id).records("core.user").create({"name": "A", "email": "a@o.example", "roles": ["admin"]}))
    api = client.as_user(admin, of=other)
    assert api.get(f"{FORECAST}/runs/{run['id']}").status_code == 404
    assert api.get(f"{FORECAST}/series").json["data"] == []


# --- other plugins' models -----------------------------------------------------------------------------------------


class TestThirdParty:
    """With a plugin of somebody else that brings a model."""

    @pytest.fixture
    def entry_points(self) -> Sequence[EntryPoint] | None:
        return (*OURS, EntryPoint("probe_forecast", "tests.probe_forecast.plugin", GROUP))

    @pytest.mark.feature("G5")
    def test_a_model_of_another_plugin_takes_part_and_wins_where_it_is_best(
        self, client: Api, work: Work, process: Process, forecast: Any
    ) -> None:
        won(work, process, [(month(14 - n), 2**n) for n in range(14)])
        run = forecast(horizon=2)
        (result,) = results(client, run)
        assert (result["model"], result["mae"]) == ("probe_forecast.doubled", "0")
        assert [point["mean"] for point in points(client, result)] == [str(2**14), str(2**15)]
        assert client.get(f"{FORECAST}/results/{result['id']}/backtest").json["parameters"] == {"factor": 2}

    def test_switched_off_it_is_not_tried(self, client: Api, work: Work, process: Process, forecast: Any) -> None:
        assert client.patch("/api/v1/core/plugins/probe_forecast", {"enabled": False}).status_code == 200
        won(work, process, [(month(14 - n), 2**n) for n in range(14)])
        (result,) = results(client, forecast(horizon=2))
        assert result["model"].startswith("forecast.")


def test_without_its_extra_the_plugin_is_a_row_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util
    import sys

    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "sklearn" else there(name, *rest))
    monkeypatch.delitem(sys.modules, "plugins.forecast.plugin")
    (found,) = discover.discover(["forecast"], [point for point in OURS if point.name == "forecast"])
    assert found.state is State.MISSING_EXTRA
    assert "sklearn" in found.reason


def test_starting_the_platform_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    script = "import plugins.forecast.plugin, sys; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "scipy", "sklearn", "pandas"} & set(loaded)
