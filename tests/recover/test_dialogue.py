"""A person at the terminal: words with a typo, a folder, and what is shown on the way."""

from __future__ import annotations

import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paraductl.recovery.share_entry import Typed, take
from paraduxd.shares import slip39
from paraduxd.shares.words import wordlist
from tests.recover.recover_rig import NEW_PASSPHRASE, Family, same_but_for_the_machine, unlocked_config
from tests.rig import Installation, clean_environment

SHARES = slip39.split(bytes(range(32)), 3)
WORDS = tuple(SHARES[4].split())


def typed(*lines: str) -> Typed:
    state = Typed()
    for line in lines:
        state = take(state, line)
    return state


def test_words_may_come_numbered_in_pieces_and_in_any_case() -> None:
    numbered = [f"{number}. {word}" for number, word in enumerate(WORDS, 1)]
    state = typed(" ".join(numbered[:3]), " ".join(WORDS[3:20]).upper(), "\t".join(numbered[20:]))
    assert state.complete and state.words == WORDS


def test_a_qr_code_is_one_line() -> None:
    assert typed(" ".join(WORDS).upper()).complete


def test_four_letters_of_each_word_are_enough() -> None:
    assert typed(*(f"{number}. {word[:4]}" for number, word in enumerate(WORDS, 1))).words == WORDS
    wrong = next(word for word in wordlist() if word != WORDS[16])
    state = typed(" ".join([*WORDS[:16], wrong, *WORDS[17:]]))
    assert take(state, f"17 {WORDS[16][:4]}").complete


def test_a_word_that_is_none_is_pointed_at_and_what_was_right_stays() -> None:
    wrong = "acadmic"
    state = typed(" ".join([*WORDS[:6], wrong, *WORDS[7:12]]))
    assert state.words == WORDS[:6]
    assert "word 7" in state.say[0] and "academic" in state.say[0]
    assert take(state, " ".join(WORDS[6:])).complete


def test_a_listed_word_in_the_wrong_place_is_found_by_the_checksum_and_corrected_by_its_number() -> None:
    wrong = next(word for word in wordlist() if word != WORDS[16])
    state = typed(" ".join([*WORDS[:16], wrong, *WORDS[17:]]))
    assert not state.complete
    assert f"word 17 is {WORDS[16]!r}" in " ".join(state.say)
    assert take(state, f"17 {WORDS[16]}").complete


def test_too_many_words_begin_again_and_nothing_of_them_is_shown() -> None:
    state = typed(" ".join([*WORDS, "academic"]))
    assert state.words == () and "34 words" in state.say[0]
    assert WORDS[0] not in repr(typed(WORDS[0]))


class Person:
    """Types at a pseudo-terminal and reads what is shown."""

    def __init__(self, machine: Installation, *words: str) -> None:
        master, slave = pty.openpty()
        # Whoever runs the tests in the background has them ignore Ctrl-C, and so all that they start.
        argv = [
            "env",
            "--default-signal=INT",
            "setsid",
            "--ctty",
            "--wait",
            sys.executable,
            "-m",
            "paraductl.main",
            "--run",
            str(machine.run),
            *words,
        ]
        self._client = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**clean_environment(), "TERM": "dumb"},
        )
        os.close(slave)
        self._master = master
        self.seen = ""
        self._read_to = 0

    def expect(self, pattern: str, seconds: float = 60) -> None:
        """Wait until this is shown, after what was waited for before; a blank may be the end of a line."""
        deadline = time.monotonic() + seconds
        wrapped = pattern.replace(" ", r"\s+")
        while not (match := re.search(wrapped, self.seen[self._read_to :])):
            assert time.monotonic() < deadline, f"waited in vain for {pattern!r} in:\n{self.seen}"
            self._look(0.2)
        self._read_to += match.end()

    def types(self, line: str) -> None:
        self.presses(line + "\n")

    def presses(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def leaves(self, key: str) -> None:
        """Press a key until the client has noticed: readline misses one that comes while it begins to wait."""
        while "interrupted" not in self.seen:
            self.presses(key)
            patience = time.monotonic() + 5
            while "interrupted" not in self.seen and time.monotonic() < patience:
                self._look(0.2)

    def _look(self, seconds: float) -> None:
        if select.select([self._master], [], [], seconds)[0]:
            try:
                self.seen += os.read(self._master, 65536).decode(errors="replace")
            except OSError:  # the client has ended
                raise AssertionError(f"ended with:\n{self.seen}") from None

    def kill(self) -> None:
        self._client.kill()
        self._client.wait(30)

    def ends(self) -> int:
        """The exit code."""
        deadline = time.monotonic() + 60
        while self._client.poll() is None and time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode(errors="replace")
                except OSError:
                    break
        return self._client.wait(30)


@pytest.mark.slow
def test_wrong_things_at_the_terminal_get_a_sentence_each(blank: Installation, tmp_path: Path) -> None:
    spaced = tmp_path / "a stick of Bob's" / "PARADUX"
    spaced.mkdir(parents=True)
    (spaced / "share.txt").write_text(SHARES[5])
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    stick = tmp_path / "sdx"
    os.mknod(stick, stat.S_IFBLK | 0o600, os.makedev(8, 240))
    person = Person(blank, "recover")
    for line, answer in (
        (str(stick), f"{stick} is not a block device of this machine"),
        ("", "Not enough yet: no share was brought"),
        (str(tmp_path), "not the folder of a kit"),
        (str(tmp_path / "missing"), "cannot read"),
        (str(fifo), "neither a folder nor a file"),
        ("~nobody-here/kit", "cannot read"),
        ("das ist kein englisch", "word 1 .'das'. is not in the list of words; perhaps"),
        ("$(touch x) `id`", "word 1"),
        (" ".join([*WORDS, "academic"]), "these are 34 words, a share has 33"),
        (" ".join(WORDS[:10]), "10 of 33 words"),
        (str(tmp_path / "missing"), "cannot read"),
        ("", "10 words typed so far are dropped"),
        (" ".join(WORDS[:20]).upper(), "20 of 33 words"),
        (" ".join(WORDS[20:]), "share from typed words is good"),
        (" ".join(WORDS).lower(), "is there already; it counts once"),
        (f"'{spaced.parent}'".replace("Bob's", "Bob'\\''s"), "stick of Bob's (.* )?is (good|there)"),
        (str(spaced).replace(" ", "\\ ").replace("'", "\\'"), "counts once"),
        (str(spaced.parent), "counts once"),
        ("acade\t", "word 2 of 33"),
    ):
        person.expect("(file|33|on): ")
        person.types(line)
        person.expect(answer, 20)
    assert "academic" in person.seen.rpartition("counts once")[2], "TAB has completed the word"
    person.leaves("\x03")
    assert person.ends() == 1
    assert "nothing was changed" in person.seen and "Traceback" not in person.seen

    another = Person(blank, "recover")
    another.expect("2 of 3")
    another.expect("file: ")
    another.leaves("\x04")
    assert another.ends() == 1
    assert "paraductl recover --cancel" in another.seen
    assert not (blank.state / "vault.luks").exists()


@pytest.mark.slow
def test_a_recovery_by_a_person(family: Family, blank: Installation) -> None:
    person = Person(blank, "recover")
    person.expect("words, folder or file: ")
    words = family.words("alice").split()
    person.types(" ".join([*words[:5], words[5] + "x"]))
    person.expect("word 6")
    person.types(" ".join(words[5:]))
    person.expect(r"1 of 3")
    person.types("")
    person.expect("Not enough yet")
    person.types(family.kit("bob"))
    person.expect(r"2 of 3")
    person.types("/no/such/kit")
    person.expect("cannot read")
    person.types(str(Path(family.kit("carol")).parent))
    person.expect(r"3 of 3.*enough")
    person.expect("Enter to go on: ")
    person.types("")
    person.expect("serial")
    person.expect("New passphrase: ")
    person.types(NEW_PASSPHRASE)
    person.expect("The same again: ")
    person.types(NEW_PASSPHRASE)
    person.expect("This is the Paradux machine of Fred Myself now")
    assert person.ends() == 0
    assert NEW_PASSPHRASE not in person.seen
    config = unlocked_config(blank)
    assert config is not None and same_but_for_the_machine(config, family.config)
