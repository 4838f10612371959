/** Was die Seite auf Deutsch sagt. */

import type { State } from "../collection/collection.ts";
import type { WordsProblem } from "../shares/share.ts";
import type { Texts } from "./en.ts";
import { list } from "./grammar.ts";

export const de: Texts = {
  language: "Sprache",
  title: "Die Notfalldatei öffnen",
  titleOf: (owner) => `Die Notfalldatei von ${owner} öffnen`,
  intro: "Hier werden die Teile der Helfer zusammengesetzt. Sind es genug, öffnet sich die Datei, und diese Seite zeigt, was die Familie wissen muss.",
  safe: "Nichts wird verschickt: alles bleibt in diesem Computer. Um sicher zu sein, zieht vorher das Netzwerkkabel ab oder schaltet das WLAN aus.",
  steps: {
    bring: "Die Teile bringen",
    alone: "Ist dieser Stick in Ordnung?",
    inventory: "Was die Familie wissen muss",
    people: "Menschen",
    data: "Wo die Daten liegen",
    all: "Alles, was darin steht",
    end: "Wenn ihr fertig seid",
  },
  bring: {
    how: "Steckt einen Stick ein und gebt dieser Seite seinen Ordner PARADUX. Dann den nächsten Stick. Ein Stick darf abgezogen werden, sobald er unten steht.",
    drop: "Zieht den Ordner PARADUX hierher",
    folder: "Ordner PARADUX auswählen …",
    files: "Dateien auswählen …",
    upload: "Der Browser nennt das vielleicht „hochladen“. Nichts verlässt diesen Computer.",
    filesHint: "Dateien: share.txt, config.gpg, oder ein Foto oder Scan des quadratischen Musters auf einem Blatt.",
    reading: "Wird gelesen …",
    nothing: (name) => `${name}: darin ist nichts von einem Stick. Wählt den Ordner PARADUX eines Sticks.`,
    noCode: (name) => `${name}: kein Muster war zu lesen. Haltet die Kamera gerade darüber, bei viel Licht, oder tippt die Wörter ab.`,
    unread: (name) => `${name} ist nicht lesbar. Steckt den Stick noch einmal ein, oder nehmt die Kopie eines anderen.`,
    remove: "Von vorn beginnen",
  },
  typing: {
    title: "Die Wörter eines gedruckten Blattes abtippen",
    label: "Die 33 Wörter der Reihe nach. Vier Buchstaben eines Wortes genügen.",
    count: (count) => `${count} von 33 Wörtern`,
    unknown: (position) => `Wort ${position} steht nicht in der Liste. Ist es:`,
    unknownAlone: (position) => `Wort ${position} steht nicht in der Liste. Seht noch einmal auf das Blatt.`,
    wrong: (position) => `Wort ${position} ist wahrscheinlich falsch. Es müsste heißen:`,
    wrongSomewhere: "Die Wörter passen nicht zusammen: einige sind falsch oder vertauscht. Vergleicht sie mit dem Blatt.",
    use: (word, position) => `„${word}“ an Stelle ${position} setzen`,
    add: "Diese Wörter verwenden",
    from: "abgetippte Wörter",
  },
  finding: (state, whose, epoch, owner, replaced) => {
    const set = epoch ? ` (Ausgabe ${epoch})` : "";
    const said: Record<State, string> = {
      good: `${whose}${set} ist gut.`,
      duplicate: `${whose}${set} ist schon da. Er zählt einmal.`,
      "old-epoch": `${whose} ist von der alten Ausgabe ${epoch}, die${replaced ? ` am ${replaced}` : ""} ersetzt wurde. Fragt nach dem neueren Stick.`,
      foreign: owner ? `${whose} gehört zu jemand anderem (${owner}) und passt hier nicht.` : `${whose} gehört zu einer anderen Ausgabe. Bringt den Stick dazu: er sagt, zu welcher.`,
      mistyped: `${whose} stimmt nicht.`,
      damaged: `${whose}${set} ist beschädigt oder wurde verändert. Er wird weggelassen.`,
      "no-share": `${whose}: darin ist kein Teil des Schlüssels.`,
    };
    return said[state];
  },
  words: { good: "gut", duplicate: "doppelt", "old-epoch": "alt", foreign: "fremd", mistyped: "vertippt", damaged: "beschädigt", "no-share": "kein Teil" },
  part: (name) => `Der Teil von ${name}`,
  partFrom: (label) => `Der Teil aus ${label}`,
  problem: (problem, positions, count) => {
    const said: Record<WordsProblem, string> = {
      count: `Ein Teil hat 33 Wörter, hier sind ${count}.`,
      "unknown-word": positions.length === 1 ? `Wort ${positions[0]} steht nicht in der Liste.` : `Die Wörter ${list(positions.map(String), "und")} stehen nicht in der Liste.`,
      checksum: "Ein Wort ist falsch, oder zwei sind vertauscht.",
      "other-program": "Das ist ein Teil eines anderen Programms.",
    };
    return said[problem];
  },
  carries: "Die verschlüsselte Datei darin kann verwendet werden.",
  progress: (held, needed, names) => `${held} von ${needed} Teilen sind da${names.length ? `: ${list(names, "und")}` : ""}.`,
  enough: "Das genügt.",
  missing: (count) => (count === 1 ? "Einer fehlt noch. Diese Menschen haben einen:" : `${count} fehlen noch. Diese Menschen haben einen:`),
  missingUnknown: (count) => `${count === 1 ? "Einer fehlt" : `${count} fehlen`} noch. Steckt einen weiteren Stick ein.`,
  noFile: "Es sind genug Teile da, aber die Notfalldatei fehlt auf diesen Sticks oder ist beschädigt. Bringt einen weiteren Stick, oder die Dateien config.gpg und recovery-key.asc von irgendeinem.",
  refused: (label, problem) => {
    const why: Record<string, string> = {
      "cannot-be-opened": "sie lässt sich mit diesen Teilen nicht öffnen",
      "not-signed-by-owner": "sie ist nicht mit dem Schlüssel des Besitzers unterschrieben: traut ihr nicht",
      "unknown-format": "diese Seite kennt ihre Form nicht",
    };
    return `Nicht verwendet: die Notfalldatei aus ${label}: ${why[problem] ?? problem}.`;
  },
  alone: {
    works: (owner) => `Dein Stick ist in Ordnung. Alles darauf ist lesbar, so wie es für ${owner} geschrieben wurde.`,
    share: "Dein Teil des Schlüssels ist gut, aber etwas anderes auf diesem Stick nicht. Sage es dem Besitzer: der Stick sollte neu geschrieben werden.",
    bad: "Dein Teil des Schlüssels ist nicht lesbar. Sage es dem Besitzer noch heute: du brauchst einen neuen Stick.",
    rotten: (names) => `Beschädigt: ${list(names, "und")}.`,
    missing: (names) => `Es fehlt: ${list(names, "und")}.`,
    unsigned: "Die Unterschrift des Sticks stimmt nicht.",
    code: "Fragt der Besitzer, ob dein Stick in Ordnung ist, dann lies ihm diese zwölf Ziffern vor. Sie zeigen, dass er heute lesbar war. Von deinem Teil verraten sie nichts.",
    codeLabel: "Bestätigung",
    challenge: "Hat dir der Besitzer vorher sechs Ziffern gesagt, dann tippe sie hier:",
    challengeBad: "Sechs Ziffern, oder keine.",
    away: "Lege den Stick danach wieder an seinen sicheren Ort.",
  },
  opened: {
    open: "Die Notfalldatei ist offen.",
    from: (serial, date, label) => `Fassung ${serial}, gespeichert am ${date}, aus ${label}.`,
    age: (days) => (days === 0 ? "Sie ist von heute." : days === 1 ? "Sie ist einen Tag alt." : `Sie ist ${days} Tage alt.`),
    future: "Ihr Datum liegt in der Zukunft: geht die Uhr dieses Computers richtig?",
    newer: (serial, epoch) => `Vorsicht: es gibt etwas Neueres. Ein Stick nennt Fassung ${serial} der Ausgabe ${epoch}. Bringt weitere Sticks der Ausgabe ${epoch}.`,
    differ: "Vorsicht: zwei Dateien geben sich als dieselbe Fassung aus und sind verschieden. Gezeigt wird die spätere. Jemand, der sich mit Computern auskennt, sollte beide ansehen.",
    others: (count) => `${count === 1 ? "Eine ältere Datei wurde" : `${count} ältere Dateien wurden`} auch geöffnet und beiseitegelegt.`,
    elsewhere: "An einem dieser Orte liegt vielleicht eine neuere Fassung. Holt config-….gpg von dort auf einem Computer mit Netz und gebt sie dieser Seite:",
  },
  field: {
    url: "Adresse", username: "Benutzername", password: "Passwort", notes: "Notizen", phone: "Telefon", email: "E-Mail", address: "Anschrift",
    protocol: "Art", repository: "Ort", credentials: "Zugang", encryption: "Verschlossen mit", uuid: "Datenträger",
  },
  owner: "Besitzer",
  helper: "Helfer",
  inventoryEmpty: "Der Besitzer hat hier nichts eingetragen.",
  copy: "Kopieren",
  copied: "Kopiert",
  show: "Zeigen",
  hide: "Verbergen",
  copyWhat: (what) => `Kopieren: ${what}`,
  showWhat: (what) => `Zeigen: ${what}`,
  data: {
    none: "Keine Daten sind darin genannt.",
    source: "Kommt von",
    place: "Kopie",
    kinds: {
      disk: "eine Festplatte: anschließen und den neuesten Ordner unter versions kopieren",
      removable: "eine Festplatte, die anderswo liegt: anschließen",
      rsync: "ein Server, über ssh und rsync: der neueste Ordner unter versions",
      sftp: "ein Server, über sftp",
      ftp: "ein Server, über ftp",
      ftps: "ein Server, über ftps",
      s3: "ein Speicherdienst, mit jedem S3-Programm",
      rclone: "ein Speicherdienst, mit dem Programm rclone",
      restic: "ein Archiv des Programms restic",
    },
    archive: "verschlüsselte Archive; der Schlüssel steht in dieser Datei",
    key: "Passwort des Archivs",
    how: "Wie man sie holt, steht in BY-HAND.txt auf jedem Stick (auf Englisch). Wer sich mit Computern auskennt, kann es befolgen.",
  },
  all: {
    text: "Die ganze Datei enthält jedes Passwort und jeden Schlüssel. Speichert sie nur, wo niemand sonst sie lesen kann.",
    save: "Die ganze Datei speichern (config.json)",
    print: "Drucken ohne Passwörter",
    printAll: "Drucken mit Passwörtern",
  },
  end: "Schließt den Browser, alle seine Fenster: eine Seite kann den Speicher des Computers nicht löschen. Jeder nimmt seinen eigenen Stick wieder mit. Ein Ausdruck mit Passwörtern gehört hinter Schloss und Riegel.",
  licences: "Lizenzen der Programme in dieser Seite",
  program: "Diese Seite ist ein Teil von Paradux, freie Software unter der GNU Affero General Public License, Version 3 oder später. Sie verwendet diese Programme:",
};
