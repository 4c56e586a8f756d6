"""The raw limit: routes as one would write them by hand, with the same SQL, on the same kind of server.

They ask nobody who is calling, know no tenant but one, and check nothing.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import sqlalchemy as sa
from flask import Flask, Response, request

from core.cli.serve import Server


class RawServer(Server):
    """Gunicorn with exactly the settings of `dealwright serve`."""

    def __init__(self, port: int, workers: int, plan: dict[str, Any]) -> None:
        self._plan = plan
        super().__init__("127.0.0.1", port, workers)

    def load(self) -> Flask:
        return application(self._plan)


def application(plan: dict[str, Any]) -> Flask:
    """A bare route, a list for each statement of the plan, an INSERT."""
    app, rows = Flask("raw", static_folder=None), Rows(plan)

    @app.get("/bare")
    def bare() -> Response:
        return Response(b'{"data":[]}', mimetype="application/json")

    @app.post("/bare")
    def taken() -> Response:
        return Response(orjson.dumps({"got": len(orjson.loads(request.get_data()))}), 201, mimetype="application/json")

    @app.get("/deals/<shape>")
    def deals(shape: str) -> Response:
        return Response(orjson.dumps(rows.page(shape), option=orjson.OPT_UTC_Z), mimetype="application/json")

    @app.post("/accounts")
    def accounts() -> Response:
        return Response(orjson.dumps(rows.insert(orjson.loads(request.get_data()))), 201, mimetype="application/json")

    return app


class Rows:
    """A driver's connection for each thread, with the tenant set once and for all."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan, self._mine = plan, threading.local()
        self._sqlite = str(plan["url"]).startswith("sqlite")
        self._engine = sa.create_engine(plan["url"], pool_size=32)
        self._statements = {name: (text, _parameters(given)) for name, (text, given) in plan.get("lists", {}).items()}

    def connection(self) -> Any:
        """The thread's connection."""
        if not hasattr(self._mine, "connection"):
            self._mine.held = self._engine.raw_connection()
            made = self._mine.held.driver_connection
            if self._sqlite:
                made.isolation_level = None
                made.create_function("lower", 1, str.lower, deterministic=True)
                for setting in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "cache_size=-65536"):
                    made.execute(f"PRAGMA {setting}")
            else:
                made.autocommit = True
                made.execute(f"SET ROLE dealwright_app; SET dealwright.tenant = '{UUID(self._plan['tenant'])}'")
            self._mine.connection = made
        return self._mine.connection

    def page(self, shape: str) -> dict[str, Any]:
        """Fifty deals and where to go on."""
        text, parameters = self._statements[shape]
        found = self.connection().execute(text, parameters).fetchall()
        page = found[:50]
        following = f"{page[-1][-2]}|{page[-1][-1]}" if len(found) > 50 else None
        return {"data": [_deal_sqlite(row) if self._sqlite else _deal(row) for row in page], "page": {"next": following}}

    def insert(self, values: dict[str, Any]) -> dict[str, Any]:
        """One account."""
        id = uuid4()
        key = id.hex if self._sqlite else id
        text, tenant = self._plan["insert"], self._plan["tenant"]
        given = (UUID(tenant).hex if self._sqlite else tenant, key, values["name"], values.get("city"))
        self.connection().execute(text, given)
        return {"id": id, **values}


def _parameters(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: _value(value) for name, value in given.items()}
    return tuple(_value(value) for value in given)


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(one) for one in value]
    return UUID(value["uuid"]) if isinstance(value, dict) else value


def _deal(row: Any) -> dict[str, Any]:
    return {
        "id": row[0], "name": row[1], "account": row[2], "contact": row[3], "product": row[4], "pipeline": row[5], "stage": row[6],
        "status": row[7], "amount": None if row[8] is None else {"amount": f"{row[8]:.2f}", "currency": row[9]},
        "probability": None if row[10] is None else f"{row[10].normalize():f}", "opened_on": row[11], "close_date": row[12],
        "competitor": row[13], "notes": row[14], "owner": row[15], "version": row[16], "created_at": row[17], "updated_at": row[18],
    }  # fmt: skip


def _deal_sqlite(row: Any) -> dict[str, Any]:
    return {
        "id": _key(row[0]), "name": row[1], "account": _key(row[2]), "contact": _key(row[3]), "product": _key(row[4]),
        "pipeline": _key(row[5]), "stage": _key(row[6]), "status": row[7],
        "amount": None if row[8] is None else {"amount": f"{row[8] / 10_000:.2f}", "currency": row[9]},
        "probability": None if row[10] is None else f"{row[10] / 10_000:g}", "opened_on": row[11], "close_date": row[12],
        "competitor": row[13], "notes": row[14], "owner": _key(row[15]), "version": row[16], "created_at": _instant(row[17]),
        "updated_at": _instant(row[18]),
    }  # fmt: skip


def _key(hex: str | None) -> str | None:
    return None if hex is None else f"{hex[:8]}-{hex[8:12]}-{hex[12:16]}-{hex[16:20]}-{hex[20:]}"


def _instant(text: str) -> str:
    return f"{text[:10]}T{text[11:19]}{'' if text[19:] == '.000000' else text[19:]}Z"


if __name__ == "__main__":
    RawServer(int(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))).run()
