"""What Salesforce exports becomes accounts, contacts, leads, deals and activities."""
