"""How a ticket is sent: one interface, one file for each way. When and whether is not decided here."""
