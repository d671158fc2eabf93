"""Every alert, played: its situation is created in an installation with a real server until it fires, and ended until it clears."""
