/**
 * The query line as a list of terms. The server gives a query its meaning; here it is only cut into pills, and
 * terms are added to and taken from it when a value on the screen is clicked.
 */

export interface Value {
  text: string;
  quoted: boolean;
  /** `=`, `>`, `>=`, `<`, `<=` before the value, or nothing. */
  operator: string;
}

export interface Term {
  /** As typed, the leading `-` included. */
  raw: string;
  negated: boolean;
  /** Absent for a plain word or phrase. */
  field?: string;
  values: Value[];
}

const FIELD = /^([A-Za-z_][\p{L}\p{N}_.-]*):(?!\/\/)/u;
const OPERATOR = /^(>=|<=|>|<|=)/;

/** Reads a bare or quoted text at `from`; a quote that is never closed ends with the query. */
function readText(text: string, from: number, stop: RegExp): [Value, number] {
  let at = from;
  if (text[at] === '"') {
    let value = "";
    at += 1;
    while (at < text.length && text[at] !== '"') {
      if (text[at] === "\\" && /["\\*]/.test(text[at + 1] ?? "")) at += 1;
      value += text[at];
      at += 1;
    }
    return [{ text: value, quoted: true, operator: "" }, Math.min(text.length, at + 1)];
  }
  while (at < text.length && !stop.test(text[at] as string)) at += 1;
  return [{ text: text.slice(from, at), quoted: false, operator: "" }, at];
}

function readTerm(text: string, from: number): [Term, number] {
  let at = from;
  const negated = text[at] === "-" && at + 1 < text.length && !/\s/.test(text[at + 1] as string);
  if (negated) at += 1;
  const field = FIELD.exec(text.slice(at))?.[1];
  if (field === undefined) {
    const [value, end] = readText(text, at, /[\s"]/);
    return [{ raw: text.slice(from, end), negated, values: [value] }, end];
  }
  at += field.length + 1;
  const values: Value[] = [];
  for (;;) {
    const operator = OPERATOR.exec(text.slice(at))?.[1] ?? "";
    const [value, end] = readText(text, at + operator.length, /[\s,"]/);
    values.push({ ...value, operator });
    at = end;
    if (text[at] !== ",") break;
    at += 1;
  }
  return [{ raw: text.slice(from, at), negated, field, values }, at];
}

/** Cuts a query into its terms; any text is accepted. */
export function tokenise(query: string): Term[] {
  const terms: Term[] = [];
  let at = 0;
  while (at < query.length) {
    if (/\s/.test(query[at] as string)) {
      at += 1;
      continue;
    }
    const [term, end] = readTerm(query, at);
    terms.push(term);
    at = end;
  }
  return terms;
}

/** Whether a typed text is one finished `field:value` term, ready to become a pill at the next blank. */
export function finished(text: string): boolean {
  const terms = tokenise(text);
  const last = terms.at(-1);
  if (!last?.field) return false;
  const value = last.values.at(-1);
  if (!value || (value.text === "" && !value.quoted)) return false;
  return !value.quoted || (last.raw.endsWith('"') && last.raw.length > 1);
}

/** A value as it must be written to be taken literally. */
export function quote(value: string): string {
  return /^[\p{L}\p{N}_./@%+][\p{L}\p{N}_./@%+:-]*$/u.test(value) ? value : quoted(value);
}

function quoted(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

/** Whether the language has a way to name this field. */
export function nameable(field: string): boolean {
  return FIELD.exec(`${field}:`)?.[1] === field;
}

function write(term: Term): string {
  if (term.field === undefined) return term.raw;
  const values = term.values.map(
    (value) => value.operator + (value.quoted ? quoted(value.text) : value.text),
  );
  return `${term.negated ? "-" : ""}${term.field}:${values.join(",")}`;
}

/** `level:error` means that level and above; a click on one level means that one alone. */
function exactly(field: string): string {
  return field === "level" ? "=" : "";
}

function join(terms: Term[]): string {
  return terms.map((term) => term.raw).join(" ");
}

/** Whether a term is the plain list `field:a,b` of a field, where another value can join. */
function isList(term: Term, field: string, negated: boolean): boolean {
  const operator = exactly(field);
  const plain = (value: Value) => value.operator === operator && (value.quoted || !value.text.includes("*"));
  return term.field === field && term.negated === negated && term.values.every(plain);
}

/** Values that the query asks for (or, negated, shuts out) of a field. */
export function chosen(query: string, field: string, negated = false): string[] {
  return tokenise(query)
    .filter((term) => isList(term, field, negated))
    .flatMap((term) => term.values.map((value) => value.text));
}

/**
 * Adds `field:value` to a query, or takes it away when it is there. A second value of the same field joins the
 * first one (`host:a,b`); what was asked for and is now shut out (or the other way round) changes sides.
 */
export function toggle(query: string, field: string, value: string, negated = false): string {
  const had = chosen(query, field, negated).includes(value);
  const terms = tokenise(remove(remove(query, field, value, true), field, value, false));
  if (had) return join(terms);
  const added: Value = { text: value, quoted: quote(value) !== value, operator: exactly(field) };
  const home = terms.find((term) => isList(term, field, negated));
  if (home) {
    home.values.push(added);
    home.raw = write(home);
  } else {
    const term: Term = { raw: "", negated, field, values: [added] };
    terms.push({ ...term, raw: write(term) });
  }
  return join(terms);
}

function remove(query: string, field: string, value: string, negated: boolean): string {
  const terms = tokenise(query).flatMap((term) => {
    if (!isList(term, field, negated)) return [term];
    const values = term.values.filter((each) => each.text !== value);
    if (values.length === term.values.length) return [term];
    if (values.length === 0) return [];
    const rest = { ...term, values };
    return [{ ...rest, raw: write(rest) }];
  });
  return join(terms);
}

/** Adds a term as typed, unless it is there already. */
export function add(query: string, raw: string): string {
  const terms = tokenise(query);
  for (const term of tokenise(raw)) if (!terms.some((each) => each.raw === term.raw)) terms.push(term);
  return join(terms);
}

/** The query without its term number `index`. */
export function without(query: string, index: number): string {
  return join(tokenise(query).filter((_, at) => at !== index));
}

/** The query without any term of a field: what a facet of that field counts over. */
export function withoutField(query: string, field: string): string {
  return join(tokenise(query).filter((term) => term.field !== field));
}

/** Texts to mark in messages: the words and phrases that are asked for. */
export function words(query: string): string[] {
  return tokenise(query)
    .filter((term) => !term.negated && (term.field === undefined || term.field === "message"))
    .flatMap((term) => term.values)
    .map((value) => (value.quoted ? value.text : value.text.replace(/\*+$/, "")))
    .filter((text) => text !== "");
}

/** Cuts a text at the places where one of the words occurs, whatever the case; odd items are the matches. */
export function marked(text: string, wanted: string[]): string[] {
  if (wanted.length === 0) return [text];
  const pattern = wanted
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .sort((a, b) => b.length - a.length);
  return text.split(new RegExp(`(${pattern.join("|")})`, "gi"));
}

/** What stands in a pattern for a part that differs from line to line. */
export const PLACEHOLDER = /(<(?:num|uuid|hex|time|ip|email|str)>)/;
/** Shorter fixed parts of a pattern say too little to look for. */
const SHORTEST = 3;

/** The query that finds the lines of a pattern: all of its fixed parts. */
export function ofPattern(pattern: string): string {
  return pattern
    .split(PLACEHOLDER)
    .filter((_, at) => at % 2 === 0)
    .map((part) => part.trim())
    .filter((part) => part.length >= SHORTEST)
    .map(quoted)
    .join(" ");
}
