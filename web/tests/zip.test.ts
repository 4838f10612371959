import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Download } from "../src/output/download.ts";
import { ZipSink } from "../src/output/zip.ts";

const ABOUT = { time: 1_700_000_000, mode: 0o750 };

/** What a foreign program makes of the zip files. */
async function unpacked(limit: number, use: (sink: ZipSink) => Promise<void>, look: (folder: string, zips: number) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "paradux-zip-"));
  const files: Blob[] = [];
  try {
    const sink = new ZipSink(new Download(async (file) => void files.push(file)), limit);
    await use(sink);
    await sink.finish();
    for (const [place, file] of files.entries()) {
      writeFileSync(join(folder, "x.zip"), new Uint8Array(await file.arrayBuffer()));
      const extract = "import zipfile,os,sys,stat\nz=zipfile.ZipFile(sys.argv[1])\nif z.testzip(): sys.exit(1)\nfor i in z.infolist():\n  m=i.external_attr>>16; p=os.path.join(sys.argv[2],i.filename)\n  if stat.S_ISLNK(m): os.symlink(z.read(i),p)\n  else:\n    z.extract(i,sys.argv[2]); os.chmod(p,stat.S_IMODE(m))";
      execFileSync("python3", ["-c", extract, join(folder, "x.zip"), folder], { stdio: "pipe" });
      assert.ok(file.size <= limit + 1000 || place === 0);
    }
    look(folder, files.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a zip has folders, files, holes, second names and links", async () => {
  await unpacked(2 ** 31, async (sink) => {
    await sink.folder("caf\xc3\xa9");
    const writing = await sink.file("caf\xc3\xa9/holes", { ...ABOUT, size: 9_000_000 });
    await writing.write(5_000_000, new TextEncoder().encode("in the middle"));
    await writing.end();
    assert.equal(await sink.again("again", "caf\xc3\xa9/holes"), 9_000_000);
    await sink.symlink("link", "again");
    const dropped = await sink.file("dropped", { ...ABOUT, size: 100 });
    await dropped.write(0, new Uint8Array(10));
    await dropped.drop();
    await (await sink.file("empty", { ...ABOUT, size: 0 })).end();
  }, (folder, zips) => {
    assert.equal(zips, 1);
    const content = readFileSync(join(folder, "café/holes"));
    assert.equal(content.length, 9_000_000);
    assert.equal(content.subarray(5_000_000, 5_000_013).toString(), "in the middle");
    assert.equal(content.filter((byte) => byte).length, 13);
    assert.ok(content.equals(readFileSync(join(folder, "again"))));
    assert.equal(readlinkSync(join(folder, "link")), "again");
    assert.equal(statSync(join(folder, "empty")).mode & 0o777, 0o750);
    assert.throws(() => statSync(join(folder, "dropped")));
  });
});

test("more than one zip when one would become too large; a second name of what is in another one is told", async () => {
  await unpacked(10_000, async (sink) => {
    for (let number = 0; number < 5; number++) {
      const writing = await sink.file(`file ${number}`, { ...ABOUT, size: 4_000 });
      await writing.write(0, new Uint8Array(4_000).fill(number));
      await writing.end();
    }
    assert.equal(await sink.again("twin of 0", "file 0"), null);
    assert.equal(await sink.again("twin of 4", "file 4"), 4_000);
  }, (folder, zips) => {
    assert.equal(zips, 3);
    for (let number = 0; number < 5; number++) assert.ok(readFileSync(join(folder, `file ${number}`)).every((byte) => byte === number));
    assert.equal(readFileSync(join(folder, "twin of 4")).length, 4_000);
  });
});

test("the wide form of 4 GiB and more", async () => {
  const pieces: Uint8Array[] = [];
  const sink = new ZipSink(
    { append: async (piece) => void pieces.push(piece), replace: async () => undefined, copy: async () => undefined, next: async () => undefined },
    2 ** 40,
  );
  await sink.file("large", { ...ABOUT, size: 2 ** 32 + 5 });
  await sink.finish();
  const text = Buffer.concat(pieces).toString("latin1");
  assert.ok(text.includes("\x01\x00\x10\x00\x05\x00\x00\x00\x01\x00\x00\x00"), "sizes of eight bytes");
});
