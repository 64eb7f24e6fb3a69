/** Units of metrics: what a name says of them, and how their values read. */

import { bytes, duration, short } from "./format";

/** `s`, `B`, `%`, `ratio`, or nothing; `/s` behind it for a rate. */
export type Unit = "" | "s" | "B" | "%" | "ratio" | "/s" | "s/s" | "B/s" | "%/s" | "ratio/s";

const ENDINGS: [RegExp, Unit][] = [
  [/_seconds$/, "s"],
  [/_bytes$/, "B"],
  [/_percent$/, "%"],
  [/_ratio$/, "ratio"],
];

/** The unit in a metric's name (Prometheus's naming: the unit comes last, before `_total`). */
export function unitOf(name: string): Unit {
  const base = name.replace(/_(total|bucket|sum|count)$/, "");
  if (/_count$/.test(name)) return "";
  return ENDINGS.find(([ending]) => ending.test(base))?.[1] ?? "";
}

/** The unit of the rate of something. */
export function perSecond(unit: Unit): Unit {
  return unit.endsWith("/s") ? unit : (`${unit}/s` as Unit);
}

/** A number without a unit: three digits that count, thousands shortened. */
export function amount(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(value)) return size === 0 ? "0" : String(value).replace("-", "−");
  if (size < 0.001 || size >= 1e15) return value.toExponential(2).replace("-", "−");
  const sign = value < 0 ? "−" : "";
  if (size >= 1000) return sign + short(size);
  return sign + String(Number(size.toPrecision(3)));
}

/** A value with its unit: `12.3/s`, `340 ms`, `1.2 GiB`, `83 %`. */
export function measure(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : amount(value);
  const rate = unit.endsWith("/s");
  const base = rate ? unit.slice(0, -2) : unit;
  const tail = rate ? "/s" : "";
  if (base === "s") return rate ? `${amount(value)} s/s` : duration(value * 1000);
  if (base === "B") return (value < 0 ? `−${sized(-value)}` : sized(value)) + tail;
  if (base === "%") return `${amount(value)} %${tail}`;
  if (base === "ratio") return rate ? `${amount(value)}/s` : `${amount(value * 100)} %`;
  return amount(value) + tail;
}

function sized(value: number): string {
  return value < 1024 ? `${amount(value)} B` : bytes(value);
}
