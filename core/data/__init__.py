"""The database: connections and transactions, migrations, writes in sets."""
