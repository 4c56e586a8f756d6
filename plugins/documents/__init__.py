"""Documents from templates: contracts and invoices as Word and PDF, and the copies that were issued."""
