"""What a shell offers when TAB is pressed: it asks `paraductl --complete`, which follows the parsers of the commands."""
