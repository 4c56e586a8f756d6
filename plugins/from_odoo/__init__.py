"""What Odoo exports becomes accounts, contacts and leads."""
