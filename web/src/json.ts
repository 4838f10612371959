/** Reading JSON of which nothing is known: bounded in depth, refusing a key that comes twice, and telling 1.0 from 1; JSON.parse does none of it. */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const DEEPEST = 100;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[[\]{}]/gs;

/** The value of this text; throws `SyntaxError`. A number that is written with a fraction or an exponent becomes NaN: no field has one. */
export function parseJson(text: string): Json {
  const open: Set<string>[] = [];
  const whole = text.replace(TOKEN, (token, place: number) => {
    if (token === "[" || token === "{") open.push(new Set());
    if (token === "]" || token === "}") open.pop();
    if (open.length > DEEPEST) throw new SyntaxError("too deep");
    if (token[0] === '"' && isKey(text, place + token.length)) addOnce(open[open.length - 1], token);
    return /^-?\d+[.eE]/.test(token) && isNumber(token) ? WRITTEN : token;
  });
  return JSON.parse(whole, (_key, value) => (isObject(value) && FRACTION in value ? NaN : value)) as Json;
}

const FRACTION = "\u0001fraction";
const WRITTEN = JSON.stringify({ [FRACTION]: 0 });

/** Whether a colon follows. */
function isKey(text: string, place: number): boolean {
  while (" \n\r\t".includes(text[place] ?? "x")) place += 1;
  return text[place] === ":";
}

function addOnce(keys: Set<string> | undefined, token: string): void {
  const key = token.includes("\\") ? (JSON.parse(token) as string) : token.slice(1, -1);
  if (!keys || keys.has(key)) throw new SyntaxError("a key twice");
  keys.add(key);
}

function isNumber(token: string): boolean {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(token);
}

/** The entry of this very name: none of what every object has. */
export function entryOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.prototype.hasOwnProperty.call(record, name) ? record[name] : undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
