"""What is sent comes in before anything is locked, and files from those alone who may come in."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from core.platform import Platform
from core.testkit.fixtures import Api
from sdk import Tenant

pytestmark = pytest.mark.parametrize("database_templates", ["sqlite"], indirect=True)


class Line(io.BytesIO):
    """A body on its way; `hears` is called while it comes in."""

    def __init__(self, body: bytes, hears: Callable[[], object]) -> None:
        super().__init__(body)
        self.hears: Callable[[], object] | None = hears

    def read(self, size: int | None = -1, /) -> bytes:
        heard, self.hears = self.hears, None
        if heard is not None:
            heard()
        return super().read(size)

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def test_while_a_body_comes_in_others_write(client: Api, platform: Platform, tenant: Tenant) -> None:
    others = platform.system(tenant.id).records("customers.account")
    body = b'{"name": "Slow"}'
    line = Line(body, lambda: others.create({"name": "Quick"}))
    answer = client.flask.post(
        "/api/v1/customers/accounts",
        headers={"Authorization": f"Bearer {client.token}"},
        input_stream=line,
        content_length=len(body),
        content_type="application/json",
    )
    assert answer.status_code == 201, answer.text
    assert {row["name"] for row in others.find(())} == {"Quick", "Slow"}


@pytest.mark.parametrize("path", ["/api/v1/import_export/imports", "/console/teamwork/upload"])
def test_a_file_of_nobody_is_not_taken_in(client: Api, path: str) -> None:
    heard: list[bool] = []
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nname\r\n--x--\r\n'
    for headers in ({}, {"Authorization": "Bearer dw_nonsense"}):
        answer = client.flask.post(
            path,
            headers=headers,
            input_stream=Line(body, lambda: heard.append(True)),
            content_length=len(body),
            content_type="multipart/form-data; boundary=x",
        )
        assert answer.status_code in (401, 303), "to the page where one signs in"
    assert not heard
