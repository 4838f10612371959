/** What the page says, in English; `de.ts` says the same. */

import type { State } from "../collection/collection.ts";
import type { WordsProblem } from "../shares/share.ts";
import { list } from "./grammar.ts";

export const en = {
  language: "Language",
  title: "Open the emergency file",
  titleOf: (owner: string) => `Open ${owner}'s emergency file`,
  intro: "The helpers' parts are put together here. When there are enough of them, the file opens, and this page shows what the family must know.",
  safe: "Nothing is sent anywhere: everything stays in this computer. To be sure, unplug the network cable or turn the Wi-Fi off first.",
  steps: {
    bring: "Bring the parts",
    alone: "Is this kit in order?",
    inventory: "What the family must know",
    people: "People",
    data: "Where the data is",
    all: "Everything in it",
    end: "When you are done",
  },
  bring: {
    how: "Plug in a stick and give this page its folder PARADUX. Then the next stick. A stick may be pulled out as soon as it is listed below.",
    drop: "Drag the folder PARADUX here",
    folder: "Choose the folder PARADUX …",
    files: "Choose files …",
    upload: "Your browser may call this “upload”. Nothing leaves this computer.",
    filesHint: "Files: share.txt, config.gpg, or a photograph or scan of the square code on a sheet.",
    reading: "Reading …",
    nothing: (name: string) => `${name}: nothing of a kit is in it. Choose the folder PARADUX of a stick.`,
    noCode: (name: string) => `${name}: no square code could be read. Hold the camera straight above the code, with much light, or type the words.`,
    unread: (name: string) => `${name} cannot be read. Plug the stick in again, or use its copy in another kit.`,
    remove: "Begin again",
  },
  typing: {
    title: "Type the words of a printed sheet",
    label: "The 33 words, in order. Four letters of a word are enough.",
    count: (count: number) => `${count} of 33 words`,
    unknown: (position: number) => `Word ${position} is not in the list. Is it:`,
    unknownAlone: (position: number) => `Word ${position} is not in the list. Look at the sheet again.`,
    wrong: (position: number) => `Word ${position} is probably wrong. It should be:`,
    wrongSomewhere: "The words do not fit together: some are wrong, or have changed places. Compare them with the sheet.",
    use: (word: string, position: number) => `Put “${word}” in place ${position}`,
    add: "Use these words",
    from: "typed words",
  },
  finding: (state: State, whose: string, epoch: number | null, owner: string, replaced: string): string => {
    const set = epoch ? ` (set ${epoch})` : "";
    const said: Record<State, string> = {
      good: `${whose}${set} is good.`,
      duplicate: `${whose}${set} is there already. It counts once.`,
      "old-epoch": `${whose} is of the old set ${epoch}, which was replaced${replaced ? ` on ${replaced}` : ""}. Ask for the newer kit.`,
      foreign: owner ? `${whose} belongs to another owner (${owner}) and does not fit here.` : `${whose} belongs to another set. Bring the stick with it: it tells which.`,
      mistyped: `${whose} is not right.`,
      damaged: `${whose}${set} is damaged or was altered. It is left out.`,
      "no-share": `${whose}: there is no part of the key in it.`,
    };
    return said[state];
  },
  words: { good: "good", duplicate: "twice", "old-epoch": "old", foreign: "foreign", mistyped: "mistyped", damaged: "damaged", "no-share": "no part" } as Record<State, string>,
  part: (name: string) => `${name}'s part`,
  partFrom: (label: string) => `The part from ${label}`,
  problem: (problem: WordsProblem, positions: readonly number[], count: number): string => {
    const said: Record<WordsProblem, string> = {
      count: `A part has 33 words, here are ${count}.`,
      "unknown-word": positions.length === 1 ? `Word ${positions[0]} is not in the list.` : `Words ${list(positions.map(String), "and")} are not in the list.`,
      checksum: "A word is wrong, or two have changed places.",
      "other-program": "This is a part of some other program.",
    };
    return said[problem];
  },
  carries: "The encrypted file in it can be used.",
  progress: (held: number, needed: number, names: readonly string[]) => `${held} of ${needed} parts are there${names.length ? `: ${list(names, "and")}` : ""}.`,
  enough: "That is enough.",
  missing: (count: number) => (count === 1 ? "One more is needed. These people have one:" : `${count} more are needed. These people have one:`),
  missingUnknown: (count: number) => `${count === 1 ? "One more is" : `${count} more are`} needed. Plug in another stick.`,
  noFile: "There are enough parts, but the emergency file is missing or damaged in these kits. Bring another stick, or the files config.gpg and recovery-key.asc of any kit.",
  refused: (label: string, problem: string): string => {
    const why: Record<string, string> = {
      "cannot-be-opened": "it cannot be opened with these parts",
      "not-signed-by-owner": "it is not signed by the owner's key: do not trust it",
      "unknown-format": "it is of a form that this page does not know",
    };
    return `Not used: the emergency file from ${label}: ${why[problem] ?? problem}.`;
  },
  alone: {
    works: (owner: string) => `Your kit works. Everything in it is readable, as it was written for ${owner}.`,
    share: "Your part of the key is good, but something else in this kit is not. Tell the owner: the kit should be written anew.",
    bad: "Your part of the key cannot be read. Tell the owner today: you need a new kit.",
    rotten: (names: readonly string[]) => `Damaged: ${list(names, "and")}.`,
    missing: (names: readonly string[]) => `Missing: ${list(names, "and")}.`,
    unsigned: "The signature of the kit is not right.",
    code: "If the owner asks whether your kit works, read these twelve digits to them. They show that it was readable today. They give nothing of your part away.",
    codeLabel: "Confirmation code",
    challenge: "If the owner gave you six digits first, type them here:",
    challengeBad: "Six digits are needed, or none.",
    away: "Then put the stick away in its safe place.",
  },
  opened: {
    open: "The emergency file is open.",
    from: (serial: number, date: string, label: string) => `Version ${serial}, saved on ${date}, from ${label}.`,
    age: (days: number) => (days === 0 ? "It is from today." : days === 1 ? "It is one day old." : `It is ${days} days old.`),
    future: "It is dated in the future: is the clock of this computer right?",
    newer: (serial: number, epoch: number) => `Careful: something newer exists. A kit tells of version ${serial} of set ${epoch}. Bring more kits of set ${epoch}.`,
    differ: "Careful: two files say that they are the same version, and differ. The later one is shown. Let somebody look at both who knows computers.",
    others: (count: number) => `${count === 1 ? "One older file was" : `${count} older files were`} opened as well and set aside.`,
    elsewhere: "A newer copy may lie at one of these places. Fetch config-….gpg from there on a computer with network, and give it to this page:",
  },
  field: {
    url: "Address", username: "User name", password: "Password", notes: "Notes", phone: "Telephone", email: "E-mail", address: "Address",
    protocol: "Kind", repository: "Place", credentials: "Access", encryption: "Locked with", uuid: "Disk",
  } as Record<string, string>,
  owner: "Owner",
  helper: "Helper",
  inventoryEmpty: "The owner has written nothing here.",
  copy: "Copy",
  copied: "Copied",
  show: "Show",
  hide: "Hide",
  copyWhat: (what: string) => `Copy: ${what}`,
  showWhat: (what: string) => `Show: ${what}`,
  data: {
    none: "No data is named in it.",
    source: "Comes from",
    place: "Copy",
    kinds: {
      disk: "a disk: attach it and copy the newest folder below versions",
      removable: "a disk that lies elsewhere: attach it",
      rsync: "a server, by ssh and rsync: the newest folder below versions",
      sftp: "a server, by sftp",
      ftp: "a server, by ftp",
      ftps: "a server, by ftps",
      s3: "a storage service, by any S3 program",
      rclone: "a storage service, by the program rclone",
      restic: "a repository of the program restic",
    } as Record<string, string>,
    archive: "encrypted archives; the key is in this file",
    key: "Password of the repository",
    how: "How to fetch it is in BY-HAND.txt of every kit. Somebody who knows computers can follow it.",
  },
  all: {
    text: "The whole file has every password and key. Save it only where nobody else can read it.",
    save: "Save the whole file (config.json)",
    print: "Print without passwords",
    printAll: "Print with passwords",
  },
  end: "Close the browser, every window of it: a page cannot wipe the computer's memory. Everybody takes their own stick home. A printed page with passwords belongs under lock and key.",
  licences: "Licences of the programs in this page",
  program: "This page is a part of Paradux, free software under the GNU Affero General Public License, version 3 or later. It uses these programs:",
};

export type Texts = typeof en;
