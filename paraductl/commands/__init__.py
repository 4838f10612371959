"""One module per subcommand, found by being here."""
