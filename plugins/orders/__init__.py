"""Orders: from quote to order, contract, invoice and payment."""
