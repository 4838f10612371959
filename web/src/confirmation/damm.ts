/** The check digit of H. Michael Damm (2004): it notices every wrong digit and every two neighbours that have changed places. */

const TABLE = [
  "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
  "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
];

export function checkDigit(digits: string): string {
  return Array.from(digits).reduce((interim, digit) => TABLE[Number(interim)]![Number(digit)]!, "0");
}
