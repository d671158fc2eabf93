"""First contact with an account: what nobody documents is tried there, and cleaned up again."""
