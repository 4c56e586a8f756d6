"""Who somebody is: users, teams, roles and tokens of a tenant; sign-ins and sessions of the installation."""
