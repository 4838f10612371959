"""Looking into versions: the index of names, and the answers to `ls`, `find` and `diff`."""
