/** Reading JSON of which nothing is known: bounded in depth, and telling 1.0 from 1, which JSON.parse does not. */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const DEEPEST = 100;
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[[\]{}]/gs;

/** The value of this text; throws `SyntaxError`. A number that is written with a fraction or an exponent becomes NaN: no field has one. */
export function parseJson(text: string): Json {
  let depth = 0;
  const whole = text.replace(TOKEN, (token) => {
    if (token === "[" || token === "{") depth += 1;
    if (token === "]" || token === "}") depth -= 1;
    if (depth > DEEPEST) throw new SyntaxError("too deep");
    return /^-?\d+[.eE]/.test(token) && isNumber(token) ? `{"${FRACTION}":0}` : token;
  });
  return JSON.parse(whole, (_key, value) => (isObject(value) && FRACTION in value ? NaN : value)) as Json;
}

const FRACTION = "\u0001fraction";

function isNumber(token: string): boolean {
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(token);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
