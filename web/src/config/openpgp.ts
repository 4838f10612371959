/** The one door to OpenPGP.js: unlocking the recovery key, opening what it encrypts, and checking what it signed. */

import {
  createMessage,
  enums,
  type PrivateKey,
  type PublicKey,
  readKeys,
  readMessage,
  readSignature,
  decryptKey,
  sign,
  verify,
} from "openpgp/lightweight";
import { type Bytes, hex, looseText } from "../bytes.ts";

/** The owner's key, opened by the recovery secret, with the proof that both halves are one. */
export interface RecoveryKey {
  readonly fingerprint: string;
  readonly opened: PrivateKey;
  readonly half: PublicKey;
}

/** Why a message is not used. */
export type MessageProblem = "cannot-be-opened" | "not-signed-by-owner" | "unknown-format";

export class MessageError extends Error {
  constructor(readonly problem: MessageProblem) {
    super(problem);
  }
}

/** The clock of this computer may be wrong, and stand before the day on which the key was made: null means that dates do not count. */
const NO_DATE = null as unknown as Date;

/**
 * The key, if this secret opens it; else null.
 *
 * Who knows a key's locked half could hang it below a signing key of his own, or put a public half of his own before it, and sign a
 * config of his own with that. So all its parts must be locked, the secret must open them all, there must be no other part than the two that
 * Paradux makes, and what the locked half signs must be verified by the public one.
 */
export async function unlock(armored: Bytes, secret: Bytes): Promise<RecoveryKey | null> {
  try {
    const [key, another] = await readKeys({ armoredKeys: looseText(armored) });
    if (!key?.isPrivate() || another || !hasOurShape(key) || !isLocked(key)) return null;
    const opened = await decryptKey({ privateKey: key, passphrase: hex(secret) });
    const half = key.toPublic();
    return (await signsFor(opened, half)) ? { fingerprint: key.getFingerprint().toUpperCase(), opened, half } : null;
  } catch {
    return null;
  }
}

function hasOurShape(key: PrivateKey): boolean {
  const [primary, sub, another] = key.getKeys().map((part) => part.keyPacket);
  const { eddsaLegacy, ecdh } = enums.publicKey;
  return primary?.version === 4 && primary.algorithm === eddsaLegacy && sub?.algorithm === ecdh && another === undefined;
}

function isLocked(key: PrivateKey): boolean {
  return key.getKeys().every((part) => "isDecrypted" in part.keyPacket && part.keyPacket.isDecrypted() === false);
}

async function signsFor(opened: PrivateKey, half: PublicKey): Promise<boolean> {
  const message = await createMessage({ binary: new Uint8Array([1]) });
  const signature = await sign({ message, signingKeys: opened, date: opened.getCreationTime(), detached: true, format: "binary" });
  return isSignedBy(message, signature, half);
}

async function isSignedBy(
  message: Awaited<ReturnType<typeof createMessage>>,
  signature: Uint8Array,
  half: PublicKey,
): Promise<boolean> {
  const read = await readSignature({ binarySignature: signature });
  const { signatures } = await verify({ message, signature: read, verificationKeys: half, date: NO_DATE, format: "binary" });
  return signatures.length === 1 && signatures[0]!.keyID.equals(half.getKeyID()) && (await isGood(signatures[0]!.verified));
}

async function isGood(verified: Promise<true>): Promise<boolean> {
  return verified.catch(() => false);
}

/** The text of a message that this very key signed, once and alone; throws `MessageError`. */
export async function openMessage(message: Bytes, key: RecoveryKey): Promise<Bytes> {
  const opened = await decrypted(message, key).catch(() => null);
  if (!opened) throw new MessageError("cannot-be-opened");
  const { onePassSignature, literalData, signature } = enums.packet;
  const shape = Array.from(opened.packets, ({ constructor }) => (constructor as unknown as { tag: number }).tag);
  if (shape.join() !== [onePassSignature, literalData, signature].join()) throw new MessageError("not-signed-by-owner");
  const [found, another] = await opened.verify([key.half], NO_DATE).catch(() => []);
  if (!found || another || !found.keyID.equals(key.half.getKeyID()) || !(await isGood(found.verified))) {
    throw new MessageError("not-signed-by-owner");
  }
  return opened.getLiteralData() as Bytes;
}

async function decrypted(message: Bytes, key: RecoveryKey) {
  const armored = looseText(message.subarray(0, 27)) === "-----BEGIN PGP MESSAGE-----";
  const read = armored ? await readMessage({ armoredMessage: looseText(message) }) : await readMessage({ binaryMessage: message });
  const opened = await read.decrypt([key.opened], undefined, undefined, NO_DATE);
  await readRest(opened.packets as unknown as Lazy);
  return opened;
}

/** A list of packets of which those behind the text are still to be read. */
interface Lazy extends Array<unknown> {
  stream: { readToEnd(join: (rest: unknown[]) => unknown[]): Promise<unknown[]> } | null;
}

async function readRest(packets: Lazy): Promise<void> {
  if (packets.stream) packets.push(...(await packets.stream.readToEnd((rest) => rest)));
  packets.stream = null;
}

/** The key of the archives at one destination. */
export interface DataKey {
  /** What is in a message (binary, encrypted to this key, with a modification detection code); null when it cannot be opened. */
  open(message: Bytes): Promise<Bytes | null>;
}

/** The key with this fingerprint, opened; null when it is another one, or the passphrase is wrong. */
export async function dataKey(armored: string, passphrase: string, fingerprint: string): Promise<DataKey | null> {
  try {
    const [key, another] = await readKeys({ armoredKeys: armored });
    if (!key?.isPrivate() || another || key.getFingerprint().toUpperCase() !== fingerprint.toUpperCase()) return null;
    const opened = await decryptKey({ privateKey: key, passphrase });
    return { open: async (message) => openWith(opened, message).catch(() => null) };
  } catch {
    return null;
  }
}

async function openWith(key: PrivateKey, binaryMessage: Bytes): Promise<Bytes> {
  const message = await readMessage({ binaryMessage });
  const opened = await message.decrypt([key], undefined, undefined, NO_DATE);
  await readRest(opened.packets as unknown as Lazy);
  return opened.getLiteralData() as Bytes;
}

/** Whether this detached signature over `content` is good, by the public half of the key that lies in this armored file. */
export async function isSigned(content: Bytes, armoredSignature: Bytes, armoredKey: Bytes): Promise<string | null> {
  try {
    const [key, another] = await readKeys({ armoredKeys: looseText(armoredKey) });
    if (!key || another) return null;
    const half = key.toPublic();
    const signature = await readSignature({ armoredSignature: looseText(armoredSignature) });
    const message = await createMessage({ binary: content });
    return (await isSignedBy(message, signature.write() as Uint8Array, half)) ? key.getFingerprint().toUpperCase() : null;
  } catch {
    return null;
  }
}
