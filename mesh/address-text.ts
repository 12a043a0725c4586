/**
 * Reading the text of addresses, one character after the other: a ledger of thousands of rows is read at every
 * admission, and splitting and matching took four times as long.
 */

const DOT = 46;
const ZERO = 48;
const COLON = 58;

/**
 * Dotted decimal. No leading zeros: some readers take 010 for eight (RFC 6943, section 3.1.1). Undefined when it is
 * none.
 */
export function readIPv4(text: string): bigint | undefined {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n);
    if (code === DOT) {
      if (digits === 0) return undefined;
      value = value * 256 + octet;
      [octet, digits, dots] = [0, 0, dots + 1];
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return undefined;
    octet = octet * 10 + digit;
    digits += 1;
    if (octet > 255) return undefined;
  }
  return dots === 3 && digits > 0 ? BigInt(value * 256 + octet) : undefined;
}

/**
 * Colons and hexadecimal groups, of which one `::` may stand for several zero ones (RFC 4291, section 2.2). Undefined
 * when it is none.
 */
export function readIPv6(text: string): bigint | undefined {
  const groups: number[] = [];
  let elision = -1;
  let group = 0;
  let digits = 0;
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n);
    if (code !== COLON) {
      const digit = hexDigit(code);
      if (digit === undefined || digits === 4) return undefined;
      group = group * 16 + digit;
      digits += 1;
    } else if (digits > 0) {
      groups.push(group);
      [group, digits] = [0, 0];
    } else if (n > 0) {
      // Second colon in a row: the only place where a group may be missing, and only once.
      if (elision >= 0) return undefined;
      elision = groups.length;
    } else if (text.charCodeAt(1) !== COLON) {
      return undefined;
    }
  }
  if (digits > 0) groups.push(group);
  else if (elision !== groups.length) return undefined;
  if (elision < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  if (elision >= 0) groups.splice(elision, 0, ...Array<number>(8 - groups.length).fill(0));
  return (joined(groups, 0, 3) << 80n) | (joined(groups, 3, 6) << 32n) | joined(groups, 6, 8);
}

/**
 * The prefix length that `text` ends with: one to three digits from `start` on, no leading zero. Undefined when there
 * is none.
 */
export function readLength(text: string, start: number): number | undefined {
  const digits = text.length - start;
  if (digits < 1 || digits > 3 || (digits > 1 && text.charCodeAt(start) === ZERO)) return undefined;
  let length = 0;
  for (let n = start; n < text.length; n++) {
    const digit = text.charCodeAt(n) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    length = length * 10 + digit;
  }
  return length;
}

/** Up to three groups as one number: 48 bits are as many as a number holds exactly. */
function joined(groups: readonly number[], from: number, to: number): bigint {
  let value = 0;
  for (let n = from; n < to; n++) {
    value = value * 65_536 + (groups[n] ?? 0);
  }
  return BigInt(value);
}

function hexDigit(code: number): number | undefined {
  if (code >= ZERO && code <= 57) return code - ZERO;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}
