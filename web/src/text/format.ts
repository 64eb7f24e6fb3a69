/** Numbers, durations, sizes and times as people read them. */

const grouped = new Intl.NumberFormat("en-US");

/** 12345 → `12,345`. */
export function count(value: number): string {
  return grouped.format(value);
}

/** 12345 → `12.3k`; for tight places. */
export function short(value: number): string {
  if (value < 1000) return String(Math.round(value));
  const units = ["k", "M", "G", "T"];
  let scaled = value;
  let unit = -1;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, "") : Math.round(scaled)}${units[unit] ?? ""}`;
}

/** "1 line", "2 lines". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function digits(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

/** Milliseconds → `0 ms`, `412 µs`, `3.42 ms`, `1.20 s`, `2 m 05 s`, `3 h 12 m`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms === 0) return "0 ms";
  if (ms < 0.9995) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  const s = ms / 1000;
  if (s < 59.95) return `${digits(s)} s`;
  const total = Math.round(s);
  if (total < 3600) return `${Math.floor(total / 60)} m ${pad(total % 60)} s`;
  if (total < 86_400) return `${Math.floor(total / 3600)} h ${pad(Math.floor((total % 3600) / 60))} m`;
  return `${Math.floor(total / 86_400)} d ${Math.floor((total % 86_400) / 3600)} h`;
}

/** The same without a fraction, for what is only about so long: `15 s`, `2 m 05 s`. */
export function whole(ms: number): string {
  return duration(ms).replace(/\.\d+ /, " ");
}

/** A round length of time → `500 ms`, `30 s`, `5 min`, `1 h`, `1 d`. */
export function step(ms: number): string {
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ];
  const unit = units.find(([, size]) => ms >= size && ms % size === 0);
  return unit ? `${ms / unit[1]} ${unit[0]}` : duration(ms);
}

/** Bytes → `512 B`, `3.4 KiB`, `1.2 GiB`. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? scaled : scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[unit]}`;
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

/** Zone in which times are shown. */
export type Zone = "local" | "utc";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

function parts(at: Date, zone: Zone): Parts {
  return zone === "utc"
    ? {
        year: at.getUTCFullYear(),
        month: at.getUTCMonth(),
        day: at.getUTCDate(),
        hour: at.getUTCHours(),
        minute: at.getUTCMinutes(),
        second: at.getUTCSeconds(),
        ms: at.getUTCMilliseconds(),
      }
    : {
        year: at.getFullYear(),
        month: at.getMonth(),
        day: at.getDate(),
        hour: at.getHours(),
        minute: at.getMinutes(),
        second: at.getSeconds(),
        ms: at.getMilliseconds(),
      };
}

/** `01:47:55.123` of an RFC 3339 time or epoch milliseconds. */
export function clock(time: string | number, zone: Zone): string {
  const p = parts(new Date(time), zone);
  return `${pad(p.hour)}:${pad(p.minute)}:${pad(p.second)}.${pad(p.ms, 3)}`;
}

/** `Nov 22`. */
export function day(time: string | number, zone: Zone): string {
  const p = parts(new Date(time), zone);
  return `${MONTHS[p.month]} ${pad(p.day)}`;
}

/** `2026-11-22 01:47:55`, what a person types into a time field. */
export function typed(time: string | number, zone: Zone): string {
  const p = parts(new Date(time), zone);
  return `${p.year}-${pad(p.month + 1)}-${pad(p.day)} ${pad(p.hour)}:${pad(p.minute)}:${pad(p.second)}`;
}

/** `2026-11-22 01:47:55.123456 UTC`: everything there is. */
export function exact(time: string, zone: Zone): string {
  const micros = /\.(\d{4,6})/.exec(time)?.[1];
  const at = new Date(time);
  const fraction = micros ? micros.padEnd(6, "0") : pad(at.getMilliseconds(), 3);
  return `${typed(at.getTime(), zone)}.${fraction} ${zoneName(zone, at)}`;
}

/** `UTC` or the local offset, `UTC+02:00`. */
export function zoneName(zone: Zone, at = new Date()): string {
  const offset = -at.getTimezoneOffset();
  if (zone === "utc" || offset === 0) return "UTC";
  const size = Math.abs(offset);
  return `UTC${offset < 0 ? "−" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/** `3 s ago`, `2 h ago`, for the age of a thing. */
export function ago(time: string | number, now = Date.now()): string {
  const s = Math.max(0, (now - new Date(time).getTime()) / 1000);
  if (s < 1) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} m ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}
