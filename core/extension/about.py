"""What a tenant's administrator asks of one plugin before switching it: what it adds, whether it is well, what would be missing without it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from core.data import migrate
from core.extension import failures
from core.extension.impact import share_of
from core.extension.said import told
from core.extension.vanished import as_now
from core.worker.presence import presence
from sdk import NotFound, _

if TYPE_CHECKING:
    from core.context import Work
    from core.extension.discover import Found


def described(work: Work, name: str) -> dict[str, object]:
    """A plugin: what it adds by kind, why it does not serve if so, whether it has settings, who requires it, which of its hooks fail or are slow."""
    found, platform = _found(work, name), work.platform
    adds = {kind: names for kind, names in platform.catalog.provenance(name).items() if names}
    with platform.database.begin(write=False, tenant=None) as connection:
        ill = [one for one in failures.lately(connection, work.now()) if one.plugin == name]
        slow = [one for one in failures.slow(connection, work.now()) if one.plugin == name]
    return {
        "name": name, "reason": told(work.say, found.reason), "distribution": found.distribution, "adds": adds, "has_settings": "settings" in adds,
        "required_by": [one for one in _leaning(work, name) if one in work.enabled],
        "failing": [asdict(one) for one in ill], "slow": [asdict(one) for one in slow],
    }  # fmt: skip


def leaving(work: Work, name: str) -> dict[str, object]:
    """What this tenant would miss without a plugin: rows by table, links of others to them, fields and entities of its own that lean on it,
    grants, tokens, what other plugins say of theirs.

    Nothing of it is deleted by switching the plugin off; it is out of sight until the plugin is on again.
    """
    _found(work, name)
    share = share_of(work.platform, name, work.tenant.id, work.tenant.name)
    return {
        "plugin": name, "rows": share.rows, "links": share.links, "own": share.own, "grants": share.grants, "tokens": share.tokens, "uses": share.uses,
        "unanswered": share.unanswered, "required_by": [one for one in _leaning(work, name) if one in work.enabled],
        "taken_along": [one for one in _leaning(work, name, bridges=True) if one in work.enabled],
    }  # fmt: skip


def health(work: Work) -> dict[str, object]:
    """What `/health/ready` says, told to an administrator: which parts are well, and plugins that do not serve, fail or are slow, with the reason."""
    platform = work.platform
    behind = migrate.behind(platform.database, platform.branches())
    with platform.database.begin(write=False, tenant=None) as connection:
        ill, slow = failures.lately(connection, work.now()), failures.slow(connection, work.now())
    return {
        "behind": sorted(behind),
        "background": presence(platform),
        "mail": platform.config.mail is not None,
        "plugins": [
            {"name": one.name, "state": one.state.value, "reason": told(work.say, one.reason)} for one in as_now(platform) if one.is_ill
        ],
        "failing": [asdict(one) for one in ill],
        "slow": [asdict(one) for one in slow],
    }


def _found(work: Work, name: str) -> Found:
    found = next((one for one in as_now(work.platform) if one.name == name), None)
    if found is None:
        raise NotFound(_("no active plugin {name!r}; see `dealwright plugin list`"), name=name[:80])
    return found


def _leaning(work: Work, name: str, *, bridges: bool = False) -> list[str]:
    """The plugins that require this one; bridges, which come and go with it by themselves, apart."""
    manifests = work.platform.gate.manifests
    return sorted(one for one, manifest in manifests.items() if name in manifest.required and manifest.bridge is bridges)
