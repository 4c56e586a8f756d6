"""The second factor of a person: codes of an authenticator application, and recovery codes for who has lost it."""

from __future__ import annotations

import base64
import re
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from core import secrets as sealed
from core.identity import totp
from core.identity.tables import recovery_codes, sign_ins
from sdk import Unavailable, _, links

CODES = 10
ISSUER = "Dealwright"
_BYTES = 10
"""80 random bits a recovery code: nobody finds them by trying, also not with a copy of the hashes."""
_PART = re.compile(r"\w{4}")


def enabled(row: sa.Row[Any]) -> bool:
    """Whether the person, a row of the sign-ins, is to give a code as well."""
    return row.totp is not None


def offer(connection: Connection, key: bytes, row: sa.Row[Any]) -> tuple[str, str]:
    """A new seed and its address for an application; it is in force when a code of it has come back (`confirm`)."""
    seed = totp.new_seed()
    change = sign_ins.update().where(sign_ins.c.id == row.id).values(totp_offered=sealed.seal(key, _purpose(row.id), seed))
    connection.execute(change)
    return seed, totp.address_of(seed, row.email, ISSUER)


def confirm(connection: Connection, key: bytes, row: sa.Row[Any], code: str, now: datetime) -> list[str] | None:
    """Put the offered seed in force; returns the recovery codes, which are shown this once. None: it is not its code."""
    step = None if row.totp_offered is None else totp.step_of(_read(key, row.id, row.totp_offered), _plain(code), now, 0)
    if step is None:
        return None
    change = sign_ins.update().where(sign_ins.c.id == row.id)
    connection.execute(change.values(totp=row.totp_offered, totp_offered=None, totp_step=step))
    connection.execute(recovery_codes.delete().where(recovery_codes.c.sign_in_id == row.id))
    made = ["-".join(_PART.findall(base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower())) for _number in range(CODES)]
    connection.execute(recovery_codes.insert(), [{"sign_in_id": row.id, "hash": links.digest_of(_plain(one))} for one in made])
    return made


def takes(connection: Connection, key: bytes, row: sa.Row[Any], code: str, now: datetime) -> bool:
    """Whether a code is right, and then it is used up. The row is to be locked, else two could use the same."""
    plain = _plain(code)
    if not plain.isdigit():
        mine = (recovery_codes.c.sign_in_id == row.id, recovery_codes.c.hash == links.digest_of(plain))
        return bool(connection.execute(recovery_codes.delete().where(*mine)).rowcount)
    step = totp.step_of(_read(key, row.id, row.totp), plain, now, row.totp_step)
    if step is not None:
        connection.execute(sign_ins.update().where(sign_ins.c.id == row.id).values(totp_step=step))
    return step is not None


def remove(connection: Connection, sign_in: UUID) -> None:
    """The password alone suffices again."""
    connection.execute(sign_ins.update().where(sign_ins.c.id == sign_in).values(totp=None, totp_offered=None, totp_step=0))
    connection.execute(recovery_codes.delete().where(recovery_codes.c.sign_in_id == sign_in))


def codes_left(connection: Connection, sign_in: UUID) -> int:
    """How many recovery codes are not used yet."""
    query = sa.select(sa.func.count()).select_from(recovery_codes).where(recovery_codes.c.sign_in_id == sign_in)
    return connection.execute(query).scalar_one()


def _plain(code: str) -> str:
    return re.sub(r"[\s-]", "", code).lower()


def _purpose(sign_in: UUID) -> str:
    return f"second_factor:{sign_in}"


def _read(key: bytes, sign_in: UUID, text: str) -> str:
    try:
        return sealed.unseal(key, _purpose(sign_in), text)
    except sealed.Unreadable as failure:
        raise Unavailable(
            _("the two-step verification secret can’t be read because the master key has changed; ask the operator to remove it"),
            code="factor_unreadable",
        ) from failure
