/** Stored text made visible: what cannot be seen gets a symbol, and nothing can act on the page. */

/** A stretch of text; `control` marks one that stands for a character that cannot be seen. */
export interface Piece {
  text: string;
  control?: true;
  /** What the symbol stands for, e.g. `U+001B`. */
  name?: string;
}

// Controls, lone surrogates, line separators, and format characters (zero width, text direction, tags), but
// for the joiners that scripts and emoji need.
const HIDDEN = /[\p{Cc}\p{Cs}\u2028\u2029]|(?![\u200c\u200d])\p{Cf}/u;
const HIDDEN_ALL = new RegExp(HIDDEN.source, "gu");

function symbol(code: number): string {
  if (code === 0x0a) return "↵";
  if (code === 0x0d) return "␍";
  if (code === 0x09) return "→";
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `⟨${hex(code)}⟩`;
}

function hex(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * Splits text into visible pieces.
 *
 * @param multiline keeps line breaks and tabs as they are (for blocks of text).
 */
export function visible(text: string, multiline = false): Piece[] {
  if (!HIDDEN.test(text)) return [{ text }];
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN_ALL)) {
    const code = match[0].codePointAt(0) as number;
    if (multiline && (code === 0x0a || code === 0x09)) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: symbol(code), control: true, name: hex(code) });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

/** The same as one string, where no markup is possible (titles, labels). */
export function visibleString(text: string, multiline = false): string {
  return visible(text, multiline)
    .map((piece) => piece.text)
    .join("");
}

/** Cuts long text without splitting a surrogate pair. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const code = text.charCodeAt(length - 1);
  return `${text.slice(0, code >= 0xd800 && code <= 0xdbff ? length - 1 : length)}…`;
}
