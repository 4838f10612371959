"""What kits tell survivors who have common tools and no Paradux: parts of BY-HAND.txt, in English, one module
for each protocol.

The commands stand on lines of their own with two blanks in front. They take their values from what `place.py`
has written, which BY-HAND.txt
contains: variables of the shell (LOGIN, PORT, FOLDER, PATTERN, URL, SSH, CERTIFICATE) and files in the folder
"place", one for each credential.
"""

from paraduxd.protocols.by_hand.telling import ByHand, PublishedAt, lines

__all__ = ["ByHand", "PublishedAt", "lines"]
