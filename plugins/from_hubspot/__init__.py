"""What HubSpot exports becomes accounts, contacts, deals and notes."""
