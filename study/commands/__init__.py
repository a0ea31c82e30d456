"""One file per command. A command imports what it needs when it runs."""
