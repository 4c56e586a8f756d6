"""Quotes orders contracts invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sdk import columns, migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    migrations.create_table(
        op,
        "orders_quotes",
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("deal_id", columns.key(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("quoted_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("net", columns.Exact(), nullable=True),
        sa.Column("tax", columns.Exact(), nullable=True),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("net_currency", sa.String(3), nullable=True),
        sa.Column("tax_currency", sa.String(3), nullable=True),
        sa.Column("total_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_quotes", "account_id", "customers_accounts"),
        migrations.foreign_key("orders_quotes", "contact_id", "customers_contacts"),
    )
    migrations.create_index(op, "orders_quotes", "account_id")
    migrations.create_index(op, "orders_quotes", "contact_id")
    migrations.create_index(op, "orders_quotes", "deal_id")
    migrations.create_index(op, "orders_quotes", "state")
    migrations.create_unique(op, "orders_quotes", "number")
    migrations.create_table(
        op,
        "orders_orders",
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("deal_id", columns.key(), nullable=True),
        sa.Column("quote_id", columns.key(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=True),
        sa.Column("billed", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("net", columns.Exact(), nullable=True),
        sa.Column("tax", columns.Exact(), nullable=True),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("base_amount", columns.Exact(), nullable=True),
        sa.Column("rate", columns.Exact(10), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("net_currency", sa.String(3), nullable=True),
        sa.Column("tax_currency", sa.String(3), nullable=True),
        sa.Column("total_currency", sa.String(3), nullable=True),
        sa.Column("base_amount_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_orders", "account_id", "customers_accounts"),
        migrations.foreign_key("orders_orders", "contact_id", "customers_contacts"),
        migrations.foreign_key("orders_orders", "quote_id", "orders_quotes"),
    )
    migrations.create_index(op, "orders_orders", "account_id")
    migrations.create_index(op, "orders_orders", "contact_id")
    migrations.create_index(op, "orders_orders", "deal_id")
    migrations.create_index(op, "orders_orders", "ordered_on")
    migrations.create_index(op, "orders_orders", "quote_id")
    migrations.create_index(op, "orders_orders", "state")
    migrations.create_unique(op, "orders_orders", "number")
    migrations.create_table(
        op,
        "orders_quote_lines",
        sa.Column("quote_id", columns.key(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("product_id", columns.key(), nullable=True),
        sa.Column("description", sa.String(255), nullable=True),
        sa.Column("quantity", columns.Exact(), nullable=False),
        sa.Column("unit_price", columns.Exact(), nullable=True),
        sa.Column("discount", columns.Exact(), nullable=True),
        sa.Column("tax_rate", columns.Exact(), nullable=True),
        sa.Column("net", columns.Exact(), nullable=True),
        sa.Column("tax", columns.Exact(), nullable=True),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("unit_price_currency", sa.String(3), nullable=True),
        sa.Column("net_currency", sa.String(3), nullable=True),
        sa.Column("tax_currency", sa.String(3), nullable=True),
        sa.Column("total_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_quote_lines", "product_id", "catalog_products"),
        migrations.foreign_key("orders_quote_lines", "quote_id", "orders_quotes"),
    )
    migrations.create_index(op, "orders_quote_lines", "product_id")
    migrations.create_index(op, "orders_quote_lines", "quote_id")
    migrations.create_table(
        op,
        "orders_contracts",
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("contact_id", columns.key(), nullable=True),
        sa.Column("deal_id", columns.key(), nullable=True),
        sa.Column("order_id", columns.key(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("value", columns.Exact(), nullable=True),
        sa.Column("renewal", sa.String(40), nullable=False),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("value_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_contracts", "account_id", "customers_accounts"),
        migrations.foreign_key("orders_contracts", "contact_id", "customers_contacts"),
        migrations.foreign_key("orders_contracts", "order_id", "orders_orders"),
    )
    migrations.create_index(op, "orders_contracts", "account_id")
    migrations.create_index(op, "orders_contracts", "contact_id")
    migrations.create_index(op, "orders_contracts", "deal_id")
    migrations.create_index(op, "orders_contracts", "ends_on")
    migrations.create_index(op, "orders_contracts", "order_id")
    migrations.create_index(op, "orders_contracts", "state")
    migrations.create_unique(op, "orders_contracts", "number")
    migrations.create_table(
        op,
        "orders_instalments",
        sa.Column("order_id", columns.key(), nullable=False),
        sa.Column("name", sa.String(100), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("share", columns.Exact(), nullable=True),
        sa.Column("amount", columns.Exact(), nullable=True),
        sa.Column("paid", columns.Exact(), nullable=True),
        sa.Column("open", columns.Exact(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("amount_currency", sa.String(3), nullable=True),
        sa.Column("paid_currency", sa.String(3), nullable=True),
        sa.Column("open_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_instalments", "order_id", "orders_orders"),
    )
    migrations.create_index(op, "orders_instalments", "due_on")
    migrations.create_index(op, "orders_instalments", "order_id")
    migrations.create_table(
        op,
        "orders_invoices",
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("credits_id", columns.key(), nullable=True),
        sa.Column("account_id", columns.key(), nullable=False),
        sa.Column("order_id", columns.key(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("net", columns.Exact(), nullable=True),
        sa.Column("tax", columns.Exact(), nullable=True),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("net_currency", sa.String(3), nullable=True),
        sa.Column("tax_currency", sa.String(3), nullable=True),
        sa.Column("total_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_invoices", "account_id", "customers_accounts"),
        migrations.foreign_key("orders_invoices", "credits_id", "orders_invoices"),
        migrations.foreign_key("orders_invoices", "order_id", "orders_orders"),
    )
    migrations.create_index(op, "orders_invoices", "account_id")
    migrations.create_index(op, "orders_invoices", "credits_id")
    migrations.create_index(op, "orders_invoices", "due_on")
    migrations.create_index(op, "orders_invoices", "issued_on")
    migrations.create_index(op, "orders_invoices", "order_id")
    migrations.create_index(op, "orders_invoices", "state")
    migrations.create_unique(op, "orders_invoices", "number")
    migrations.create_table(
        op,
        "orders_order_lines",
        sa.Column("order_id", columns.key(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("product_id", columns.key(), nullable=True),
        sa.Column("description", sa.String(255), nullable=True),
        sa.Column("quantity", columns.Exact(), nullable=False),
        sa.Column("unit_price", columns.Exact(), nullable=True),
        sa.Column("discount", columns.Exact(), nullable=True),
        sa.Column("tax_rate", columns.Exact(), nullable=True),
        sa.Column("net", columns.Exact(), nullable=True),
        sa.Column("tax", columns.Exact(), nullable=True),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("unit_price_currency", sa.String(3), nullable=True),
        sa.Column("net_currency", sa.String(3), nullable=True),
        sa.Column("tax_currency", sa.String(3), nullable=True),
        sa.Column("total_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_order_lines", "order_id", "orders_orders"),
        migrations.foreign_key("orders_order_lines", "product_id", "catalog_products"),
    )
    migrations.create_index(op, "orders_order_lines", "order_id")
    migrations.create_index(op, "orders_order_lines", "product_id")
    migrations.create_table(
        op,
        "orders_payments",
        sa.Column("order_id", columns.key(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("amount", columns.Exact(), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(100), nullable=True),
        sa.Column("amount_currency", sa.String(3), nullable=False),
        migrations.foreign_key("orders_payments", "order_id", "orders_orders"),
    )
    migrations.create_index(op, "orders_payments", "order_id")
    migrations.create_index(op, "orders_payments", "received_on")
    migrations.create_table(
        op,
        "orders_allocations",
        sa.Column("payment_id", columns.key(), nullable=False),
        sa.Column("instalment_id", columns.key(), nullable=False),
        sa.Column("amount", columns.Exact(), nullable=False),
        sa.Column("amount_currency", sa.String(3), nullable=False),
        migrations.foreign_key("orders_allocations", "instalment_id", "orders_instalments"),
        migrations.foreign_key("orders_allocations", "payment_id", "orders_payments"),
    )
    migrations.create_index(op, "orders_allocations", "instalment_id")
    migrations.create_index(op, "orders_allocations", "payment_id")
    migrations.create_table(
        op,
        "orders_invoice_lines",
        sa.Column("invoice_id", columns.key(), nullable=False),
        sa.Column("order_line_id", columns.key(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("product_id", columns.key(), nullable=True),
        sa.Column("description", sa.String(255), nullable=True),
        sa.Column("quantity", columns.Exact(), nullable=False),
        sa.Column("unit_price", columns.Exact(), nullable=True),
        sa.Column("discount", columns.Exact(), nullable=True),
        sa.Column("tax_rate", columns.Exact(), nullable=True),
        sa.Column("net", columns.Exact(), nullable=True),
        sa.Column("tax", columns.Exact(), nullable=True),
        sa.Column("total", columns.Exact(), nullable=True),
        sa.Column("unit_price_currency", sa.String(3), nullable=True),
        sa.Column("net_currency", sa.String(3), nullable=True),
        sa.Column("tax_currency", sa.String(3), nullable=True),
        sa.Column("total_currency", sa.String(3), nullable=True),
        migrations.foreign_key("orders_invoice_lines", "invoice_id", "orders_invoices"),
        migrations.foreign_key("orders_invoice_lines", "order_line_id", "orders_order_lines"),
        migrations.foreign_key("orders_invoice_lines", "product_id", "catalog_products"),
    )
    migrations.create_index(op, "orders_invoice_lines", "invoice_id")
    migrations.create_index(op, "orders_invoice_lines", "order_line_id")
    migrations.create_index(op, "orders_invoice_lines", "product_id")


def downgrade() -> None:
    migrations.drop_table(op, "orders_invoice_lines")
    migrations.drop_table(op, "orders_allocations")
    migrations.drop_table(op, "orders_payments")
    migrations.drop_table(op, "orders_order_lines")
    migrations.drop_table(op, "orders_invoices")
    migrations.drop_table(op, "orders_instalments")
    migrations.drop_table(op, "orders_contracts")
    migrations.drop_table(op, "orders_quote_lines")
    migrations.drop_table(op, "orders_orders")
    migrations.drop_table(op, "orders_quotes")
