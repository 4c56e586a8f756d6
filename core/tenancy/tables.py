"""The platform's own tables: tenants and what each has switched on."""

from __future__ import annotations

import sqlalchemy as sa

from sdk.columns import UtcDateTime, json_data, key
from sdk.entities import Record

tenants = sa.Table(
    "core_tenants",
    Record.metadata,
    sa.Column("id", key(), primary_key=True),
    sa.Column("name", sa.String(60), nullable=False, unique=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("locale", sa.String(20), nullable=False),
    sa.Column("timezone", sa.String(60), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("fiscal_year_start", sa.Integer(), nullable=False, server_default="1"),
    sa.Column("week_start", sa.Integer(), nullable=False, server_default="1"),
    # By entity and field, where the tenant has chosen: "block", "warn" or "off".
    sa.Column("duplicates", json_data(), nullable=True),
    # Requests a minute with one of its tokens, in each process; 0: as the installation has it.
    sa.Column("rate_limit", sa.Integer(), nullable=False, server_default="0"),
    # For how many days the audit is kept.
    sa.Column("audit_days", sa.Integer(), nullable=False, server_default="36500"),
    # Ranges of network addresses from which its people may come in, with blanks between; none: every address.
    sa.Column("allowed_addresses", sa.Text(), nullable=False, server_default=""),
    # Grows with every change of rights or plugins, so that all processes drop what they compiled from the old ones.
    sa.Column("access_version", sa.Integer(), nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
)

tenant_plugins = sa.Table(
    "core_tenant_plugins",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("plugin", sa.String(30), primary_key=True),
    sa.Column("enabled", sa.Boolean(), nullable=False),
    # The words of its capabilities that were approved, by whom and when; none: before there were such.
    sa.Column("approved", json_data(), nullable=True),
    sa.Column("approved_by", sa.String(100), nullable=True),
    sa.Column("approved_by_id", key(), nullable=True),
    sa.Column("approved_at", UtcDateTime(), nullable=True),
    # The plugin and a digest of the approved words: tenants that approved the same have the same, so who waits is found by few of them.
    sa.Column("approval", sa.String(80), nullable=False, server_default=""),
    sa.Index("ix_core_tenant_plugins_approval", "enabled", "approval"),
)

plugin_settings = sa.Table(
    "core_plugin_settings",
    Record.metadata,
    sa.Column("tenant_id", key(), primary_key=True),
    sa.Column("plugin", sa.String(30), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    # One of the two: what may be seen, in a list (a bare number would come back from SQLite as no JSON), or what core.secrets has sealed.
    sa.Column("value", json_data(), nullable=True),
    sa.Column("sealed", sa.Text(), nullable=True, info={"secret": True}),
)
