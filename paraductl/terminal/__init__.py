"""Everything that is printed or asked."""
