"""What waits to be sent: one entry for each text, and how each ending of an attempt moves it on."""
